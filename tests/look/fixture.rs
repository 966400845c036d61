//! The fixture: who looks, at which tenant, and what is made of it.

use std::{ops::RangeBounds, sync::Arc, time::Duration};

use secrecy::SecretString;
use serde_json::{Value, json};
use webex_azure_operator::{
    api::{AppId, ObjectId, Reason, TenantId, validation::IDENTITY_INTEGRATION_APP_ID},
    clock::Clock,
    domain::{
        Desired, Observation, Observed, Obstacle, Reading, Recall,
        cloud::Endpoints,
        observed::{ObservedApplication, ServicePrincipal},
    },
    emulator::{Knobs, Scenario},
    graph::{Credential, Graph, Look, Priority, Proof, Question, TokenKey},
};

use super::{
    contract::Contract,
    seam::{Asked, Kind, Reply, Seam, Tenant},
    tenant,
};

/// The declared tenant of the tests that do not use the emulator.
pub const TENANT: TenantId = TenantId::from_u128(0x1);
/// The operator's own application there.
pub const CLIENT: AppId = AppId::from_u128(0x31);
/// "Cisco Webex Identity Integration".
pub const INTEGRATION: AppId = IDENTITY_INTEGRATION_APP_ID;
/// "Cisco Webex Identity".
pub const IDENTITY: AppId = AppId::from_u128(0x12);
/// Object ID of the integration's service principal.
pub const INTEGRATION_OBJECT: ObjectId = ObjectId::from_u128(0x21);
/// Object ID of the identity's service principal.
pub const IDENTITY_OBJECT: ObjectId = ObjectId::from_u128(0x11);
/// Object ID of Microsoft Graph's service principal.
pub const GRAPH_OBJECT: ObjectId = ObjectId::from_u128(0x3);
/// Object ID of the registration of "Cisco Webex Identity", where it has one in the tenant.
pub const REGISTRATION: ObjectId = ObjectId::from_u128(0x77);
/// The tenant that owns the applications.
pub const OWNER: TenantId = TenantId::from_u128(0xc1);
/// A secret with everything in it that could be encoded wrongly.
pub const SECRET: &str = "Canary~&=+ %é/secret";

/// Which read of an application.
#[derive(Debug, Clone, Copy)]
pub enum Read {
    Principal,
    Roles,
    Grants,
    DeletedPrincipals,
    DeletedApplications,
    Assigned,
    /// By the object ID of the service principal.
    Jobs,
    /// The registration in the declared tenant.
    Registration,
}

impl Read {
    fn is_asked_by(self, url: &str) -> bool {
        let marks = match self {
            Self::Principal => {
                return url.starts_with("/servicePrincipals(") && (url.contains("')?") || url.ends_with("')"));
            }
            Self::Registration => "/applications(",
            Self::Assigned => "')/appRoleAssignedTo?",
            Self::Jobs => "/synchronization/jobs",
            Self::Roles => "')/appRoleAssignments?",
            Self::Grants => "')/oauth2PermissionGrants?",
            Self::DeletedPrincipals => "/deletedItems/microsoft.graph.servicePrincipal?",
            Self::DeletedApplications => "/deletedItems/microsoft.graph.application?",
        };
        url.contains(marks)
    }
}

/// Who looks: an object and its Secret.
#[derive(Debug, Clone)]
pub struct Looker {
    pub desired: Desired,
    pub endpoints: Endpoints,
    pub credential: Credential,
}

impl Looker {
    pub fn new(spec: Value, secret: &str) -> Self {
        let desired = Desired::from_spec(&serde_json::from_value(spec).unwrap()).unwrap();
        let key = TokenKey {
            cloud: desired.cloud,
            tenant: desired.tenant,
            client: desired.client,
            kind: desired.credential.kind(),
            namespace: "webex".to_owned(),
            uid: "uid".to_owned(),
            version: "1".to_owned(),
            key: "client-secret".to_owned(),
        };
        let credential = Credential { key, proof: Proof::Secret(SecretString::from(secret)) };
        Self { endpoints: Endpoints::of(desired.cloud), desired, credential }
    }

    /// The same object with something else in the identity of its credential.
    pub fn with_key(&self, change: impl FnOnce(&mut TokenKey)) -> Self {
        let mut other = self.clone();
        change(&mut other.credential.key);
        other
    }
}

