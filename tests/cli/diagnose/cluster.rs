//! Objects of a cluster: a small API server that answers what one test needs, and a kubeconfig that leads to it.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

use super::{INCIDENT, JSON, ORGANIZATION, TOAST, words};
use crate::program::{INTEGRATION, Run, Tenant, run};

const ALL: &str = "/apis/webexazure.dev/v1alpha1/webexazureintegrations";
const OF_NAMESPACE: &str = "/apis/webexazure.dev/v1alpha1/namespaces/webex/webexazureintegrations";
const SECRET: &str = "/api/v1/namespaces/webex/secrets/graph";

/// What the API server answers, by path; 404 for everything else.
type Answers = BTreeMap<&'static str, (u16, Value)>;

struct Cluster {
    folder: TempDir,
    _serving: JoinSet<()>,
}

impl Cluster {
    async fn start(mut answers: Answers) -> Self {
        answers.insert(
            "/version",
            (200, json!({ "major": "1", "minor": "36", "gitVersion": "v1.36.0", "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": "" })),
        );
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::new(answers));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{ "name": "test", "cluster": { "server": format!("http://{address}") } }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test", "namespace": "webex" } }],
            "users": [{ "name": "test", "user": {} }],
        });
        std::fs::write(folder.path().join("config"), config.to_string()).unwrap();
        Self { folder, _serving: serving }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    async fn diagnose(&self, tenant: &Tenant, text: &str, more: &[&str]) -> Run {
        let url = tenant.url();
        let mut arguments = vec!["diagnose", "--emulator", &url];
        arguments.extend(more);
        run(&arguments, text, &[("KUBECONFIG", self.kubeconfig().to_str().unwrap())]).await
    }
}

async fn answer(
    State(answers): State<Arc<Answers>>,
    uri: Uri,
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    let (code, body) = answers.get(uri.path()).cloned().unwrap_or_else(|| (404, refusal(404, "NotFound")));
    (StatusCode::from_u16(code).unwrap(), [("content-type", "application/json")], body.to_string())
}

fn refusal(code: u16, reason: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "no", "reason": reason, "code": code })
}

fn list(items: &[Value]) -> (u16, Value) {
    let body = json!({
        "apiVersion": "webexazure.dev/v1alpha1", "kind": "WebexAzureIntegrationList",
        "metadata": { "resourceVersion": "1" }, "items": items,
    });
    (200, body)
}

fn object(name: &str, status: &Value) -> Value {
    json!({
        "apiVersion": "webexazure.dev/v1alpha1", "kind": "WebexAzureIntegration",
        "metadata": { "name": name, "namespace": "webex", "generation": 1, "uid": "u" },
        "spec": {
            "tenantId": "00000000-0000-4000-8000-000000000001",
            "organizationId": ORGANIZATION,
            "credentials": {
                "clientId": "00000000-0000-4000-8000-000000000031",
                "clientSecret": { "name": "graph", "key": "client-secret" },
            },
            "identity": {
                "appId": "00000000-0000-4000-8000-000000000012",
                // The tenant's time stands still, so that the last cycle of its job is long ago.
                "provisioning": { "required": false },
            },
        },
        "status": status,
    })
}

fn secret() -> (u16, Value) {
    let body = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "graph", "namespace": "webex", "labels": { "webexazure.dev/credentials": "true" } },
        "data": { "client-secret": "ZW11bGF0b3Itb25seS1zZWNyZXQ=" },
    });
    (200, body)
}

/// A status that tells of the deletion.
fn drifted(actual: &str) -> Value {
    let condition = |kind: &str, status: &str| {
        json!({
            "type": kind, "status": status, "reason": "X", "message": "m", "observedGeneration": 1,
            "lastTransitionTime": "2023-05-21T22:44:30Z",
        })
    };
    json!({
        "observedGeneration": 1,
        "lastObservedTime": "2023-05-21T22:44:30Z",
        "applications": [{ "name": "identity-integration", "appId": INTEGRATION, "state": "SoftDeleted" }],
        "drift": [{
            "application": "identity-integration", "reason": "ServicePrincipalSoftDeleted", "expected": "present",
            "actual": actual, "since": "2023-05-21T22:43:59Z",
            "remedy": { "action": "Restore", "text": "Restore it." },
        }],
        "driftCount": 1,
        "conditions": [condition("Observed", "True"), condition("Drifted", "True")],
    })
}

fn text() -> String {
    format!("{INCIDENT}\n{JSON}")
}

