//! The server as the real Kubernetes client sees it.

mod watching;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, stream::BoxStream};
use http::StatusCode;
use jiff::Timestamp;
use k8s_openapi::{
    ByteString,
    api::{core::v1::Secret, events::v1::Event},
};
use kube::{
    Api, Error, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams},
    runtime::{
        WatchStreamExt,
        utils::Backoff,
        watcher::{self, Event as Seen, watcher},
    },
};
use serde_json::{Value, json};

use super::{ApiServer, ApiService, Denial, Fired, RequestLine, Resource, Verb, Verdict};

const NAMESPACE: &str = "webex";
const MANAGER: &str = "operator";

/// The same pause after every error.
struct Steady;

impl Iterator for Steady {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }
}

impl Backoff for Steady {
    fn reset(&mut self) {}
}

fn service() -> ApiService {
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().expect("a time");
    ApiService::new(ApiServer::new(7, Arc::new(move || now)))
}

fn kind() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("webexazure.dev", "v1alpha1", "WebexAzureIntegration"))
}

fn everywhere(service: &ApiService) -> Api<DynamicObject> {
    Api::all_with(service.client(), &kind())
}

fn integrations(service: &ApiService) -> Api<DynamicObject> {
    Api::namespaced_with(service.client(), NAMESPACE, &kind())
}

fn create(service: &ApiService, name: &str) {
    service.server().create(NAMESPACE, name, json!({ "interval": "5m" }));
}

fn annotate(service: &ApiService, name: &str, value: &str) {
    service.server().annotate(NAMESPACE, name, "note", value);
}

fn revision(service: &ApiService, name: &str) -> String {
    let object = service.server().object(NAMESPACE, name).expect("the object exists");
    object["metadata"]["resourceVersion"].as_str().expect("it has a version").to_owned()
}

/// The verbs of all requests so far.
fn verbs(service: &ApiService) -> Vec<Verb> {
    service.server().exchanges().iter().map(|exchange| exchange.line.verb).collect()
}

fn observe(service: &ApiService, config: watcher::Config) -> BoxStream<'static, watcher::Result<Seen<DynamicObject>>> {
    watcher(everywhere(service), config).backoff(Steady).boxed()
}

/// The next event in short, if there is one within a time.
async fn next_within(
    seconds: u64,
    stream: &mut (impl Stream<Item = watcher::Result<Seen<DynamicObject>>> + Unpin),
) -> String {
    match tokio::time::timeout(Duration::from_secs(seconds), stream.next()).await {
        Ok(Some(Ok(event))) => event.to_string(),
        Ok(Some(Err(watcher::Error::WatchError(status)))) => format!("watch error {}", status.code),
        Ok(Some(Err(watcher::Error::WatchFailed(_)))) => "watch failed".to_owned(),
        Ok(Some(Err(error))) => format!("error: {error}"),
        Ok(None) => "end".to_owned(),
        Err(_) => "nothing".to_owned(),
    }
}

async fn expect_events(
    stream: &mut (impl Stream<Item = watcher::Result<Seen<DynamicObject>>> + Unpin),
    expected: &[&str],
) {
    for event in expected {
        assert_eq!(next_within(3, stream).await, *event, "of {expected:?}");
    }
}

async fn apply(service: &ApiService, name: &str, status: &Value) -> kube::Result<DynamicObject> {
    apply_with(service, name, json!({}), status, &PatchParams::apply(MANAGER).force()).await
}