/// A declaration of both presets.
pub fn spec() -> Value {
    json!({
        "tenantId": TENANT.to_string(),
        "credentials": {
            "clientId": CLIENT.to_string(),
            "clientSecret": { "name": "graph", "key": "client-secret" },
        },
        "identity": { "appId": IDENTITY.to_string() },
    })
}

/// A declaration with something else in it.
pub fn spec_with(change: impl FnOnce(&mut Value)) -> Value {
    let mut spec = spec();
    change(&mut spec);
    spec
}

/// A process that looks at tenants.
pub struct Scene {
    pub graph: Graph<Arc<Seam>>,
    pub looker: Looker,
    /// What the look knows of earlier ones: the object IDs, as in the steady state.
    pub recall: Recall,
    seam: Arc<Seam>,
    clock: Clock,
    emulator: Option<tenant::Shared>,
    /// Fails the test at its end if the emulator answered otherwise than Microsoft describes.
    contract: Option<Contract>,
}

/// Each alteration that was arranged must have happened, else the test proves nothing.
impl Drop for Scene {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.seam.settle();
            if let Some(contract) = &self.contract {
                contract.check();
            }
        }
    }
}

impl Scene {
    fn new(tenant: Tenant, clock: Clock, looker: Looker) -> Self {
        let seam = Arc::new(Seam::new(tenant));
        Self {
            graph: Graph::new(Arc::clone(&seam), clock.clone()),
            looker,
            recall: Recall { principals: [(IDENTITY, IDENTITY_OBJECT)].into(), ..Recall::default() },
            seam,
            clock,
            emulator: None,
            contract: None,
        }
    }

    /// Everything is in order.
    pub fn healthy() -> Self {
        Self::declaring(spec())
    }

    /// Everything is in order, and this is declared.
    pub fn declaring(spec: Value) -> Self {
        Self::new(tenant::script(), clock(), Looker::new(spec, SECRET))
    }

    /// The emulated tenant of the incident, with something changed.
    pub fn emulated(knobs: Knobs, change: impl FnOnce(&mut Scenario)) -> Self {
        let mut scenario = Scenario::incident();
        provisions(&mut scenario);
        change(&mut scenario);
        let identity = scenario.service_principals[1].0["appId"].clone();
        let spec = spec_with(|spec| {
            spec["tenantId"] = scenario.tenant.id.clone().into();
            spec["credentials"]["clientId"] = scenario.client_secrets[0].app_id.clone().into();
            spec["identity"]["appId"] = identity;
        });
        let looker = Looker::new(spec, &scenario.client_secrets[0].secret);
        let clock = clock();
        let (tenant, emulator, contract) = tenant::emulated(clock.clone(), knobs, &scenario);
        let mut scene = Self::new(tenant, clock, looker);
        scene.recall.principals = scenario.service_principals.iter().map(|principal| ids(&principal.0)).collect();
        scene.emulator = Some(emulator);
        scene.contract = Some(contract);
        scene
    }

