//! What a service account asked the API server, held against what roles allow it: nothing refused, nothing allowed in vain.

use std::{collections::BTreeSet, fmt, path::Path};

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject};
use kube::{Api, Client, ResourceExt as _, api::ListParams};
use serde_json::Value;

/// One verb on one resource, or on one object of it, by one binding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// As the audit log names it, such as `RoleBinding "operator/webex"`.
    binding: String,
    verb: String,
    group: String,
    /// With the subresource, if any, such as `serviceaccounts/token`.
    resource: String,
    /// The only object, where the rule has names.
    object: Option<String>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { binding, verb, group, resource, object } = self;
        let object = object.as_deref().unwrap_or("*");
        write!(f, "{verb} {resource} {object:?} of group {group:?} by {binding}")
    }
}

impl Right {
    /// Whether this line of the audit log is about a request that this allowed.
    fn allowed(&self, event: &Value) -> bool {
        let annotations = &event["annotations"];
        let reason = annotations["authorization.k8s.io/reason"].as_str().unwrap_or_default();
        let text = |field: &str| event["objectRef"][field].as_str().unwrap_or_default();
        let resource = [text("resource"), text("subresource")];
        let resource = if resource[1].is_empty() { resource[0].to_owned() } else { resource.join("/") };
        annotations["authorization.k8s.io/decision"] == "allow"
            && reason.contains(&format!("allowed by {} of ", self.binding))
            && event["verb"] == self.verb.as_str()
            && text("apiGroup") == self.group
            && resource == self.resource
            && self.object.as_ref().is_none_or(|object| text("name") == object)
    }
}

/// A service account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Account {
    /// As the API server calls it.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    fn is_among(&self, subjects: Option<&Vec<Subject>>) -> bool {
        subjects.into_iter().flatten().any(|subject| {
            subject.kind == "ServiceAccount"
                && subject.name == self.name
                && subject.namespace.as_ref() == Some(&self.namespace)
        })
    }

    /// All that bindings to it allow; what Kubernetes allows to everybody does not count.
    pub async fn rights(&self, client: &Client) -> BTreeSet<Right> {
        let everything = ListParams::default();
        let mut rights = BTreeSet::new();
        for binding in Api::<ClusterRoleBinding>::all(client.clone()).list(&everything).await.unwrap() {
            if self.is_among(binding.subjects.as_ref()) {
                let name = format!("ClusterRoleBinding \"{}\"", binding.name_any());
                let rules = rules_of(client, &binding.role_ref, "").await;
                rights.extend(rules.iter().flat_map(|rule| rights_of(&name, rule)));
            }
        }
        for binding in Api::<RoleBinding>::all(client.clone()).list(&everything).await.unwrap() {
            if self.is_among(binding.subjects.as_ref()) {
                let namespace = binding.namespace().unwrap();
                let name = format!("RoleBinding \"{}/{namespace}\"", binding.name_any());
                let rules = rules_of(client, &binding.role_ref, &namespace).await;
                rights.extend(rules.iter().flat_map(|rule| rights_of(&name, rule)));
            }
        }
        rights
    }
}

async fn rules_of(client: &Client, role: &RoleRef, namespace: &str) -> Vec<PolicyRule> {
    let rules = match role.kind.as_str() {
        "ClusterRole" => Api::<ClusterRole>::all(client.clone()).get(&role.name).await.unwrap().rules,
        _ => Api::<Role>::namespaced(client.clone(), namespace).get(&role.name).await.unwrap().rules,
    };
    rules.unwrap_or_default()
}

