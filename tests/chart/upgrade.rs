//! Releases beside each other and after each other: nothing is in another's way, and what is kept stays.

use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, Question},
    helm::CHART,
};

/// The chart as it was before pods elected one of them.
const PREVIOUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/chart-0.1.0");
const CREDENTIALS: &str = r#"credentials=[{"namespace":"off","secrets":["on"]}]"#;
const NAME: &str = "webex-azure-operator";

fn nothing_is_left(cluster: &Cluster) {
    let kinds = "deployments,configmaps,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,\
        networkpolicies,poddisruptionbudgets,services,validatingadmissionpolicies,validatingadmissionpolicybindings";
    let label = "app.kubernetes.io/name=webex-azure-operator";
    let left = cluster.get(&[kinds, "--all-namespaces", "--selector", label]);
    assert_eq!(left["items"], json!([]));
}

#[tokio::test]
async fn releases_live_side_by_side_and_go_without_a_trace() {
    let cluster = Cluster::started().await;
    for namespace in ["no", "off"] {
        cluster.has_restricted_namespace(namespace);
    }
    cluster.helm(&["install", NAME, CHART, "--namespace", "no", "--set-json", CREDENTIALS]);
    let second = ["--namespace", "off", "--set-json", CREDENTIALS, "--set", "crds.install=false"];
    cluster.helm(&[&["install", NAME, CHART], &second[..]].concat());
    for namespace in ["no", "off"] {
        cluster.get(&["clusterrole", &format!("{namespace}:{NAME}")]);
        cluster.get(&["role", &format!("{namespace}:{NAME}"), "--namespace", "off"]);
        cluster.get(&["validatingadmissionpolicy", &format!("{namespace}.{NAME}")]);
    }
    // A name that YAML reads as a number.
    cluster.helm(&["install", "1e3", CHART, "--namespace", "off", "--set", "crds.install=false"]);
    let deployment = cluster.get(&["deployment", "1e3-webex-azure-operator", "--namespace", "off"]);
    assert_eq!(deployment["metadata"]["labels"]["app.kubernetes.io/instance"], "1e3");
    for (release, namespace) in [(NAME, "no"), (NAME, "off"), ("1e3", "off")] {
        cluster.helm(&["uninstall", release, "--namespace", namespace]);
    }
    nothing_is_left(&cluster);
    cluster.stop().await;
}

#[tokio::test]
async fn an_upgrade_from_the_previous_chart_and_an_uninstall_keep_the_objects() {
    let cluster = Cluster::started().await;
    for namespace in ["no", "off"] {
        cluster.has_restricted_namespace(namespace);
    }
    cluster.helm(&["install", "y", PREVIOUS, "--namespace", "no", "--set-json", CREDENTIALS]);
    let contoso = json!({
        "apiVersion": "webexazure.dev/v1alpha1", "kind": "WebexAzureIntegration",
        "metadata": {"name": "contoso", "namespace": "off"},
        "spec": {
            "tenantId": "00000000-0000-4000-8000-000000000001",
            "credentials": {
                "clientId": "00000000-0000-4000-8000-000000000031",
                "clientSecret": {"name": "on", "key": "client-secret"},
            },
        },
    });
    let definition = "crd/webexazureintegrations.webexazure.dev";
    cluster.kubectl(&["wait", "--for=condition=Established", definition, "--timeout=60s"]);
    cluster.creates(&contoso);
    let uid = || cluster.get(&["wai", "contoso", "--namespace", "off"])["metadata"]["uid"].clone();
    let strategy = || cluster.get(&["deployment", "y-webex-azure-operator", "--namespace", "no"])["spec"].clone();
    let before = uid();
    assert_eq!(strategy()["strategy"]["type"], "Recreate");

    let upgrade = ["upgrade", "y", CHART, "--namespace", "no"];
    let said = cluster.helm_fails(&[&upgrade[..], &["--reuse-values"]].concat());
    assert!(said.contains("use helm upgrade --reset-then-reuse-values"), "{said}");
    let keeping = [&upgrade[..], &["--reset-then-reuse-values"]].concat();
    cluster.helm(&keeping);
    assert_eq!(
        (strategy()["strategy"]["type"].clone(), strategy()["replicas"].clone()),
        (json!("RollingUpdate"), json!(2))
    );
    assert_eq!(uid(), before);
    cluster.get(&["role", "no:y-webex-azure-operator", "--namespace", "off"]);

    cluster.helm(&[&keeping[..], &["--set", "leaderElection.enabled=false,replicas=1"]].concat());
    assert_eq!(strategy()["strategy"], json!({"type": "Recreate"}));

    cluster.helm(&[&keeping[..], &["--set", "namespaces={off}"]].concat());
    let elsewhere = Question {
        user: "system:serviceaccount:no:y-webex-azure-operator",
        namespace: "no",
        verb: "list",
        resource: ("webexazure.dev", "webexazureintegrations", ""),
        name: "",
    };
    cluster.until("no right is left elsewhere", async || !cluster.allows(&elsewhere).await).await;

    cluster.helm(&["uninstall", "y", "--namespace", "no"]);
    assert_eq!(uid(), before);
    nothing_is_left(&cluster);
    // Installed again, the chart takes over the definition that it left.
    cluster.helm(&["install", "y", CHART, "--namespace", "no", "--set-json", CREDENTIALS]);
    assert_eq!(uid(), before);
    let definition = cluster.get(&["crd", "webexazureintegrations.webexazure.dev"]);
    assert_ne!(definition["metadata"]["annotations"]["helm.sh/resource-policy"], Value::Null);
    cluster.stop().await;
}
