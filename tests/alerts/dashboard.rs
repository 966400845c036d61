//! The dashboard: whether each of its queries is one, and asks for what is exposed.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use serde_json::Value;

use crate::{exposition::exposition, promql, promtool};

const DASHBOARD: &str = include_str!("../../charts/webex-azure-operator/files/dashboard.json");

fn dashboard() -> Value {
    serde_json::from_str(DASHBOARD).unwrap()
}

fn panels() -> Vec<Value> {
    dashboard()["panels"].as_array().unwrap().clone()
}

/// Each query with the panel that shows it, and Grafana's own variables replaced by values that they may have.
fn queries() -> Vec<(String, String)> {
    let panels = panels();
    let targets = panels.iter().filter_map(|panel| Some((panel, panel["targets"].as_array()?)));
    let queries = targets.flat_map(|(panel, targets)| {
        let title = panel["title"].as_str().unwrap();
        targets
            .iter()
            .map(move |target| (title.to_owned(), target["expr"].as_str().unwrap().replace("$__rate_interval", "5m")))
    });
    queries.collect()
}

#[test]
fn every_query_is_one() {
    let mut rules = String::from("groups:\n- name: dashboard\n  rules:\n");
    for (number, (_, query)) in queries().into_iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(rules, "  - record: dashboard:query:{number}\n    expr: {}", Value::from(query));
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard-queries.yaml");
    fs::write(&file, rules).unwrap();
    let said = promtool::content(&["check", "rules", file.to_str().unwrap()], "");
    assert!(said.contains(&format!("SUCCESS: {} rules found", queries().len())), "{said}");
}

#[tokio::test]
async fn every_query_asks_for_what_is_exposed() {
    for (_, query) in queries() {
        promql::check(&query, exposition().await);
    }
}

#[tokio::test]
async fn every_metric_of_the_queue_and_of_each_object_is_shown() {
    let shown: BTreeSet<String> =
        queries().iter().flat_map(|(_, query)| promql::read(query).selectors).map(|selector| selector.metric).collect();
    for (name, family) in &exposition().await.families {
        let is_wanted = family.labels.contains("namespace") || name.contains("queue") || name.contains("look");
        assert!(!is_wanted || shown.iter().any(|metric| metric.starts_with(name.as_str())), "{name}");
    }
}

#[test]
fn variables_choose_the_data_source_the_namespaces_and_the_objects() {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<&str> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "namespace", "object"]);
    assert_eq!(dashboard["uid"], "webex-azure-operator");
    for panel in panels().iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
    }
    for (title, query) in queries() {
        let is_of_objects = promql::read(&query)
            .selectors
            .iter()
            .any(|it| it.metric.ends_with("_ready") || it.metric.ends_with("_drift"));
        assert!(!is_of_objects || query.contains("namespace=~\"$namespace\""), "{title}");
    }
}

#[test]
fn panels_lie_beside_each_other_and_each_says_what_it_shows() {
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels() {
        let title = panel["title"].as_str().unwrap().to_owned();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        assert!(
            panel["type"] == "row" || panel["description"].as_str().is_some_and(|text| text.ends_with('.')),
            "{title}"
        );
        let at = |field: &str| panel["gridPos"][field].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{title}");
        for place in (at("y")..at("y") + at("h")).flat_map(|y| (at("x")..at("x") + at("w")).map(move |x| (x, y))) {
            assert!(taken.insert(place), "{title} lies on another panel");
        }
    }
}
