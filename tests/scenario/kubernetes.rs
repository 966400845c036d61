//! As much of Kubernetes as one pass needs: the object, the credential that it names, events. The real one is asked by
//! tests/cluster, with the same files.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use kube::Client;
use serde_json::{Value, json};
use webex_azure_operator::api::{CLIENT_ID_ANNOTATION, CREDENTIALS_LABEL, REQUESTED_AT_ANNOTATION};

use super::story::{Secret, ServiceAccount, merge};

/// Namespace of the object.
pub const NAMESPACE: &str = "webex";
/// Its name.
pub const NAME: &str = "contoso";

/// The stand-in for a cluster.
#[derive(Debug, Clone)]
pub struct Kubernetes(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    object: Value,
    good: BTreeMap<String, String>,
    secret: Secret,
    secret_version: u64,
    account: ServiceAccount,
    client: String,
    events: Vec<String>,
    writes: usize,
    states: Vec<Value>,
}

impl Kubernetes {
    /// A cluster with an object of this spec, and a Secret with this client secret.
    pub fn new(spec: &Value, client_secret: &str) -> Self {
        let metadata = json!({
            "name": NAME, "namespace": NAMESPACE, "uid": "00000000-0000-4000-8000-00000000abcd", "generation": 1,
            "resourceVersion": "1", "annotations": {},
        });
        let object = json!({
            "apiVersion": "webexazure.dev/v1alpha1", "kind": "WebexAzureIntegration", "metadata": metadata, "spec": spec,
            "status": { "observedGeneration": -1 },
        });
        Self(Arc::new(Mutex::new(State {
            client: spec["credentials"]["clientId"].as_str().unwrap_or_default().to_owned(),
            states: vec![object.clone()],
            object,
            good: BTreeMap::from([("client-secret".to_owned(), client_secret.to_owned())]),
            secret: Secret::Good,
            secret_version: 1,
            account: ServiceAccount::Absent,
            events: Vec::new(),
            writes: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client of this cluster.
    pub fn client(&self) -> Client {
        let cluster = self.clone();
        let answer = move |request: Request<kube::client::Body>| {
            let cluster = cluster.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let (status, answer) = cluster.state().answer(&head.method, head.uri.path(), &body);
                let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
                let body = Full::new(Bytes::from(answer.to_string()));
                Ok::<_, tower::BoxError>(response.body(body).unwrap())
            }
        };
        Client::new(tower::service_fn(answer), NAMESPACE)
    }

    /// The object as it stands.
    pub fn object(&self) -> Value {
        self.state().object.clone()
    }

    /// Its status.
    pub fn status(&self) -> Value {
        self.state().object["status"].clone()
    }

    /// Merges this into the spec, which makes it another generation if it changes anything.
    pub fn edit(&self, change: &Value) {
        let mut state = self.state();
        let before = state.object["spec"].clone();
        merge(&mut state.object["spec"], change);
        if state.object["spec"] != before {
            let generation = state.object["metadata"]["generation"].as_i64().unwrap();
            state.object["metadata"]["generation"] = (generation + 1).into();
        }
        state.touch();
        state.keep();
    }

    /// Asks for a look.
    pub fn request(&self, value: &str) {
        let mut state = self.state();
        state.object["metadata"]["annotations"][REQUESTED_AT_ANNOTATION] = value.into();
        state.touch();
    }

    /// The Secret becomes this.
    pub fn set_secret(&self, secret: &Secret) {
        let mut state = self.state();
        state.secret = secret.clone();
        state.secret_version += 1;
    }

    /// The ServiceAccount becomes this.
    pub fn set_account(&self, account: ServiceAccount) {
        self.state().account = account;
    }

    /// Reasons of the events since the last call, and how often the status was written.
    pub fn take_told(&self) -> (Vec<String>, usize) {
        let mut state = self.state();
        (std::mem::take(&mut state.events), std::mem::take(&mut state.writes))
    }

    /// The object as it was created, after each edit, and after each write of its status: all that a pipeline can see.
    pub fn take_states(&self) -> Vec<Value> {
        std::mem::take(&mut self.state().states)
    }
}

impl State {
    fn touch(&mut self) {
        let version: u64 = self.object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
        self.object["metadata"]["resourceVersion"] = (version + 1).to_string().into();
    }

    fn keep(&mut self) {
        self.states.push(self.object.clone());
    }

    fn answer(&mut self, method: &Method, path: &str, body: &Bytes) -> (StatusCode, Value) {
        let object = format!("/apis/webexazure.dev/v1alpha1/namespaces/{NAMESPACE}/webexazureintegrations/{NAME}");
        let core = format!("/api/v1/namespaces/{NAMESPACE}");
        if path == object && method == Method::GET {
            return (StatusCode::OK, self.object.clone());
        }
        if path == format!("{object}/status") && method == Method::PATCH {
            return self.write_status(&serde_json::from_slice(body).unwrap());
        }
        if path == format!("{core}/secrets/graph") {
            return self.read_secret();
        }
        if path.starts_with(&format!("{core}/serviceaccounts/reader")) {
            return self.read_account(path.ends_with("/token"));
        }
        if path == format!("/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events") {
            let event: Value = serde_json::from_slice(body).unwrap();
            let note = event["note"].as_str().unwrap_or_default();
            assert!(!note.is_empty() && note.len() <= 1024, "an event's note has at most 1,024 bytes: {note}");
            self.events.push(event["reason"].as_str().unwrap().to_owned());
            return (StatusCode::CREATED, event);
        }
        panic!("a pass does not ask for {method} {path}")
    }

    /// What server-side apply by the one owner of the status does.
    fn write_status(&mut self, body: &Value) -> (StatusCode, Value) {
        if body["metadata"]["resourceVersion"] != self.object["metadata"]["resourceVersion"] {
            return refusal(StatusCode::CONFLICT, "Conflict");
        }
        assert_ne!(body["status"], self.object["status"], "a status that says nothing new is not written");
        self.object["status"] = body["status"].clone();
        self.touch();
        self.keep();
        self.writes += 1;
        (StatusCode::OK, self.object.clone())
    }

    fn read_secret(&self) -> (StatusCode, Value) {
        let (labels, content) = match &self.secret {
            Secret::Absent => return refusal(StatusCode::NOT_FOUND, "NotFound"),
            Secret::Forbidden => return refusal(StatusCode::FORBIDDEN, "Forbidden"),
            Secret::Unlabelled => (json!({}), &self.good),
            Secret::Good => (json!({ CREDENTIALS_LABEL: "true" }), &self.good),
            Secret::Holds(content) => (json!({ CREDENTIALS_LABEL: "true" }), content),
        };
        let data: serde_json::Map<String, Value> =
            content.iter().map(|(key, value)| (key.clone(), STANDARD.encode(value).into())).collect();
        let metadata = json!({
            "name": "graph", "namespace": NAMESPACE, "uid": "secret", "resourceVersion": self.secret_version.to_string(),
            "labels": labels,
        });
        (StatusCode::OK, json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data }))
    }

    fn read_account(&self, wants_token: bool) -> (StatusCode, Value) {
        let annotations = match self.account {
            ServiceAccount::Absent => return refusal(StatusCode::NOT_FOUND, "NotFound"),
            ServiceAccount::Forbidden => return refusal(StatusCode::FORBIDDEN, "Forbidden"),
            ServiceAccount::Tokenless if wants_token => {
                return refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError");
            }
            ServiceAccount::Unbound => json!({}),
            ServiceAccount::Tokenless => json!({ CLIENT_ID_ANNOTATION: self.client }),
        };
        let metadata =
            json!({ "name": "reader", "namespace": NAMESPACE, "uid": "account", "annotations": annotations });
        (StatusCode::OK, json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata }))
    }
}

fn refusal(code: StatusCode, reason: &str) -> (StatusCode, Value) {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "message": "Words for people.",
        "reason": reason, "code": code.as_u16(),
    });
    (code, status)
}