async fn apply_with(
    service: &ApiService,
    name: &str,
    metadata: Value,
    status: &Value,
    params: &PatchParams,
) -> kube::Result<DynamicObject> {
    let kind = kind();
    let body = json!({ "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "status": status });
    integrations(service).patch_status(name, params, &Patch::Apply(&body)).await
}

fn conditions(types: &[&str]) -> Value {
    types.iter().map(|kind| json!({ "type": kind, "status": "True", "reason": "Reason" })).collect()
}

fn condition_types(object: &DynamicObject) -> Vec<&str> {
    let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().filter_map(|condition| condition["type"].as_str()).collect()
}

fn code<T>(result: kube::Result<T>) -> u16 {
    match result {
        Err(Error::Api(status)) => status.code,
        Err(error) => unreachable!("not an answer of the server: {error}"),
        Ok(_) => 200,
    }
}

fn fault_on(service: &ApiService, verb: Verb, verdict: Verdict) {
    let hook = move |line: &RequestLine| if line.verb == verb { verdict } else { Verdict::Pass };
    service.server().set_fault(Some(Box::new(hook)));
}

#[tokio::test(start_paused = true)]
async fn the_same_status_applied_twice_changes_nothing() {
    let service = service();
    create(&service, "a");
    let mut events = observe(&service, watcher::Config::default());
    expect_events(&mut events, &["Init", "InitApply(a)", "InitDone", "nothing"]).await;
    let status = json!({ "observedGeneration": 1, "conditions": conditions(&["Ready", "Observed"]) });
    apply(&service, "a", &status).await.unwrap();
    let before = revision(&service, "a");
    let mut server_revision = service.server().revision();
    apply(&service, "a", &status).await.unwrap();
    assert_eq!(revision(&service, "a"), before);
    assert_eq!(service.server().revision(), server_revision);
    expect_events(&mut events, &["Apply(a)", "nothing"]).await;
    apply(&service, "a", &json!({ "observedGeneration": 1 })).await.unwrap();
    server_revision += 1;
    assert_eq!(service.server().revision(), server_revision);
}

#[tokio::test(start_paused = true)]
async fn a_condition_left_out_goes_unless_another_manager_owns_it() {
    let service = service();
    create(&service, "a");
    let other = PatchParams::apply("other");
    apply_with(&service, "a", json!({}), &json!({ "conditions": conditions(&["Foreign"]) }), &other).await.unwrap();
    apply(&service, "a", &json!({ "conditions": conditions(&["Stalled", "Ready"]) })).await.unwrap();
    let object = apply(&service, "a", &json!({ "conditions": conditions(&["Ready"]) })).await.unwrap();
    assert_eq!(condition_types(&object), ["Foreign", "Ready"]);
    let taken = json!({ "conditions": [{ "type": "Ready", "status": "False" }] });
    let refused = apply_with(&service, "a", json!({}), &taken, &other).await;
    assert_eq!(code(refused), 409);
    let object = apply(&service, "a", &json!({ "observedGeneration": 1 })).await.unwrap();
    assert_eq!(condition_types(&object), ["Foreign"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_spec_makes_a_generation_and_one_of_status_does_not() {
    let service = service();
    create(&service, "a");
    let created = service.server().object(NAMESPACE, "a").unwrap();
    assert_eq!(created["status"], json!({ "observedGeneration": -1 }));
    assert_eq!(created["metadata"]["creationTimestamp"], json!("2026-11-23T12:00:00Z"));
    let object = apply(&service, "a", &json!({ "observedGeneration": 1 })).await.unwrap();
    assert_eq!(object.metadata.generation, Some(1));
    annotate(&service, "a", "1");
    assert_eq!(integrations(&service).get("a").await.unwrap().metadata.generation, Some(1));
    let patch = Patch::Merge(json!({ "spec": { "interval": "1h" }, "status": { "observedGeneration": 9 } }));
    let object = integrations(&service).patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(object.metadata.generation, Some(2));
    assert_eq!(object.data["status"], json!({ "observedGeneration": 1 }));
    service.server().set_spec(NAMESPACE, "a", json!({ "interval": "2h" }));
    assert_eq!(integrations(&service).get("a").await.unwrap().metadata.generation, Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_status_apply_obeys_a_resource_version_and_ignores_a_uid() {
    let service = service();
    create(&service, "a");
    let stale = integrations(&service).get("a").await.unwrap();
    service.server().delete(NAMESPACE, "a");
    create(&service, "a");
    let (status, params) = (json!({ "observedGeneration": 5 }), PatchParams::apply(MANAGER).force());
    let version = json!({ "resourceVersion": stale.resource_version() });
    assert_eq!(code(apply_with(&service, "a", version, &status, &params).await), 409);
    let uid = json!({ "uid": stale.uid() });
    let object = apply_with(&service, "a", uid, &status, &params).await.unwrap();
    assert_ne!(object.uid(), stale.uid());
    assert_eq!(object.data["status"], status);
    assert_eq!(code(apply(&service, "none", &status).await), 404);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_has_its_effect_and_a_lost_request_has_none() {
    let service = service();
    create(&service, "a");
    fault_on(&service, Verb::Apply, Verdict::LoseRequest);
    assert!(apply(&service, "a", &json!({ "observedGeneration": 1 })).await.is_err());
    assert_eq!(service.server().object(NAMESPACE, "a").unwrap()["status"]["observedGeneration"], json!(-1));
    fault_on(&service, Verb::Apply, Verdict::LoseAnswer);
    assert!(apply(&service, "a", &json!({ "observedGeneration": 2 })).await.is_err());
    assert_eq!(service.server().object(NAMESPACE, "a").unwrap()["status"]["observedGeneration"], json!(2));
    fault_on(&service, Verb::Apply, Verdict::Answer(StatusCode::TOO_MANY_REQUESTS, Some(3)));
    let Err(Error::Api(status)) = apply(&service, "a", &json!({ "observedGeneration": 3 })).await else {
        unreachable!("the fault is set")
    };
    assert_eq!((status.code, status.details.unwrap().retry_after_seconds), (429, 3));
    fault_on(&service, Verb::Apply, Verdict::Never);
    let status = json!({ "observedGeneration": 4 });
    assert!(tokio::time::timeout(Duration::from_mins(10), apply(&service, "a", &status)).await.is_err());
    service.server().set_fault(None);
    let server = service.server();
    assert_eq!(server.fired(), Fired { lost_requests: 1, lost_answers: 1, answered: 1, never: 1 });
    let [write] = server.writes() else { unreachable!("one write was served") };
    assert_eq!((write.code, write.line.field_manager()), (StatusCode::OK, Some(MANAGER)));
    assert_eq!(write.body["status"]["observedGeneration"], json!(2));
}

fn secret(name: &str) -> Secret {
    let mut secret = Secret::default();
    secret.metadata.name = Some(name.to_owned());
    secret.metadata.labels = Some(BTreeMap::from([("webexazure.dev/credentials".to_owned(), "true".to_owned())]));
    secret.data = Some(BTreeMap::from([("client-secret".to_owned(), ByteString(b"not a secret".to_vec()))]));
    secret
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_read_unless_it_is_missing_or_forbidden() {
    let service = service();
    let api: Api<Secret> = Api::namespaced(service.client(), NAMESPACE);
    assert_eq!(code(api.get("graph").await), 404);
    service.server().put_secret(NAMESPACE, &secret("graph"));
    let first = api.get("graph").await.unwrap();
    assert_eq!(first.data, secret("graph").data);
    service.server().put_secret(NAMESPACE, &secret("graph"));
    let second = api.get_metadata("graph").await.unwrap();
    assert_eq!(second.metadata.uid, first.metadata.uid);
    assert_eq!(second.metadata.labels, first.metadata.labels);
    assert_ne!(second.metadata.resource_version, first.metadata.resource_version);
    let denial = Denial {
        verb: Some(Verb::Get),
        resource: Resource::Secrets,
        subresource: None,
        namespace: Some(NAMESPACE.to_owned()),
        name: Some("graph".to_owned()),
    };
    service.server().forbid(denial);
    assert_eq!(code(api.get("graph").await), 403);
    assert_eq!(code(api.get("other").await), 404);
    service.server().permit();
    assert_eq!(code(api.get("graph").await), 200);
    assert!(service.server().delete_secret(NAMESPACE, "graph"));
    assert_eq!(code(api.get("graph").await), 404);
    assert_eq!(code(api.list(&ListParams::default()).await), 405);
}

#[tokio::test(start_paused = true)]
async fn status_can_be_forbidden_alone() {
    let service = service();
    create(&service, "a");
    let denial = Denial {
        verb: Some(Verb::Patch),
        resource: Resource::Integrations,
        subresource: Some("status"),
        namespace: None,
        name: None,
    };
    service.server().forbid(denial);
    assert_eq!(code(apply(&service, "a", &json!({ "observedGeneration": 1 })).await), 403);
    assert_eq!(code(integrations(&service).get("a").await), 200);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_stored_once_and_checked() {
    let service = service();
    let event: Event = serde_json::from_value(json!({
        "metadata": { "name": "a.1", "namespace": NAMESPACE },
        "eventTime": "2026-11-23T12:00:00.000000Z",
        "reportingController": "webexazure.dev/operator",
        "reportingInstance": "pod",
        "action": "Look",
        "reason": "DriftDetected",
        "note": "Something differs.",
        "type": "Warning",
        "regarding": { "kind": "WebexAzureIntegration", "namespace": NAMESPACE, "name": "a" },
    }))
    .unwrap();
    let api: Api<Event> = Api::namespaced(service.client(), NAMESPACE);
    api.create(&PostParams::default(), &event).await.unwrap();
    assert_eq!(code(api.create(&PostParams::default(), &event).await), 409);
    let mut long = event.clone();
    long.metadata.name = Some("a.2".to_owned());
    long.note = Some("n".repeat(1025));
    assert_eq!(code(api.create(&PostParams::default(), &long).await), 422);
    let server = service.server();
    let [stored] = server.events() else { unreachable!("one event was stored") };
    assert_eq!(stored["note"], json!("Something differs."));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_and_recreated_object_has_another_uid() {
    let service = service();
    create(&service, "a");
    let api = integrations(&service);
    let first = api.get("a").await.unwrap();
    api.delete("a", &DeleteParams::default()).await.unwrap();
    assert_eq!(code(api.get("a").await), 404);
    let second = DynamicObject::new("a", &kind()).data(json!({ "spec": { "interval": "5m" } }));
    let second = api.create(&PostParams::default(), &second).await.unwrap();
    assert_ne!(second.uid(), first.uid());
    assert_eq!(code(api.create(&PostParams::default(), &second).await), 500);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_bytes() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let service = service();
        create(&service, "a");
        let mut seen = Vec::new();
        let mut events = observe(&service, watcher::Config::default());
        for step in 0..6 {
            let _ = apply(&service, "a", &json!({ "observedGeneration": step })).await;
            fault_on(&service, Verb::Apply, if step % 2 == 0 { Verdict::LoseAnswer } else { Verdict::Pass });
            seen.push(next_within(2, &mut events).await);
        }
        let server = service.server();
        let log: Vec<String> = server.exchanges().iter().map(|exchange| exchange.line.to_string()).collect();
        runs.push((seen, log, server.object(NAMESPACE, "a")));
    }
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0].1.len(), 8, "six writes, a list and a watch: {:?}", runs[0].1);
}
