//! What Prometheus and Grafana are given; their kinds are not in the API server, so the shape is looked at.

use serde_json::{Value, json};

use crate::helm::Helm;

const RULES: &str = include_str!("../../charts/webex-azure-operator/files/rules.yaml");

#[tokio::test]
async fn nothing_of_it_is_there_unless_asked_for() {
    let objects = Helm::found().await.renders(&json!({}));
    for kind in ["Service", "ServiceMonitor", "PrometheusRule"] {
        assert!(objects.of(kind).is_empty(), "{kind}");
    }
    assert_eq!(objects.of("ConfigMap").len(), 1, "the settings");
}

#[tokio::test]
async fn prometheus_finds_each_pod_through_a_headless_service() {
    let objects = Helm::found().await.renders_everything(&json!({}));
    let service = objects.one("Service");
    assert_eq!(service["spec"]["clusterIP"], "None");
    assert_eq!(service["spec"]["publishNotReadyAddresses"], true);
    assert_eq!(service["spec"]["ports"][0], json!({"name": "metrics", "port": 9090, "targetPort": "metrics"}));
    assert_eq!(service["spec"]["selector"], objects.one("Deployment")["spec"]["selector"]["matchLabels"]);
    let monitor = objects.one("ServiceMonitor");
    assert_eq!(monitor["apiVersion"], "monitoring.coreos.com/v1");
    assert_eq!(monitor["metadata"]["labels"]["release"], "1");
    let spec = &monitor["spec"];
    let labels = service["metadata"]["labels"].as_object().unwrap();
    let wanted = spec["selector"]["matchLabels"].as_object().unwrap();
    assert!(wanted.iter().all(|(name, value)| labels.get(name) == Some(value)), "{wanted:?} of {labels:?}");
    assert_eq!(labels.get(spec["jobLabel"].as_str().unwrap()), Some(&json!("webex-azure-operator")));
    assert_eq!(spec["namespaceSelector"], json!({"matchNames": ["on"]}));
    let expected = json!([{"port": "metrics", "path": "/metrics", "honorLabels": true, "interval": "30s",
        "scrapeTimeout": "10s", "relabelings": [{"targetLabel": "cluster", "replacement": "1"}],
        "metricRelabelings": [{"action": "labeldrop", "regex": "pod"}]}]);
    assert_eq!(spec["endpoints"], expected);
}

#[tokio::test]
async fn the_rules_and_the_dashboard_are_those_of_the_chart() {
    let objects = Helm::found().await.renders_everything(&json!({}));
    let rule = objects.one("PrometheusRule");
    assert_eq!(rule["apiVersion"], "monitoring.coreos.com/v1");
    assert_eq!(rule["metadata"]["labels"]["release"], "1");
    // Templates of Prometheus, such as {{ $labels.name }}, must not be taken for Helm's.
    let rules = RULES.replace("RUNBOOK_BASE", "https://docs.example/webex");
    assert_eq!(rule["spec"], serde_saphyr::from_str::<Value>(&rules).unwrap());
    assert!(rule["spec"].to_string().contains("https://docs.example/webex/"));

    let config_map = objects.named("ConfigMap", "null-dashboard");
    assert_eq!(config_map["metadata"]["labels"]["grafana_dashboard"], "yes");
    assert_eq!(config_map["metadata"]["annotations"]["folder"], "1");
    let dashboard = config_map["data"]["webex-azure-operator.json"].as_str().unwrap();
    assert_eq!(dashboard, include_str!("../../charts/webex-azure-operator/files/dashboard.json"));
    assert!(serde_json::from_str::<Value>(dashboard).unwrap()["title"].is_string());
    let by_default = Helm::found().await.renders(&json!({"dashboard": {"enabled": true}}));
    let labels = &by_default.named("ConfigMap", "y-webex-azure-operator-dashboard")["metadata"]["labels"];
    assert_eq!(labels["grafana_dashboard"], "1");
}

#[tokio::test]
async fn alerts_have_no_links_where_nobody_said_whereto() {
    let objects = Helm::found().await.renders(&json!({"prometheusRule": {"enabled": true}}));
    let mut expected: Value = serde_saphyr::from_str(RULES).unwrap();
    for group in expected["groups"].as_array_mut().unwrap() {
        for rule in group["rules"].as_array_mut().unwrap() {
            if let Some(annotations) = rule["annotations"].as_object_mut() {
                annotations.remove("runbook_url");
            }
        }
    }
    assert_eq!(objects.one("PrometheusRule")["spec"], expected);
}
