//! docs/alerts.md: its table is made from the rules, and each alert has a section of its own.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use crate::rule::{Rule, rules};

const BEGIN: &str = "<!-- made from charts/webex-azure-operator/files/rules.yaml -->\n";
const END: &str = "<!-- end -->\n";

fn table() -> String {
    let mut table = String::from("| alert | severity | holds for | says |\n| --- | --- | --- | --- |\n");
    for Rule { alert, pending, labels, annotations, .. } in rules() {
        let severity = &labels["severity"];
        let pending = if pending.is_empty() { "at once" } else { &pending };
        let summary =
            annotations["summary"].replace("{{ $labels.", "<").replace("{{ $value | humanizeDuration }}", "<time>");
        let anchor = alert.to_lowercase();
        // Writing to a String cannot fail.
        let _ =
            writeln!(table, "| [{alert}](#{anchor}) | {severity} | {pending} | `{}` |", summary.replace(" }}", ">"));
    }
    table
}

#[test]
fn the_table_of_alerts_is_that_of_the_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/alerts.md");
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let made = format!("{head}{BEGIN}{}{END}{tail}", table());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &made).unwrap();
    } else {
        assert!(made == page, "docs/alerts.md is not what the rules say; UPDATE=1 writes it anew");
    }
}

#[test]
fn every_alert_has_a_section_and_no_section_tells_of_another() {
    let page = include_str!("../../docs/alerts.md");
    let sections: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let rules = rules();
    assert_eq!(sections, rules.iter().map(|rule| rule.alert.as_str()).collect());
}
