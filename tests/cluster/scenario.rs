//! Scenarios of tests/scenario through the real API server: the same files, with the same to be said.
//!
//! Here time is real, so that what a file says of time is left out: what is expected is waited for, with windows and paces
//! shortened. Each file has a namespace, a tenant and an operator of its own, all beside each other.

#[path = "../scenario/expect.rs"]
#[expect(dead_code, reason = "some of it is for virtual time only")]
mod expect;
#[path = "../scenario/microsoft.rs"]
#[expect(dead_code, reason = "some of it is for virtual time only")]
mod microsoft;
#[path = "../scenario/story.rs"]
#[expect(dead_code, reason = "some of it is for virtual time only")]
mod story;
#[path = "../scenario/tenant.rs"]
mod tenant;
#[path = "../scenario/wire.rs"]
mod wire;

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use k8s_openapi::api::{
    core::v1::{Namespace, Secret as KubernetesSecret},
    events::v1::Event,
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use libtest_mimic::Trial;
use serde_json::{Map, Value, json};
use tokio::{runtime::Runtime, task::JoinSet};
use tokio_util::sync::CancellationToken;
use webex_azure_operator::{
    api::{CREDENTIALS_LABEL, REQUESTED_AT_ANNOTATION, WebexAzureIntegration},
    clock::Clock,
    controller::{Area, Controller, RunError, Settings, credential::OperatorIdentity, queue::Limits},
    domain::Timing,
};

use crate::{contract, stage::Stage};
use expect::{Expectation, listed};
use microsoft::{CLIENT_SECRET, Microsoft, Place};
use story::{Secret, Step, Story};

/// The operator's windows and paces: 60 seconds become 2.
const SPEED: i32 = 30;

/// Longest wait for one thing.
const PATIENCE: Duration = Duration::from_mins(1);

/// Pause between two questions whether something has come true.
const TICK: Duration = Duration::from_millis(100);

/// Whoever waits for longer than this asks for another look, as a person does who has just mended something.
const ASK_AFTER: u32 = 20;

/// Name of the object.
const NAME: &str = "contoso";

/// One trial for each file that is meant for a real API server.
pub fn trials(runtime: &Arc<Runtime>, stage: &Arc<Stage>) -> Vec<Trial> {
    let stories = story::all().into_iter().filter(|story| story.api_server);
    let trial = |(number, story): (usize, Story)| {
        let (runtime, stage) = (Arc::clone(runtime), Arc::clone(stage));
        Trial::test(format!("scenario_{}", story.name.replace('-', "_")), move || {
            runtime.block_on(async {
                let _definition = stage.definition.read().await;
                tell(&stage, &story, number).await;
            });
            Ok(())
        })
    };
    stories.enumerate().map(trial).collect()
}

/// Tells one story.
async fn tell(stage: &Stage, story: &Story, number: usize) {
    let client = stage.cluster().await.client.clone();
    let namespace = format!("scenario-{}", story.name);
    let mut own = Namespace::default();
    own.metadata.name = Some(namespace.clone());
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &own).await.unwrap();
    // The machine's time would make deadlines in files depend on the day of the test.
    let clock = Clock::seeded("2026-11-23T08:00:00Z".parse().unwrap(), 7);
    let tenant = format!("00000000-0000-4000-8000-{:012}", 1000 + number);
    let place = Place { tenant: Some(&tenant), namespace: &namespace };
    let microsoft = Microsoft::of(story, None, place, clock);
    let spec = microsoft.spec(story);
    let mut scene = Scene::open(client, story, namespace, microsoft);
    scene.secret(&Secret::Good).await;
    let object = json!({
        "apiVersion": "webexazure.dev/v1alpha1", "kind": "WebexAzureIntegration", "metadata": { "name": NAME }, "spec": spec,
    });
    // What comes before all waiting is so from the start.
    let is_waiting = |step: &Step| matches!(step, Step::Look | Step::After(_) | Step::Expect(_));
    let start = story.history.iter().position(is_waiting).unwrap();
    for (number, step) in story.history.iter().enumerate().take(start) {
        scene.take(number, step).await;
    }
    scene.objects.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    scene.operate();
    for (number, step) in story.history.iter().enumerate().skip(start) {
        scene.take(number, step).await;
    }
    scene.rest().await;
    scene.microsoft.check();
}

/// What one story has for itself.
struct Scene<'a> {
    story: &'a Story,
    client: Client,
    namespace: String,
    objects: Api<WebexAzureIntegration>,
    microsoft: Microsoft,
    stop: CancellationToken,
    operator: JoinSet<Result<(), RunError>>,
    /// How many events are told already.
    told: usize,
    /// How many looks there were when something was done last.
    looks: usize,
}

impl<'a> Scene<'a> {
    fn open(client: Client, story: &'a Story, namespace: String, microsoft: Microsoft) -> Self {
        Self {
            story,
            objects: Api::namespaced(client.clone(), &namespace),
            client,
            namespace,
            microsoft,
            stop: CancellationToken::new(),
            operator: JoinSet::new(),
            told: 0,
            looks: 0,
        }
    }

