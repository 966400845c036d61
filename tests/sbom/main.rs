//! `sbom.cdx.json`, the bill of materials of the program in the image: it is as the manifests make it, it is CycloneDX,
//! and it lists what cargo compiles, nothing more and nothing less. `UPDATE=1 cargo test --test sbom` rewrites it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod bill;
mod manifest;

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

use bill::{bill, component};
use manifest::{Manifests, TARGET};

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn committed() -> Value {
    serde_json::from_str(&file("sbom.cdx.json")).unwrap()
}

fn components() -> Vec<Value> {
    committed()["components"].as_array().unwrap().clone()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{value} has no {name}"))
}

/// What came by cargo, as `name version`, of this scope or of any.
fn crates(scope: Option<&str>) -> BTreeSet<String> {
    let from_cargo = |one: &Value| text(one, "purl").starts_with("pkg:cargo/");
    let in_scope = |one: &Value| scope.is_none_or(|scope| text(one, "scope") == scope);
    let listed = components().into_iter().filter(|one| from_cargo(one) && in_scope(one));
    listed.map(|one| format!("{} {}", text(&one, "name"), text(&one, "version"))).collect()
}

/// What `cargo tree` prints for these kinds of dependencies, but for ourselves.
fn tree(edges: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--no-default-features", "--target", TARGET, "--prefix", "none", "--edges", edges])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).unwrap();
    let mut words = listed.lines().map(str::split_whitespace);
    let named = words.by_ref().filter_map(|mut words| Some((words.next()?, words.next()?)));
    let others = named.filter(|(name, _)| *name != env!("CARGO_PKG_NAME"));
    others.map(|(name, version)| format!("{name} {}", version.trim_start_matches('v'))).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the switch that rewrites files is not an argument of the test runner")]
fn the_bill_is_what_the_manifests_say() {
    let made = bill(&Manifests::read(), &file("Containerfile"));
    let made = format!("{}\n", serde_json::to_string_pretty(&made).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sbom.cdx.json");
    if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        fs::write(&path, &made).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "sbom.cdx.json is stale: run UPDATE=1 cargo test --test sbom and commit it");
}

#[test]
fn the_bill_lists_what_is_compiled_into_the_program_and_what_was_run_to_compile_it() {
    let linked = tree("normal,no-proc-macro");
    let compiled = tree("normal");
    assert!(linked.iter().any(|name| name.starts_with("ring ")), "{linked:?}");
    assert_eq!(crates(Some("required")), linked);
    assert_eq!(crates(None), compiled);
    let tools: BTreeSet<String> = compiled.difference(&linked).cloned().collect();
    assert_eq!(crates(Some("excluded")), tools);
}

#[test]
fn what_is_linked_besides_crates_is_listed_too() {
    let others: Vec<Value> =
        components().into_iter().filter(|one| !text(one, "purl").starts_with("pkg:cargo/")).collect();
    let names: Vec<&str> = others.iter().map(|one| text(one, "name")).collect();
    assert_eq!(names, ["glibc", "std"], "the C library of the builder's system, and Rust's own");
    assert_eq!(others[0]["licenses"][0]["expression"], "LGPL-2.1-or-later");
    assert_eq!(text(&others[1], "version"), "1.95.0", "as the Containerfile pins it");
}

#[test]
fn the_bill_is_valid_cyclonedx() {
    let read = |name: &str| -> Value {
        let mut schema: Value = serde_json::from_str(&file(&format!("tests/fixtures/cyclonedx/{name}"))).unwrap();
        schema.as_object_mut().unwrap().remove("$id");
        schema
    };
    let mut registry = jsonschema::Registry::new();
    for name in ["spdx.schema.json", "jsf-0.82.schema.json"] {
        registry = registry.add(format!("http://cyclonedx.org/schema/{name}"), read(name)).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft7)
        .with_base_uri("http://cyclonedx.org/schema/bom-1.5.schema.json")
        .with_registry(&registry)
        .should_validate_formats(true)
        .build(&read("bom-1.5.schema.json"))
        .unwrap();
    let errors = |bill: &Value| -> Vec<String> { validator.iter_errors(bill).map(|error| error.to_string()).collect() };
    let bill = committed();
    assert_eq!(errors(&bill), Vec::<String>::new());
    let mut wrong = bill;
    wrong["components"][0]["scope"] = "perhaps".into();
    assert_eq!(errors(&wrong).len(), 1, "the schema is really asked");
}

#[test]
fn every_component_has_a_version_a_licence_an_origin_and_what_it_needs() {
    let licences: Value = serde_json::from_str(&file("tests/fixtures/cyclonedx/spdx.schema.json")).unwrap();
    let known: BTreeSet<&str> = licences["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let bill = committed();
    let named: BTreeSet<&str> = bill["dependencies"].as_array().unwrap().iter().map(|one| text(one, "ref")).collect();
    for one in bill["components"].as_array().unwrap().iter().chain([&bill["metadata"]["component"]]) {
        let name = text(one, "name");
        assert!(!text(one, "version").is_empty(), "{name}");
        for word in text(&one["licenses"][0], "expression").split([' ', '(', ')']) {
            let is_operator = ["", "AND", "OR", "WITH"].contains(&word);
            assert!(is_operator || known.contains(word), "{name}: {word} is no SPDX licence or exception");
        }
        assert!(named.contains(text(one, "bom-ref")), "{name} does not say what it needs");
        if text(one, "purl").starts_with("pkg:cargo/") {
            let hash = &one["hashes"][0];
            assert_eq!(text(hash, "alg"), "SHA-256", "{name}");
            assert!(file("Cargo.lock").contains(text(hash, "content")), "{name}");
        }
    }
}

#[test]
fn a_version_with_a_plus_is_written_as_a_purl_asks() {
    let one = component("wasi", "1.0.4+wasi-0.2.12", "MIT/Apache-2.0", "abc", false);
    assert_eq!(text(&one, "purl"), "pkg:cargo/wasi@1.0.4%2Bwasi-0.2.12");
    assert_eq!(one["licenses"][0]["expression"], "MIT OR Apache-2.0");
}