fn rights_of(binding: &str, rule: &PolicyRule) -> Vec<Right> {
    let PolicyRule { api_groups, non_resource_urls, resource_names, resources, verbs } = rule;
    assert_eq!(non_resource_urls, &None, "the operator asks for objects only");
    let objects: Vec<Option<String>> = match resource_names {
        None => vec![None],
        Some(names) => names.iter().cloned().map(Some).collect(),
    };
    let mut rights = Vec::new();
    for group in api_groups.iter().flatten() {
        for resource in resources.iter().flatten() {
            for verb in verbs {
                assert!(![group, resource, verb].iter().any(|part| part.contains('*')), "each is named: {rule:?}");
                rights.extend(objects.iter().map(|object| Right {
                    binding: binding.to_owned(),
                    verb: verb.clone(),
                    group: group.clone(),
                    resource: resource.clone(),
                    object: object.clone(),
                }));
            }
        }
    }
    rights
}

/// The lines of the audit log about this account.
pub fn asked_by(account: &Account, log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["user"]["username"] == account.user().as_str()).collect()
}

/// Those that were refused for want of a right, one line each.
pub fn refused(events: &[Value]) -> Vec<String> {
    let refused = events.iter().filter(|event| event["responseStatus"]["code"] == 403);
    refused.map(|event| format!("{} {}", event["verb"], event["requestURI"])).collect()
}

/// Rights that no request needed.
pub fn unused<'a>(rights: &'a BTreeSet<Right>, events: &[Value]) -> Vec<&'a Right> {
    rights.iter().filter(|right| !events.iter().any(|event| right.allowed(event))).collect()
}

/// Names of the pods whose requests changed anything but the lease, one after the other, each as often as it took turns.
/// To ask what one may is a request of this form too, and changes nothing. Each token is bound to a pod, so that the API server knows who it was.
pub fn writers(events: &[Value]) -> Vec<String> {
    let is_write = |event: &&Value| {
        let is_change = ["create", "update", "patch", "delete"].iter().any(|verb| event["verb"] == *verb);
        let object = &event["objectRef"];
        is_change && object["resource"] != "leases" && object["apiGroup"] != "authorization.k8s.io"
    };
    let pod = |event: &Value| {
        let names = &event["user"]["extra"]["authentication.kubernetes.io/pod-name"];
        names[0].as_str().expect("the token is bound to a pod").to_owned()
    };
    let mut writers: Vec<String> = events.iter().filter(is_write).map(pod).collect();
    writers.dedup();
    writers
}

#[test]
fn refusals_and_rights_that_nobody_needed_are_found() {
    let event = |verb: &str, name: &str, code: u16, decision: &str, reason: &str| {
        serde_json::json!({
            "verb": verb, "requestURI": format!("/api/v1/namespaces/off/secrets/{name}"),
            "objectRef": { "resource": "secrets", "namespace": "off", "name": name, "apiVersion": "v1" },
            "responseStatus": { "code": code },
            "annotations": { "authorization.k8s.io/decision": decision, "authorization.k8s.io/reason": reason },
        })
    };
    let by = |binding: &str| format!("RBAC: allowed by {binding} of Role \"y\" to ServiceAccount \"y/no\"");
    let binding = "RoleBinding \"y/off\"";
    let events = [
        event("get", "on", 200, "allow", &by(binding)),
        event("get", "yes", 200, "allow", &by("RoleBinding \"y/elsewhere\"")),
        event("get", "no", 403, "forbid", ""),
    ];
    let rule = PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(vec!["secrets".to_owned()]),
        resource_names: Some(["on", "yes", "no"].map(str::to_owned).to_vec()),
        verbs: vec!["get".to_owned(), "list".to_owned()],
        ..PolicyRule::default()
    };
    let rights: BTreeSet<Right> = rights_of(binding, &rule).into_iter().collect();
    let told: Vec<String> = unused(&rights, &events).iter().map(ToString::to_string).collect();
    let expected = ["get no", "get yes", "list no", "list on", "list yes"].map(|right| {
        let (verb, object) = right.split_once(' ').unwrap();
        format!("{verb} secrets {object:?} of group \"\" by {binding}")
    });
    assert_eq!(told, expected);
    assert_eq!(refused(&events), ["\"get\" \"/api/v1/namespaces/off/secrets/no\""]);
}
