//! The alerts: whether Prometheus takes them, whether they fire when they should and only then, and whether everything
//! that they name is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::Deserialize;
use serde_json::Value;
use webex_azure_operator::{api::Reason, cli::reference_markdown};

use crate::{exposition::exposition, promql, promtool};

/// From the folder of this test.
const FILE: &str = "../../charts/webex-azure-operator/files/rules.yaml";
const TESTS: &str = "rules_test.yaml";

/// An alert.
#[derive(Debug, Deserialize)]
pub struct Rule {
    pub alert: String,
    pub expr: String,
    #[serde(rename = "for", default)]
    pub pending: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

/// All alerts in their order.
pub fn rules() -> Vec<Rule> {
    let file: Value = serde_saphyr::from_str(&text(FILE)).unwrap();
    let groups = file["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    rules.map(|rule| Rule::deserialize(rule).unwrap()).collect()
}

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alerts").join(file)).unwrap()
}

#[test]
fn promtool_takes_the_rules_and_finds_nothing_to_improve() {
    let said = promtool::content(&["check", "rules", "--lint=all", "--lint-fatal", FILE], "");
    assert!(said.contains(&format!("SUCCESS: {} rules found", rules().len())), "{said}");
}

#[test]
fn alerts_fire_when_they_should_and_only_then() {
    promtool::content(&["test", "rules", TESTS], "");
}

#[test]
fn every_alert_has_a_test_in_which_it_fires_with_its_words() {
    let file: Value = serde_saphyr::from_str(&text(TESTS)).unwrap();
    let tests = file["tests"].as_array().unwrap();
    let asked = tests.iter().filter_map(|test| test["alert_rule_test"].as_array()).flatten();
    let fired: BTreeSet<(String, String)> = asked
        .flat_map(|asked| {
            let name = asked["alertname"].as_str().unwrap();
            let alerts = asked["exp_alerts"].as_array().unwrap();
            alerts.iter().map(|alert| (name.to_owned(), alert["exp_labels"]["severity"].as_str().unwrap().to_owned()))
        })
        .collect();
    let all = rules().into_iter().map(|rule| (rule.alert, rule.labels["severity"].clone())).collect();
    assert_eq!(fired, all);
}

#[tokio::test]
async fn everything_that_an_alert_asks_for_is_exposed() {
    for rule in rules() {
        promql::check(&rule.expr, exposition().await);
    }
}

#[test]
fn every_alert_says_how_grave_it_is_what_to_do_and_where_that_is_written() {
    let alerts_page = include_str!("../../docs/alerts.md");
    for Rule { alert, labels, annotations, expr, .. } in rules() {
        let severity = labels.get("severity").map(String::as_str);
        assert!(matches!(severity, Some("critical" | "warning")) && labels.len() == 1, "{alert}: {labels:?}");
        let names: Vec<&str> = annotations.keys().map(String::as_str).collect();
        assert_eq!(names, ["description", "runbook", "runbook_url", "summary"], "{alert}");
        let is_of_object = expr.contains("namespace");
        let names_object = ["{{ $labels.namespace }}", "{{ $labels.name }}"]
            .iter()
            .all(|part| annotations["description"].contains(part));
        assert_eq!(is_of_object, names_object, "{alert}");
        assert!(
            annotations["description"].ends_with(|c: char| !c.is_whitespace()) && annotations["summary"].len() < 200
        );
        let runbook = &annotations["runbook"];
        if let Some(reason) = runbook.strip_prefix("webex-azure-operator explain ") {
            assert!(reason == "{{ $labels.reason }}" || Reason::from_name(reason).is_some(), "{alert}: {runbook}");
        }
        let url = annotations["runbook_url"].strip_prefix("RUNBOOK_BASE/").unwrap();
        let is_there = match url.split_once('#').unwrap() {
            ("reference.md", "reason-{{ $labels.reason | toLower }}") => true,
            ("reference.md", anchor) => reference_markdown().contains(&format!("<a id=\"{anchor}\"></a>")),
            ("alerts.md", anchor) => alerts_page.contains(&format!("### {alert}\n")) && anchor == alert.to_lowercase(),
            _ => false,
        };
        assert!(is_there, "{alert}: {url}");
    }
}

#[test]
fn no_alert_names_a_person_a_tenant_or_a_link() {
    for Rule { alert, annotations, .. } in rules() {
        for text in annotations.values() {
            let shown = text.split("{{").skip(1).map(|part| part.split("}}").next().unwrap().trim());
            let allowed =
                ["namespace", "name", "application", "reason", "kind"].map(|label| format!("$labels.{label}"));
            for shown in shown {
                let is_plain = allowed.iter().any(|label| shown.trim_end_matches(" | toLower") == label);
                assert!(is_plain || shown == "$value | humanizeDuration", "{alert} shows {shown}");
            }
            assert!(!text.contains("http"), "{alert}");
        }
    }
}

#[test]
fn the_file_holds_nothing_that_helm_would_have_to_replace() {
    let text = text(FILE);
    for helms in ["{{ .", "{{- ", "{{ include", "{{ tpl"] {
        assert!(!text.contains(helms), "{helms}");
    }
    // The chart leaves out whole lines where nothing is published.
    let lines = text.lines().filter(|line| line.contains("RUNBOOK_BASE") && !line.starts_with('#'));
    assert!(lines.into_iter().all(|line| line.trim_start().starts_with("runbook_url: 'RUNBOOK_BASE/")));
}
