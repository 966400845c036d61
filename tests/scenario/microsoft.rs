//! Microsoft as a scenario has it: the emulator with the tenant of the file, whoever acts there, and the way to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use webex_azure_operator::{
    clock::Clock,
    domain::{catalog::MICROSOFT_GRAPH_APP_ID, cloud::Endpoints},
    emulator::{Emulator, Knobs, Scenario, Settings, UNKNOWNS},
    graph::{
        Transport,
        transport::{Body, TransportError},
    },
};

use super::{
    contract::{self, Contract},
    story::{Act, Control, Publisher, Step, Story, duration, merge},
    tenant, wire,
};

/// appId of the application that plays the clean-up script.
pub const SCRIPT: &str = "00000000-0000-4000-8000-0000000000e1";

/// What it signs in with.
pub const SCRIPT_SECRET: &str = "emulator-only-script-secret";

/// What the operator signs in with in the tenant of the incident.
pub const CLIENT_SECRET: &str = "emulator-only-secret";

/// How long a deleted object can be restored.
const RESTORABLE_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long Microsoft tries a job that is in quarantine.
const SWITCHED_OFF_AFTER: SignedDuration = SignedDuration::from_hours(28 * 24);

/// Where a story takes place.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The tenant; the incident's if left out.
    pub tenant: Option<&'a str>,
    /// The namespace of the object.
    pub namespace: &'a str,
}

/// Microsoft, shared by whoever speaks to it.
#[derive(Clone)]
pub struct Microsoft(Arc<Inner>);

struct Inner {
    emulator: Mutex<Emulator>,
    way: Mutex<wire::Way>,
    clock: Clock,
    start: Timestamp,
    tenant: String,
    namespace: String,
    /// Batches so far.
    looks: AtomicUsize,
    endpoints: Endpoints,
    /// appIds by the names that files use.
    names: BTreeMap<String, String>,
    /// Object IDs as they were at the start, by `name` and `name.registration`.
    ids: BTreeMap<String, String>,
    /// All service principals that were there at the start.
    first: BTreeSet<String>,
    contract: Contract,
}

impl std::fmt::Debug for Microsoft {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Microsoft")
    }
}

impl Transport for Microsoft {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Body>, TransportError>> {
        if request.uri().path().ends_with("/$batch") {
            self.0.looks.fetch_add(1, Ordering::Relaxed);
        }
        let reply = |request| lock(&self.0.emulator).handle(self.0.clock.now(), request);
        lock(&self.0.way).carry(request, reply)
    }
}

impl Microsoft {
    /// The tenant of this story under a setting such as `grantsSurviveRestore=false`.
    pub fn of(story: &Story, setting: Option<&str>, place: Place<'_>, clock: Clock) -> Self {
        let mut scenario = tenant::scenario(&story.tenant, &story.names, clock.now());
        if let Some(id) = place.tenant {
            id.clone_into(&mut scenario.tenant.id);
        }
        let settings =
            Settings { seed: 7, public_url: "https://graph.microsoft.com".to_owned(), knobs: knobs(story, setting) };
        let mut emulator = Emulator::new(settings);
        emulator.load(clock.now(), &scenario).unwrap_or_else(|error| panic!("{}: {error}", story.name));
        let contract = contract::watch(&mut emulator);
        let (names, ids) = named(&scenario, &story.names);
        let cloud: webex_azure_operator::api::Cloud = story
            .spec
            .get("cloud")
            .map_or_else(Default::default, |cloud| serde_json::from_value(cloud.clone()).unwrap());
        Self(Arc::new(Inner {
            emulator: Mutex::new(emulator),
            way: Mutex::default(),
            start: clock.now(),
            clock,
            first: scenario
                .service_principals
                .iter()
                .filter_map(|one| one.0["id"].as_str().map(str::to_owned))
                .collect(),
            tenant: scenario.tenant.id,
            namespace: place.namespace.to_owned(),
            looks: AtomicUsize::new(0),
            endpoints: Endpoints::of(cloud),
            names,
            ids,
            contract,
        }))
    }

