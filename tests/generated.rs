//! Files that are made from code are as the code makes them. `UPDATE=1 cargo test --test generated` rewrites them.

#![expect(clippy::unwrap_used, reason = "a folder that cannot be read ends the test")]

use std::{fs, path::Path};

use webex_azure_operator::cli::{crd_yaml, reference_markdown};

/// Puts the CustomResourceDefinition into the chart: kept when the release is removed, left out when asked.
fn chart_template(crd: &str) -> String {
    let kept = "  annotations:\n    # Objects outlive the release; remove the definition by hand to remove them.\n    helm.sh/resource-policy: keep\n";
    let body = crd.replacen("metadata:\n", &format!("metadata:\n{kept}"), 1);
    format!("{{{{- if .Values.crds.install }}}}\n{body}{{{{- end }}}}\n")
}

#[expect(clippy::disallowed_methods, reason = "the switch that rewrites files is not an argument of the test runner")]
fn check(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is stale: run UPDATE=1 cargo test --test generated and commit it", path.display());
}

#[test]
fn the_definition_in_the_repository_is_what_the_code_prints() {
    check("crds/webexazureintegrations.webexazure.dev.yaml", &crd_yaml().unwrap());
}

#[test]
fn the_reference_is_what_the_tables_say() {
    check("docs/reference.md", &reference_markdown());
}

#[cfg(feature = "demo")]
#[test]
fn the_page_of_unknowns_is_what_the_table_says() {
    check("docs/unknowns.md", &webex_azure_operator::emulator::unknowns_markdown());
}

#[test]
fn the_definition_in_the_chart_is_what_the_code_prints() {
    let crd = crd_yaml().unwrap();
    assert!(!crd.contains("{{"), "the template would take this for its own");
    check("charts/webex-azure-operator/templates/crd.yaml", &chart_template(&crd));
}