    fn operate(&mut self) {
        let settings = Settings {
            areas: Area::of([self.namespace.as_str()]),
            limits: Limits { total: 8, per_tenant: 4 },
            timing: Timing::PRODUCTION.shortened_by(SPEED),
            server: None,
            exchange_audience: None,
            operator: OperatorIdentity::default(),
            linkable: self.story.process.consent_link_app_ids.iter().map(|id| id.parse().unwrap()).collect(),
            attribution: self.story.process.attribution(),
            instance: "test".to_owned(),
        };
        let clock = self.microsoft.clock().clone();
        let controller = Controller::new(self.client.clone(), self.microsoft.clone(), clock, settings);
        self.operator.spawn(controller.run(self.stop.clone()));
    }

    /// Ends the operator, which must have run until now.
    async fn rest(&mut self) {
        std::mem::take(&mut self.stop).cancel();
        while let Some(ended) = self.operator.join_next().await {
            ended.unwrap().unwrap();
        }
    }

    async fn take(&mut self, number: usize, step: &Step) {
        match step {
            Step::Look | Step::After(_) => return,
            Step::Away(_) | Step::ServiceAccount(_) => {
                panic!("{}: {step:?} is for virtual time only", self.story.name)
            }
            Step::Restart => {
                self.rest().await;
                self.operate();
            }
            Step::Edit(change) => self.merge(&json!({ "spec": self.microsoft.told(change) })).await,
            Step::Request(value) => self.request(value).await,
            Step::Secret(secret) => self.secret(secret).await,
            Step::Expect(raw) => {
                self.expect(number, raw).await;
                return;
            }
            Step::Administrator(_)
            | Step::Script(_)
            | Step::Consent(_)
            | Step::Publisher(_)
            | Step::Provisioning(_)
            | Step::Control(_)
            | Step::Faults(_)
            | Step::Knobs(_) => {
                self.microsoft.perform(step);
            }
        }
        self.looks = self.microsoft.looks();
    }

    async fn merge(&self, change: &Value) {
        self.objects.patch(NAME, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
    }

    async fn request(&self, value: &str) {
        self.merge(&json!({ "metadata": { "annotations": { REQUESTED_AT_ANNOTATION: value } } })).await;
    }

    async fn secret(&self, secret: &Secret) {
        let api: Api<KubernetesSecret> = Api::namespaced(self.client.clone(), &self.namespace);
        let good = || [("client-secret".to_owned(), CLIENT_SECRET.to_owned())].into();
        let (content, labels) = match secret {
            Secret::Absent => {
                api.delete("graph", &DeleteParams::default()).await.unwrap();
                return;
            }
            Secret::Forbidden => panic!("{}: the operator is the administrator here", self.story.name),
            Secret::Unlabelled => (good(), json!({})),
            Secret::Good => (good(), json!({ CREDENTIALS_LABEL: "true" })),
            Secret::Holds(content) => (content.clone(), json!({ CREDENTIALS_LABEL: "true" })),
        };
        let data: Map<String, Value> =
            content.iter().map(|(key, value)| (key.clone(), STANDARD.encode(value).into())).collect();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "graph", "labels": labels }, "data": data,
        });
        api.patch("graph", &PatchParams::apply("test").force(), &Patch::Apply(&secret)).await.unwrap();
    }

    /// Waits until everything is said that is expected.
    async fn expect(&mut self, number: usize, raw: &Value) {
        let place = format!("{} ({}), step {}", self.story.name, self.story.title, number + 1);
        let mut complaints = Vec::new();
        let mut status = Value::Null;
        let mut ticks = tokio::time::interval(TICK);
        let mut count = 0;
        let met = tokio::time::timeout(PATIENCE, async {
            loop {
                ticks.tick().await;
                count += 1;
                (complaints, status) = self.complaints(raw).await;
                if complaints.is_empty() {
                    return;
                }
                let is_expected = raw["status"]["lastHandledReconcileAt"].is_string();
                let was_asked = status["lastHandledReconcileAt"].is_string() && !is_expected;
                if count % ASK_AFTER == 0 && was_asked {
                    self.request(&format!("again {count}")).await;
                }
            }
        });
        let is_met = met.await.is_ok();
        assert!(is_met, "{place}: waited {PATIENCE:?} in vain:{}\n{status:#}", listed(&complaints));
        self.told = self.events().await.len();
    }

    async fn complaints(&self, raw: &Value) -> (Vec<String>, Value) {
        let object = json!(self.objects.get(NAME).await.unwrap());
        let status = object["status"].clone();
        let mut found = Vec::new();
        if status["observedGeneration"] != object["metadata"]["generation"] {
            found.push("the status speaks of an earlier generation".to_owned());
        }
        let meant = self.microsoft.told(&Expectation::under(raw, None));
        let expectation = Expectation::read(&meant, &self.story.name);
        found.extend(expectation.complaints(&status));
        if let Some(expected) = &expectation.events {
            let events = self.events().await.split_off(self.told);
            if events != *expected {
                found.push(format!("the events were {events:?}, not {expected:?}"));
            }
            // Nothing is known to stay away before somebody has looked.
            let is_looked_at = meant["conditions"]["Suspended"].is_null() && meant["conditions"]["Observed"].is_null();
            if expected.is_empty() && is_looked_at && self.microsoft.looks() < self.looks + 2 {
                found.push("nobody has looked since".to_owned());
            }
        }
        (found, status)
    }

    /// Reasons of all events so far, in order of time.
    async fn events(&self) -> Vec<String> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = api.list(&ListParams::default()).await.unwrap().items;
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        events.into_iter().filter_map(|event| event.reason).collect()
    }
}