    /// Posts this to the control surface of the emulator: path and body, made of tenant and client.
    pub fn control(&self, ask: impl FnOnce(String, String) -> (&'static str, Value)) {
        let (path, body) = ask(self.looker.desired.tenant.to_string(), self.looker.desired.client.to_string());
        let request = http::Request::post(path).body(bytes::Bytes::from(body.to_string())).unwrap();
        let emulator = self.emulator.as_ref().expect("the scene is emulated");
        let answer = emulator.lock().unwrap().control(self.clock.now(), request);
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// A Graph request by the tenant's administrator; the answer's body.
    pub fn as_administrator(&self, method: &str, path: &str, body: &Value) -> Value {
        let wish =
            json!({"tenantId": self.looker.desired.tenant.to_string(), "method": method, "path": path, "body": body});
        let request = http::Request::post("/as").body(bytes::Bytes::from(wish.to_string())).unwrap();
        let emulator = self.emulator.as_ref().expect("the scene is emulated");
        let answer = emulator.lock().unwrap().control(self.clock.now(), request);
        assert!(answer.status().is_success(), "{method} {path}: {answer:?}");
        serde_json::from_slice(answer.body()).unwrap_or_default()
    }

    /// What it is now.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Changes another tenant's application.
    pub fn publisher(&self, app: AppId, change: &Value) {
        let request = http::Request::patch(format!("/published/{app}")).body(bytes::Bytes::from(change.to_string()));
        let emulator = self.emulator.as_ref().expect("the scene is emulated");
        let answer = emulator.lock().unwrap().control(self.clock.now(), request.unwrap());
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Alters answers to requests of a kind, those in this range of their numbers.
    pub fn alter(
        &self,
        kind: Kind,
        range: impl RangeBounds<usize>,
        mut alter: impl FnMut(&mut Reply) + Send + 'static,
    ) {
        self.seam.alter(kind, range, move |_, reply| {
            alter(reply);
            true
        });
    }

    /// Alters every answer of Microsoft Graph to whoever signed in at this tenant.
    pub fn alter_for(&self, tenant: String, mut alter: impl FnMut(&mut Reply) + Send + 'static) {
        self.seam.alter(Kind::Batch, .., move |asked, reply| {
            let is_meant = asked.bearer().is_some_and(|token| tenant::claim(token, "tid") == tenant);
            if is_meant {
                alter(reply);
            }
            is_meant
        });
    }

    /// Alters the answers to one read of an application, wherever it stands in a batch.
    pub fn item(&self, app: AppId, read: Read, alter: impl Fn(&mut Value) + Send + 'static) {
        self.items(.., app, vec![read], alter);
    }

    /// The same in batches of these numbers only.
    pub fn item_in(
        &self,
        range: impl RangeBounds<usize>,
        app: AppId,
        read: Read,
        alter: impl Fn(&mut Value) + Send + 'static,
    ) {
        self.items(range, app, vec![read], alter);
    }

    fn items(
        &self,
        range: impl RangeBounds<usize>,
        app: AppId,
        reads: Vec<Read>,
        alter: impl Fn(&mut Value) + Send + 'static,
    ) {
        let object = self.recall.principals.get(&app).map_or_else(|| app.to_string(), ToString::to_string);
        let app = app.to_string();
        let is_meant = move |url: &str| {
            (url.contains(&app) || url.contains(&object)) && reads.iter().any(|read| read.is_asked_by(url))
        };
        self.altered(range, is_meant, alter);
    }

    fn altered(
        &self,
        range: impl RangeBounds<usize>,
        is_meant: impl Fn(&str) -> bool + Send + 'static,
        alter: impl Fn(&mut Value) + Send + 'static,
    ) {
        self.seam.alter(Kind::Batch, range, move |asked, reply| {
            let mut items = asked.items();
            items.retain(|item| is_meant(item["url"].as_str().unwrap()));
            reply.edit(|body| {
                let responses = body["responses"].as_array_mut().unwrap();
                let is_answer = |response: &&mut Value| items.iter().any(|item| item["id"] == response["id"]);
                responses.iter_mut().filter(is_answer).for_each(&alter);
            });
            !items.is_empty()
        });
    }

    /// Alters the answers to reads whose address has this part, in batches of these numbers.
    pub fn url(&self, range: impl RangeBounds<usize>, part: &'static str, alter: impl Fn(&mut Value) + Send + 'static) {
        self.altered(range, move |url| url.contains(part), alter);
    }

    /// The read of an application is answered with this status and error code.
    pub fn refuse(&self, app: AppId, read: Read, status: u16, code: &str) {
        let body = tenant::error(code);
        self.item(app, read, move |item| {
            item["status"] = status.into();
            item["body"] = body.clone();
        });
    }

    /// The read of an application finds this.
    pub fn finds(&self, app: AppId, read: Read, body: Value) {
        self.item(app, read, move |item| item["body"] = body.clone());
    }

    /// The service principal of the application is not there.
    pub fn absent(&self, app: AppId) {
        let body = tenant::error("Request_ResourceNotFound");
        self.items(
            ..,
            app,
            vec![Read::Principal, Read::Roles, Read::Grants, Read::Assigned, Read::Jobs],
            move |item| {
                item["status"] = 404.into();
                item["body"] = body.clone();
            },
        );
    }

    /// Further pages answer as this function of their address says.
    pub fn pages(&self, answer: impl Fn(&str) -> Reply + Send + 'static) {
        self.seam.alter(Kind::Link, .., move |asked, reply| {
            *reply = answer(&asked.uri.to_string());
            true
        });
    }

    /// Ends all alterations, which must have happened.
    pub fn settle(&self) {
        self.seam.settle();
    }

    /// Ends all alterations, whether they happened or not.
    pub fn forget(&self) {
        self.seam.forget();
    }

    /// The transport, for another client than the scene's own.
    pub fn seam(&self) -> Arc<Seam> {
        Arc::clone(&self.seam)
    }

    /// The clock, for another client than the scene's own.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Looks.
    pub async fn look(&self) -> Observation {
        self.look_as(&self.looker).await
    }

    /// Looks as another object.
    pub async fn look_as(&self, looker: &Looker) -> Observation {
        self.look_for(looker, Priority::Nobody).await.observation
    }

    /// Looks, and tells everything that came of it.
    pub async fn look_for(&self, looker: &Looker, priority: Priority) -> Look {
        let Looker { desired, endpoints, credential } = looker;
        self.graph.look(Question { desired, endpoints, credential, priority, recall: &self.recall }).await
    }

    /// Looks, and the tenant answers.
    pub async fn seen(&self) -> Observed {
        match self.look().await {
            Observation::Looked(observed) => observed,
            Observation::Blocked(obstacle) => panic!("blocked: {obstacle:?}"),
        }
    }

    /// Looks, and does not get an answer.
    pub async fn blocked(&self) -> Obstacle {
        blocked(self.look().await)
    }

    /// The requests since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        self.seam.take()
    }

    /// The kinds of the requests since the last call.
    pub fn kinds(&self) -> Vec<Kind> {
        self.asked().iter().map(Asked::kind).collect()
    }

    /// The addresses of all reads since the last call.
    pub fn reads(&self) -> Vec<String> {
        self.batches().concat()
    }

    /// The same by the batches that they were in.
    pub fn batches(&self) -> Vec<Vec<String>> {
        let batches = self.asked().into_iter().filter(|asked| asked.kind() == Kind::Batch);
        let urls = |batch: Asked| batch.items().iter().map(|item| item["url"].as_str().unwrap().to_owned()).collect();
        batches.map(urls).collect()
    }

    /// What is counted, as it is served.
    pub fn metrics(&self) -> String {
        let mut registry = prometheus_client::registry::Registry::with_prefix("webex_azure_operator");
        self.graph.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }

    /// How many values were counted that are not known.
    pub fn unrecognised(&self) -> f64 {
        let series = "webex_azure_operator_graph_strange_answers_total{kind=\"unrecognised_value\"} ";
        self.metrics().lines().find_map(|line| line.strip_prefix(series)?.parse().ok()).unwrap()
    }
}

/// The provisioning job of the incident ran years before the clock of the tests; here it does now.
fn provisions(scenario: &mut Scenario) {
    for job in scenario.synchronization_jobs.values_mut().flatten() {
        *job = serde_json::from_str(&job.to_string().replace("2023-05-21T22:00", "2026-11-23T07:40")).unwrap();
    }
}

/// Application ID and object ID of a service principal of a scenario.
fn ids(principal: &serde_json::Map<String, Value>) -> (AppId, ObjectId) {
    let text = |name: &str| principal[name].as_str().unwrap();
    (text("appId").parse().unwrap(), text("id").parse().unwrap())
}

/// A clock that moves with tokio's.
pub fn clock() -> Clock {
    Clock::seeded("2026-11-23T08:00:00Z".parse().unwrap(), 7)
}

/// What time it is, for measuring.
#[expect(clippy::disallowed_methods, reason = "virtual time, which the code under test moves")]
pub fn tokio_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Time passes.
pub async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// What stood in the way of the whole look.
pub fn blocked(observation: Observation) -> Obstacle {
    match observation {
        Observation::Blocked(obstacle) => obstacle,
        Observation::Looked(observed) => panic!("not blocked: {observed:?}"),
    }
}

/// Why this could not be read.
pub fn unreadable<T: std::fmt::Debug>(reading: &Reading<T>) -> Reason {
    reading.obstacle().unwrap_or_else(|| panic!("not unreadable: {reading:?}")).reason
}

/// What was seen of the integration.
pub fn integration(observed: &Observed) -> &ObservedApplication {
    &observed.applications[&INTEGRATION]
}

/// What was seen of the identity.
pub fn identity(observed: &Observed) -> &ObservedApplication {
    &observed.applications[&IDENTITY]
}

/// The body of a published answer.
pub fn published(name: &str) -> Value {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/graph").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str::<Value>(&text).unwrap()["response"]["body"].clone()
}

/// The integration's service principal, which is there.
pub fn principal(observed: &Observed) -> &ServicePrincipal {
    integration(observed).service_principal.known().unwrap()
}

/// The whole look, when everything is in order.
pub async fn all_in_order() -> Observed {
    Scene::healthy().seen().await
}