    /// Fails if the emulator answered otherwise than Microsoft describes.
    pub fn check(&self) {
        self.0.contract.check();
    }

    /// The emulator, for somebody who lets it listen. Nobody else may speak to it any more.
    pub fn into_emulator(self) -> Emulator {
        let inner = Arc::into_inner(self.0).expect("nobody else speaks to it");
        inner.emulator.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tenant's id.
    pub fn tenant(&self) -> &str {
        &self.0.tenant
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// How many looks began so far, or went on.
    pub fn looks(&self) -> usize {
        self.0.looks.load(Ordering::Relaxed)
    }

    /// The declaration of the incident, with the changes of the file.
    pub fn spec(&self, story: &Story) -> Value {
        let mut spec = json!({
            "tenantId": self.tenant(),
            "organizationId": "2fdb923e-1d23-4e1b-a30f-e9cd88845744",
            "credentials": {
                "clientId": "00000000-0000-4000-8000-000000000031",
                "clientSecret": { "name": "graph", "key": "client-secret" },
            },
            "identity": { "appId": "00000000-0000-4000-8000-000000000012" },
        });
        if story.spec.is_object() {
            merge(&mut spec, &self.told(&story.spec));
        }
        spec
    }

    /// Does what a step is about, if that is something in the tenant or on the way to it.
    pub fn perform(&self, step: &Step) -> bool {
        match step {
            Step::Administrator(act) => self.administrator(act),
            Step::Script(act) => self.script(act),
            Step::Consent(name) => self.consent(name),
            Step::Publisher(Publisher { of, sets, deletes }) => {
                let path = format!("/published/{}", self.0.names[of]);
                let method = if *deletes { "DELETE" } else { "PATCH" };
                self.control(method, &path, sets);
            }
            Step::Provisioning(wish) => {
                let mut wish = self.told(wish);
                let of = wish["of"].take();
                wish.as_object_mut().unwrap().remove("of");
                wish["appId"] = self.0.names[of.as_str().unwrap_or("identity")].clone().into();
                wish["tenantId"] = self.0.tenant.clone().into();
                self.control("POST", "/synchronization", &wish);
            }
            Step::Control(Control { request, body }) => {
                let (request, body) = (self.say(request), self.told(body));
                let (method, path) = request.split_once(' ').unwrap();
                self.control(method, path, &body);
            }
            Step::Faults(faults) => lock(&self.0.way).set(faults),
            Step::Knobs(knobs) => {
                self.control("PATCH", "/knobs", knobs);
            }
            Step::Look
            | Step::After(_)
            | Step::Away(_)
            | Step::Restart
            | Step::Edit(_)
            | Step::Request(_)
            | Step::Secret(_)
            | Step::ServiceAccount(_)
            | Step::Expect(_) => return false,
        }
        true
    }

    fn administrator(&self, act: &Act) {
        let (method, path, body, user) = act.parts();
        let wish = json!({
            "tenantId": self.0.tenant, "user": user, "method": method, "path": self.say(path),
            "body": body.map(|body| self.told(body)),
        });
        self.control("POST", "/as", &wish);
    }

    /// An application signs in and does it.
    fn script(&self, act: &Act) {
        let (method, path, body, _) = act.parts();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", SCRIPT)
            .append_pair("client_secret", SCRIPT_SECRET)
            .append_pair("scope", "https://graph.microsoft.com/.default")
            .finish();
        let signed_in = self.ask(
            Request::post(format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", self.0.tenant))
                .header("content-type", "application/x-www-form-urlencoded"),
            form,
        );
        let token = signed_in["access_token"].as_str().unwrap().to_owned();
        let request = Request::builder()
            .method(method)
            .uri(format!("https://graph.microsoft.com/v1.0{}", self.say(path)))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        self.ask(request, body.map(|body| self.told(body).to_string()).unwrap_or_default());
    }

    /// Opens the consent page and presses Accept.
    fn consent(&self, name: &str) {
        let url = self.consent_url(name);
        let page = self.text(Request::get(&url), String::new());
        let (_, rest) = page.split_once("name=\"proof\" value=\"").unwrap();
        let (proof, _) = rest.split_once('"').unwrap();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.0.names[name])
            .append_pair("proof", proof)
            .append_pair("decision", "accept")
            .finish();
        self.text(Request::post(&url).header("content-type", "application/x-www-form-urlencoded"), form);
    }

    fn consent_url(&self, name: &str) -> String {
        format!("{}/{}/adminconsent?client_id={}", self.0.endpoints.login, self.0.tenant, self.0.names[name])
    }

    fn ask(&self, request: http::request::Builder, body: String) -> Value {
        serde_json::from_str(&self.text(request, body)).unwrap_or_default()
    }

    fn text(&self, request: http::request::Builder, body: String) -> String {
        let request = request.body(Bytes::from(body)).unwrap();
        let address = format!("{} {}", request.method(), request.uri());
        let answer = lock(&self.0.emulator).handle(self.0.clock.now(), request);
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(answer.status().is_success(), "{address} was answered with {}: {text}", answer.status());
        text
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let content = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder().method(method).uri(path).body(Bytes::from(content)).unwrap();
        let answer = lock(&self.0.emulator).control(self.0.clock.now(), request);
        assert!(answer.status().is_success(), "{method} {path} {body} was answered with {answer:?}");
        serde_json::from_slice(answer.body()).unwrap_or_default()
    }

    /// The tenant as it is.
    fn truth(&self) -> Value {
        self.control("GET", &format!("/truth/{}", self.0.tenant), &Value::Null)
    }

    /// The same value with all placeholders filled in.
    pub fn told(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.say(text).into(),
            Value::Array(items) => items.iter().map(|item| self.told(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.told(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// The text with all placeholders filled in: `{tenant}`, `{start+2h}`, `{integration.id}` and their like.
    pub fn say(&self, text: &str) -> String {
        let mut said = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').unwrap_or_else(|| panic!("a brace stays open in {text:?}"));
            said.push_str(before);
            said.push_str(&self.meaning(name));
            rest = behind;
        }
        said + rest
    }

    fn meaning(&self, placeholder: &str) -> String {
        let Inner { tenant, namespace, names, ids, first, start, endpoints, .. } = &*self.0;
        if let Some(rest) = placeholder.strip_prefix("start") {
            let later = rest.strip_prefix('+').map_or(SignedDuration::ZERO, duration);
            return start.checked_add(later).unwrap().to_string();
        }
        let (name, property) = placeholder.split_once('.').unwrap_or((placeholder, ""));
        match (name, property) {
            ("tenant", "") => return tenant.clone(),
            ("namespace", "") => return namespace.clone(),
            ("consent", of) => return self.consent_url(of),
            ("restore", of) => return format!("{}/v1.0/directory/deletedItems/{}/restore", endpoints.graph, ids[of]),
            _ => {}
        }
        let app_id = names.get(name).unwrap_or_else(|| panic!("nothing is called {{{placeholder}}}"));
        let truth = self.truth();
        let of_app = |list: &str| -> Vec<Value> {
            truth[list].as_array().unwrap().iter().filter(|row| row["appId"] == **app_id).cloned().collect()
        };
        let text = |row: Option<&Value>, field: &str| -> String {
            let value = row.and_then(|row| row[field].as_str());
            value.unwrap_or_else(|| panic!("{{{placeholder}}} is not there in {truth:#}")).to_owned()
        };
        let live = || text(of_app("servicePrincipals").first(), "id");
        let later = |row: Option<&Value>| {
            let deleted: Timestamp = text(row, "deletedDateTime").parse().unwrap();
            deleted.checked_add(RESTORABLE_FOR).unwrap().to_string()
        };
        let quarantine = || -> Timestamp {
            let path = format!("/servicePrincipals/{}/synchronization/jobs", live());
            let wish = json!({ "tenantId": tenant, "method": "GET", "path": path });
            let jobs = self.control("POST", "/as", &wish);
            text(Some(&jobs["value"][0]["status"]["quarantine"]), "seriesBegan").parse().unwrap()
        };
        match property {
            "appId" => app_id.clone(),
            "id" => ids[name].clone(),
            "registration" => ids[&format!("{name}.registration")].clone(),
            "liveId" => live(),
            "quarantineSince" => quarantine().to_string(),
            "quarantineDisabledAt" => quarantine().checked_add(SWITCHED_OFF_AFTER).unwrap().to_string(),
            "newDeletedId" => text(
                of_app("deletedServicePrincipals").iter().find(|row| !first.contains(row["id"].as_str().unwrap())),
                "id",
            ),
            "deleted" => text(of_app("deletedServicePrincipals").last(), "deletedDateTime"),
            "restoreBefore" => later(of_app("deletedServicePrincipals").last()),
            "registrationDeleted" => text(of_app("deletedApplications").last(), "deletedDateTime"),
            "registrationRestoreBefore" => later(of_app("deletedApplications").last()),
            "grant" => {
                let client = live();
                let grants = truth["oauth2PermissionGrants"].as_array().unwrap();
                text(grants.iter().find(|row| row["clientId"] == *client), "id")
            }
            other => match other.split_once('.') {
                Some(("assignment", role)) => {
                    let client = live();
                    let assignments = truth["appRoleAssignments"].as_array().unwrap();
                    let is_meant = |row: &&Value| row["principalId"] == *client && row["role"] == *role;
                    text(assignments.iter().find(is_meant), "id")
                }
                _ => panic!("nothing is called {{{placeholder}}}"),
            },
        }
    }

    /// IDs that came into being in the course of the history, by how a golden file names them.
    pub fn new_ids(&self) -> BTreeMap<String, String> {
        let truth = self.truth();
        let mut found = BTreeMap::new();
        for (list, property) in [("deletedServicePrincipals", "newDeletedId"), ("servicePrincipals", "liveId")] {
            for row in truth[list].as_array().unwrap() {
                let name = self.0.names.iter().find(|(_, app_id)| row["appId"] == **app_id).map(|(name, _)| name);
                let id = row["id"].as_str().unwrap().to_owned();
                if let Some(name) = name.filter(|_| !self.0.first.contains(&id)) {
                    found.insert(id, format!("{{{name}.{property}}}"));
                }
            }
        }
        found
    }
}

/// The calm service, changed as the file and the setting say.
fn knobs(story: &Story, setting: Option<&str>) -> Knobs {
    let mut all = json!(Knobs::calm());
    merge(&mut all, &json!(story.knobs));
    let knobs: Knobs = serde_json::from_value(all).unwrap_or_else(|error| panic!("{}: {error}", story.name));
    let Some((knob, value)) = setting.and_then(|setting| setting.split_once('=')) else { return knobs };
    let unknown = UNKNOWNS.iter().find(|unknown| unknown.knob == knob).unwrap();
    let setting = unknown.settings.iter().find(|setting| plain(setting.value) == value).unwrap();
    unknown.turned(&knobs, setting).unwrap()
}

/// A setting's value as files write it.
fn plain(value: &str) -> &str {
    value.trim_matches('"')
}

/// Every setting but the defaults, as files write them.
pub fn settings() -> Vec<String> {
    let others = UNKNOWNS.iter().flat_map(|unknown| {
        unknown.settings.iter().skip(1).map(move |setting| format!("{}={}", unknown.knob, plain(setting.value)))
    });
    others.collect()
}

/// appIds by name, and object IDs by name.
fn named(scenario: &Scenario, more: &BTreeMap<String, String>) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut names = tenant::names();
    names.insert("graph".to_owned(), MICROSOFT_GRAPH_APP_ID.to_string());
    names.extend(more.clone());
    let mut ids = BTreeMap::new();
    let text = |object: &serde_json::Map<String, Value>, field: &str| {
        object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    for (name, app_id) in &names {
        let principals = scenario.service_principals.iter().filter(|one| text(&one.0, "appId") == *app_id);
        ids.extend(principals.map(|one| (name.clone(), text(&one.0, "id"))).take(1));
        let registrations = scenario.applications.iter().filter(|one| text(&one.0, "appId") == *app_id);
        ids.extend(registrations.map(|one| (format!("{name}.registration"), text(&one.0, "id"))).take(1));
    }
    (names, ids)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
