//! A release on a real API server: admitted where pods are restricted, with exactly its rights.

use serde_json::json;

use crate::{
    access::{permissions_are_exact, tokens_are_for_microsoft_only},
    cluster::Cluster,
    helm::{CHART, EVERYTHING},
};

/// Names that YAML reads as booleans and numbers unless they are quoted.
const CREDENTIALS: &str = r#"credentials=[{"namespace":"off","secrets":["on","1e3"],"serviceAccounts":["yes"]}]"#;

#[tokio::test]
async fn a_release_installs_runs_restricted_and_may_do_what_it_must() {
    let cluster = Cluster::started().await;
    cluster.has_restricted_namespace("no");
    for namespace in ["off", "true"] {
        cluster.kubectl(&["create", "namespace", namespace]);
    }
    cluster.kubectl(&["create", "serviceaccount", "yes", "--namespace", "off"]);
    let audience = r#"tokenPolicy.audiences=["api://own"]"#;
    let values = ["--set-json", CREDENTIALS, "--set-json", audience];
    let said = cluster.helm(&[&["install", "y", CHART, "--namespace", "no"], &values[..]].concat());
    assert!(said.contains("off: Secrets on, 1e3; ServiceAccounts yes"), "{said}");

    let deployment = cluster.get(&["deployment", "y-webex-azure-operator", "--namespace", "no"]);
    assert_eq!(deployment["spec"]["selector"]["matchLabels"]["app.kubernetes.io/instance"], "y");
    let pod_spec = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod_spec["containers"][0]["image"], "webex-azure-operator:0.1.0");
    let said = cluster.pod_is_admitted("no", pod_spec).unwrap();
    assert!(said.contains("server dry run"), "{said}");
    let careless = json!({"containers": [{"name": "careless", "image": "careless"}],
        "serviceAccountName": "y-webex-azure-operator"});
    let said = cluster.pod_is_admitted("no", &careless).unwrap_err();
    assert!(said.contains("violates PodSecurity \"restricted:latest\""), "{said}");

    permissions_are_exact(&cluster, "no", true).await;
    tokens_are_for_microsoft_only(&cluster, "no").await;

    // The same name in another namespace, for one namespace only.
    let only = ["--set", "namespaces={off}", "--set", "crds.install=false"];
    cluster.helm(&[&["install", "y", CHART, "--namespace", "true"], &values[..], &only[..]].concat());
    permissions_are_exact(&cluster, "true", false).await;
    tokens_are_for_microsoft_only(&cluster, "true").await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_release_says_what_runs_what_is_missing_and_what_comes_next() {
    let cluster = Cluster::started().await;
    let install = ["install", "y", CHART, "--namespace", "default"];
    let said = cluster.helm(&[&install[..], &["--dry-run=server", "--set", "crds.install=false"]].concat());
    for part in [
        "2 pod(s) of webex-azure-operator:0.1.0 run in the namespace default; the holder of the Lease y-webex-azure-operator does the work.",
        "in all namespaces:",
        "Still missing: they may not read any Secret yet.",
        "helm upgrade y charts/webex-azure-operator --namespace default --reset-then-reuse-values \\\n    --set-json 'credentials=",
        "kind load docker-image webex-azure-operator:0.1.0",
        "The kind itself was not installed",
        "rollout status deployment/y-webex-azure-operator",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // The line is one that works.
    cluster.helm(&install);
    let upgrade = ["upgrade", "y", CHART, "--namespace", "default", "--reset-then-reuse-values", "--set-json"];
    let said =
        cluster.helm(&[&upgrade[..], &[r#"credentials=[{"namespace":"default","secrets":["graph"]}]"#]].concat());
    assert!(!said.contains("may not read any Secret"), "{said}");

    for namespace in ["off", "webex"] {
        cluster.kubectl(&["create", "namespace", namespace]);
    }
    // Kinds that this API server does not have.
    let without = "serviceMonitor.enabled=false,prometheusRule.enabled=false,networkPolicy.flavor=kubernetes";
    let said =
        cluster.helm(&["upgrade", "y", CHART, "--namespace", "default", "--values", EVERYTHING, "--set", without]);
    assert!(!said.contains("Still missing"), "{said}");
    assert!(said.contains("in the namespaces off, webex:"), "{said}");
    assert!(said.contains("webex: 00000000-0000-4000-8000-000000000001"), "{said}");
    cluster.get(&["deployment", "null", "--namespace", "default"]);
    cluster.stop().await;
}