#[tokio::test]
async fn the_object_is_found_in_the_cluster_and_its_secret_signs_in() {
    let tenant = Tenant::new();
    let other = object("other", &Value::Null);
    let mut other_spec = other.clone();
    other_spec["spec"]["organizationId"] = json!("00000000-0000-4000-8000-0000000000aa");
    let unreadable = json!({ "metadata": { "name": "broken", "namespace": "webex" }, "spec": 7 });
    let answers =
        Answers::from([(ALL, list(&[other_spec, object("contoso", &Value::Null), unreadable])), (SECRET, secret())]);
    let run = Cluster::start(answers).await.diagnose(&tenant, &text(), &["--log", "trace"]).await;
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let told = words(&run.out);
    assert!(told.contains("webex/contoso, tenant"), "{told}");
    assert!(told.contains("Looked at just now, signed in with the credential in the object's Secret."), "{told}");
    assert!(told.contains("webex/broken could not be read"), "{told}");
    assert!(told.contains("For Cisco support"), "{told}");
    for secret in ["emulator-only-secret", "ZW11bGF0b3Itb25seS1zZWNyZXQ", "eyJ"] {
        assert!(!run.out.contains(secret) && !run.err.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn without_the_secret_the_operators_status_is_told_and_that_is_said() {
    let tenant = Tenant::new();
    let object = object("contoso", &drifted("It was \u{1b}[2Jdeleted."));
    let answers = Answers::from([(ALL, list(&[object])), (SECRET, (403, refusal(403, "Forbidden")))]);
    let run = Cluster::start(answers).await.diagnose(&tenant, &text(), &[]).await;
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    let told = words(&run.out);
    assert!(told.contains("its Secret could not be used from here (SecretForbidden)"), "{told}");
    assert!(told.contains("told from the status that the operator published"), "{told}");
    assert!(told.contains("explains the error. It was deleted at 2023-05-21T22:43:59Z;"), "{told}");
    assert!(told.contains("before the error. Have it look now: kubectl annotate"), "{told}");
    assert!(told.contains("Restore it. When it is mended"), "{told}");
    assert!(!run.out.contains('\u{1b}'), "a status is foreign text: {:?}", run.out);
}

#[tokio::test]
async fn a_look_that_is_refused_falls_back_to_the_operators_status() {
    let tenant = Tenant::new();
    let mut wrong = secret();
    wrong.1["data"]["client-secret"] = json!("d3Jvbmc=");
    let answers = Answers::from([(ALL, list(&[object("contoso", &drifted("It was deleted."))])), (SECRET, wrong)]);
    let run = Cluster::start(answers).await.diagnose(&tenant, &text(), &[]).await;
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    let told = words(&run.out);
    assert!(told.contains("a look from here did not succeed (CredentialInvalid)"), "{told}");
    assert!(told.contains("For Microsoft support") && told.contains("AADSTS7000215, request-id"), "{told}");
}

#[tokio::test]
async fn whoever_may_see_one_namespace_only_is_asked_about_that() {
    let tenant = Tenant::new();
    let answers = Answers::from([
        (ALL, (403, refusal(403, "Forbidden"))),
        (OF_NAMESPACE, list(&[object("contoso", &Value::Null)])),
        (SECRET, secret()),
    ]);
    let cluster = Cluster::start(answers).await;
    let run = cluster.diagnose(&tenant, TOAST, &[]).await;
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let told = words(&run.out);
    assert!(told.contains("only namespace webex was asked"), "{told}");
    assert!(told.contains("looked at because it is the only object"), "{told}");
    let run = cluster.diagnose(&tenant, TOAST, &["-n", "webex"]).await;
    assert!(!run.out.contains("was asked"), "{}", run.out);
}

#[tokio::test]
async fn a_cluster_that_leads_nowhere_is_told_and_the_text_is_explained_all_the_same() {
    let tenant = Tenant::new();
    let two = [object("contoso", &Value::Null), object("again", &Value::Null)];
    for (answers, says) in [
        (Answers::new(), "The cluster does not know WebexAzureIntegration objects."),
        (
            Answers::from([(ALL, (500, refusal(500, "InternalError")))]),
            "The cluster could not be asked: could not list",
        ),
        (Answers::from([(ALL, list(&[]))]), "There is no WebexAzureIntegration object."),
        (Answers::from([(ALL, list(&two))]), "there are 2 objects: webex/contoso, webex/again."),
    ] {
        let run = Cluster::start(answers).await.diagnose(&tenant, TOAST, &[]).await;
        assert_eq!((run.code, run.err.as_str()), (1, ""), "{says}");
        let told = words(&run.out);
        assert!(told.contains(says), "{told}");
        assert!(told.contains("What to do By hand: Entra admin center"), "{told}");
    }
}
