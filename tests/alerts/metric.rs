//! The metrics that the built program exposes: whether Prometheus' conventions hold, and whether the page tells them all.

use std::collections::BTreeMap;

use webex_azure_operator::api::Reason;

use crate::{
    exposition::{exposition, labels},
    promtool,
};

const PAGE: &str = include_str!("../../docs/metrics.md");

#[tokio::test]
async fn promtool_has_nothing_to_say_about_what_the_program_exposes() {
    let said = promtool::content(&["check", "metrics"], &exposition().await.text);
    assert_eq!(said, "");
}

#[test]
fn promtool_would_say_something_about_a_careless_metric() {
    let careless = "# HELP requests Requests.\n# TYPE requests counter\nrequests 1\n";
    let (is_content, said) = promtool::asked(&["check", "metrics"], careless);
    assert!(!is_content && said.contains("_total"), "{said}");
}

#[tokio::test]
async fn both_forms_have_the_same_series() {
    let said = exposition().await;
    let series = |text: &str| {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(series(&said.text), series(&said.open_metrics));
    assert!(said.open_metrics.ends_with("# EOF\n") && !said.text.contains("# EOF"));
}

#[tokio::test]
async fn the_page_names_every_metric_with_its_type_and_its_labels_and_nothing_else() {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: BTreeMap<String, (String, String)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(|cell| cell.trim_matches([' ', '`'])).collect();
            let mut labels: Vec<&str> = cells[2].split("`, `").collect();
            labels.sort_unstable();
            (cells[0].to_owned(), (cells[1].to_owned(), labels.join(" ")))
        })
        .collect();
    let exposed = exposition().await.families.iter().map(|(name, family)| {
        let labels = family.labels.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        (name.clone(), (family.kind.clone(), labels))
    });
    assert_eq!(told, exposed.collect());
}

#[tokio::test]
async fn series_of_an_object_that_was_deleted_are_gone_and_those_of_the_others_are_there() {
    let text = &exposition().await.text;
    let of = |name: &str| text.lines().filter(|line| labels(line).get("name").is_some_and(|it| it == name)).count();
    assert_eq!(of("gone"), 0);
    for name in ["in-sync", "suspended", "deleted", "consent", "quarantine", "certificate", "refused"] {
        assert!(of(name) > 2, "{name}");
    }
}

#[tokio::test]
async fn only_an_object_that_signs_in_with_a_certificate_tells_when_its_credential_ends() {
    let text = &exposition().await.text;
    let told: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("webex_azure_operator_credential_expiry_timestamp_seconds{"))
        .filter_map(|line| labels(line).remove("name"))
        .collect();
    assert_eq!(told, ["certificate"]);
}

#[tokio::test]
async fn every_reason_among_the_labels_is_one_of_the_table() {
    for line in exposition().await.text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(reason) = labels(line).get("reason") {
            assert!(Reason::from_name(reason).is_some(), "{line}");
        }
    }
}

#[tokio::test]
async fn looks_are_counted_by_how_they_ended() {
    let text = &exposition().await.text;
    let count = |result: &str| {
        let series = format!("webex_azure_operator_looks_total{{result=\"{result}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse::<u64>().unwrap()
    };
    for result in ["in_sync", "drifted", "unreadable", "skipped"] {
        assert!(count(result) > 0, "{result}");
    }
    for result in ["failed", "panicked"] {
        assert_eq!(count(result), 0, "{result}");
    }
}

#[tokio::test]
async fn the_watch_was_heard_after_the_process_started() {
    let text = &exposition().await.text;
    let value = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap().parse::<f64>().unwrap()
    };
    let (started, heard) =
        (value("process_start_time_seconds"), value("webex_azure_operator_watch_last_heard_timestamp_seconds"));
    assert!(started > 1.7e9 && heard >= started, "{started} {heard}");
}
