//! Every right that the chart gives, as it is written: nothing but these, and no wildcard.

use serde_json::{Value, json};

use crate::helm::{Helm, Objects};

/// Namespace (empty for a `ClusterRole`), name and rules of each role that is bound to the operator.
fn granted(objects: &Objects) -> Vec<(String, String, Value)> {
    let mut granted = Vec::new();
    for (kind, binding) in [("ClusterRole", "ClusterRoleBinding"), ("Role", "RoleBinding")] {
        for bound in objects.of(binding) {
            assert_eq!(bound["roleRef"]["kind"], kind, "no {binding} leads to another kind");
            let namespace = &bound["metadata"]["namespace"];
            let is_it = |role: &&&Value| {
                role["metadata"]["name"] == bound["roleRef"]["name"] && role["metadata"]["namespace"] == *namespace
            };
            let roles = objects.of(kind);
            let role = roles.iter().find(is_it).unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            granted.push((text(namespace), text(&role["metadata"]["name"]), role["rules"].clone()));
        }
    }
    granted.sort_by_key(|(namespace, name, _)| (namespace.clone(), name.clone()));
    granted
}

fn watch() -> Value {
    json!([
        {"apiGroups": ["webexazure.dev"], "resources": ["webexazureintegrations"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["webexazure.dev"], "resources": ["webexazureintegrations/status"], "verbs": ["patch"]},
        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]},
    ])
}

fn lease(name: &str) -> Value {
    json!([
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [name], "verbs": ["get", "update"]},
    ])
}

fn secrets(name: &str) -> Value {
    json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": ["get"]})
}

fn accounts(name: &str) -> [Value; 2] {
    [
        json!({"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": [name], "verbs": ["get"]}),
        json!({"apiGroups": [""], "resources": ["serviceaccounts/token"], "resourceNames": [name], "verbs": ["create"]}),
    ]
}

fn check(objects: &Objects, expected: &[(&str, &str, Value)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(namespace, name, rules)| ((*namespace).to_owned(), (*name).to_owned(), rules.clone()))
        .collect();
    assert_eq!(granted(objects), expected);
    let account = objects.one("ServiceAccount")["metadata"]["name"].clone();
    let subject = json!([{"kind": "ServiceAccount", "name": account, "namespace": "on"}]);
    for binding in [objects.of("RoleBinding"), objects.of("ClusterRoleBinding")].concat() {
        assert_eq!(binding["subjects"], subject);
    }
}

#[tokio::test]
async fn for_all_namespaces_the_operator_gets_one_cluster_role_without_secrets() {
    let values = json!({"credentials": [{"namespace": "off", "secrets": ["1e3"], "serviceAccounts": ["yes"]}]});
    let objects = Helm::found().await.renders(&values);
    let [account, token] = accounts("yes");
    let name = "y-webex-azure-operator";
    check(
        &objects,
        &[
            ("", &format!("on:{name}"), watch()),
            ("off", &format!("on:{name}"), json!([secrets("1e3"), account, token])),
            ("on", &format!("on:{name}:lease"), lease(name)),
        ],
    );
}

#[tokio::test]
async fn for_a_list_of_namespaces_the_operator_gets_roles_there_and_nothing_for_the_cluster() {
    let objects = Helm::found().await.renders_everything(&json!({}));
    check(
        &objects,
        &[
            ("off", "on:null", json!([secrets("on")])),
            ("off", "on:null:watch", watch()),
            ("on", "on:null:lease", lease("null")),
            ("webex", "on:null", json!(accounts("no"))),
            ("webex", "on:null:watch", watch()),
        ],
    );
    let alone = Helm::found().await.renders(&json!({"namespaces": ["webex"]}));
    assert!(alone.of("ClusterRole").is_empty() && alone.of("ClusterRoleBinding").is_empty());
}

#[tokio::test]
async fn people_get_rights_by_the_clusters_own_roles_and_never_on_the_status() {
    let helm = Helm::found().await;
    let objects = helm.renders(&json!({"rbac": {"aggregate": true}}));
    let verbs = |name: &str, into: &[&str]| {
        let role = objects.named("ClusterRole", name);
        for one in ["view", "edit", "admin"] {
            let label = format!("rbac.authorization.k8s.io/aggregate-to-{one}");
            let is_there = role["metadata"]["labels"][label] == "true";
            assert_eq!(is_there, into.contains(&one), "{name} in {one}");
        }
        assert_eq!(role["rules"][0]["resources"], json!(["webexazureintegrations"]));
        assert_eq!(role["rules"].as_array().unwrap().len(), 1);
        role["rules"][0]["verbs"].clone()
    };
    let view = verbs("on:y-webex-azure-operator:view", &["view", "edit", "admin"]);
    assert_eq!(view, json!(["get", "list", "watch"]));
    let edit = verbs("on:y-webex-azure-operator:edit", &["edit", "admin"]);
    assert_eq!(edit, json!(["create", "update", "patch", "delete", "deletecollection"]));
    assert_eq!(helm.renders(&json!({})).of("ClusterRole").len(), 1, "the operator's own");
}

#[tokio::test]
async fn no_right_has_a_wildcard() {
    let helm = Helm::found().await;
    for values in [json!({}), json!({"namespaces": []})] {
        for objects in [helm.renders(&values), helm.renders_everything(&values)] {
            for role in [objects.of("Role"), objects.of("ClusterRole")].concat() {
                assert!(!role["rules"].to_string().contains('*'), "{role}");
            }
        }
    }
}
