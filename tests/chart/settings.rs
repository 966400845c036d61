//! The process's switches: a `ConfigMap` of environment variables that the program reads.

use std::process::{Command, Output};

use serde_json::{Map, Value, json};

use crate::helm::{Helm, Objects};

fn variables(objects: &Objects, name: &str) -> Map<String, Value> {
    let name = format!("{name}-settings");
    assert_eq!(objects.container()["envFrom"], json!([{"configMapRef": {"name": name}}]));
    objects.named("ConfigMap", &name)["data"].as_object().unwrap().clone()
}

/// The operator where no cluster is configured: it reads its switches and then ends.
fn run(variables: &Map<String, Value>) -> Output {
    let variables = variables.iter().map(|(name, value)| (name, value.as_str().unwrap()));
    Command::new(env!("CARGO_BIN_EXE_webex-azure-operator"))
        .arg("run")
        .env_clear()
        .env("KUBECONFIG", "/nowhere")
        .envs(variables)
        .output()
        .unwrap()
}

#[tokio::test]
async fn every_setting_is_one_that_the_program_reads() {
    let helm = Helm::found().await;
    let few = variables(&helm.renders(&json!({})), "y-webex-azure-operator");
    let all = variables(&helm.renders_everything(&json!({})), "null");
    for variables in [&few, &all] {
        let ended = run(variables);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code() != Some(2) && !said.contains("invalid value"), "{variables:?}: {said}");
    }
    let own: Vec<&String> = all.keys().filter(|name| name.starts_with("WEBEX_AZURE_OPERATOR_")).collect();
    assert_eq!(own.len(), 8);
    for name in own {
        let mut broken = all.clone();
        broken.insert(name.clone(), json!("a=b=c"));
        let ended = run(&broken);
        let said = String::from_utf8_lossy(&ended.stderr);
        let flag = name.trim_start_matches("WEBEX_AZURE_OPERATOR_").to_lowercase().replace('_', "-");
        assert!(!ended.status.success() && said.contains(&format!("--{flag}")), "{name}: {said}");
    }
}

#[tokio::test]
async fn every_setting_of_the_chart_arrives() {
    let helm = Helm::found().await;
    let expected = json!({
        "WEBEX_AZURE_OPERATOR_ATTRIBUTION": "ids",
        "WEBEX_AZURE_OPERATOR_HEARTBEAT": "1h30m",
        "WEBEX_AZURE_OPERATOR_MAX_LOOKS": "64",
        "WEBEX_AZURE_OPERATOR_CONSENT_LINK_APP_ID":
            "00000000-0000-4000-8000-000000000012,00000000-0000-4000-8000-000000000013",
        "WEBEX_AZURE_OPERATOR_OBJECT_METRICS": "false",
        "WEBEX_AZURE_OPERATOR_EXCHANGE_AUDIENCE": "api://another",
        "WEBEX_AZURE_OPERATOR_LOG": "info,webex_azure_operator=debug",
        "WEBEX_AZURE_OPERATOR_LOG_FORMAT": "text",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "NO_PROXY": ".example",
    });
    assert_eq!(json!(variables(&helm.renders_everything(&json!({})), "null")), expected);
}

#[tokio::test]
async fn a_changed_setting_replaces_the_pods_and_nothing_else_does() {
    let helm = Helm::found().await;
    let pod = |values: Value| helm.renders(&values).pod().clone();
    let before = pod(json!({}));
    for changed in [json!({"settings": {"heartbeat": "2h"}}), json!({"proxy": {"noProxy": "a"}})] {
        assert_ne!(before, pod(changed));
    }
    for unrelated in [json!({"rbac": {"aggregate": true}}), json!({"replicas": 3}), json!({"crds": {"install": false}})]
    {
        assert_eq!(before, pod(unrelated));
    }
}
