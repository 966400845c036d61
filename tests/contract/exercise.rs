//! Each operation that is needed is asked of the emulator once, as the reference words the request.
//!
//! `operations.txt` is the list of what is needed; `exercises.json` says how each is asked, with what has to be done
//! before. `{name}` in it is a constant, or kept from an earlier answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use webex_azure_operator::emulator::{AppRoleAssignment, Emulator, Knobs, Scenario, Settings};

use super::check::{batch, description::description};

/// One operation.
#[derive(Debug, Deserialize)]
pub struct Exercise {
    pub operation: String,
    before: Vec<Call>,
    call: Call,
}

#[derive(Debug, Clone, Deserialize)]
struct Call {
    method: String,
    path: String,
    #[serde(default)]
    body: Option<Value>,
    /// The service itself refuses this.
    #[serde(default)]
    refused: bool,
    /// Names for what later calls need, with pointers into the answer.
    #[serde(default)]
    keep: BTreeMap<String, String>,
}

/// A request and its answer, as they were witnessed.
#[derive(Debug, Clone)]
pub struct Witnessed {
    pub request: Request<Bytes>,
    pub response: Response<Bytes>,
}

/// An operation that was asked, and its answer.
pub struct Exercised {
    pub witnessed: Witnessed,
    /// Why it does not count.
    pub trouble: Option<String>,
}

const CONSTANTS: [(&str, &str); 9] = [
    ("tenant", TENANT),
    ("integration_app", "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae"),
    ("integration", "00000000-0000-4000-8000-000000000021"),
    ("identity_app", "00000000-0000-4000-8000-000000000012"),
    ("identity", "00000000-0000-4000-8000-000000000011"),
    ("registration", "00000000-0000-4000-8000-000000000013"),
    ("graph", "00000000-0000-4000-8000-000000000041"),
    ("operator", "00000000-0000-4000-8000-000000000032"),
    ("administrator", "00000000-0000-4000-8000-000000000051"),
];

const TENANT: &str = "00000000-0000-4000-8000-000000000001";
const OPERATOR_APP: &str = "00000000-0000-4000-8000-000000000031";
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
const ROLES: [&str; 7] = [
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Policy.Read.All",
    "Policy.ReadWrite.PermissionGrant",
    "Synchronization.ReadWrite.All",
];

/// All of them.
pub fn exercises() -> Vec<Exercise> {
    serde_json::from_str(include_str!("exercises.json")).unwrap()
}

/// The operations that are needed.
pub fn needed() -> BTreeSet<String> {
    lines(include_str!("operations.txt"))
}

fn lines(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// The incident's tenant, and whoever may do everything in it.
pub struct Stage {
    emulator: Emulator,
    token: String,
    known: BTreeMap<String, Value>,
    seen: Arc<Mutex<Vec<Witnessed>>>,
}

impl Stage {
    pub fn new() -> Self {
        let mut scenario = Scenario::incident();
        // The job as it is written, so that the examples stay as they are.
        scenario.provisioning_targets.clear();
        scenario.app_role_assignments.extend(ROLES.map(|role| AppRoleAssignment {
            client: OPERATOR_APP.to_owned(),
            resource: GRAPH_APP.to_owned(),
            role: role.to_owned(),
            created: None,
        }));
        let public_url = "http://127.0.0.1:8080".to_owned();
        let mut emulator = Emulator::new(Settings { seed: 1, public_url, knobs: Knobs::calm() });
        emulator.load(now(), &scenario).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let witness = Arc::clone(&seen);
        emulator.witnessed_by(move |request, response| {
            witness.lock().unwrap().push(Witnessed { request: request.clone(), response: response.clone() });
        });
        let known = CONSTANTS.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        let mut stage = Self { emulator, token: String::new(), known, seen };
        stage.sign_in();
        stage
    }

    fn sign_in(&mut self) {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", OPERATOR_APP),
            ("client_secret", "emulator-only-secret"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(format!("/{TENANT}/oauth2/v2.0/token")).body(Bytes::from(form)).unwrap();
        let answer = self.handle(request).response;
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        answer["access_token"].as_str().unwrap().clone_into(&mut self.token);
    }

    /// Asks, and gives what the witness saw of it.
    fn handle(&mut self, request: Request<Bytes>) -> Witnessed {
        self.emulator.handle(now(), request);
        self.seen.lock().unwrap().pop().expect("the witness sees each answer")
    }

    /// A request to Graph by whoever may do everything.
    pub fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Witnessed {
        let path = self.filled(path).replace(' ', "%20");
        let mut request = Request::builder().method(method).uri(format!("/v1.0{path}"));
        request = request.header("authorization", format!("Bearer {}", self.token));
        if path.contains("$count") {
            // https://learn.microsoft.com/graph/aad-advanced-queries
            request = request.header("consistencylevel", "eventual");
        }
        let body = body.map(|body| self.filled_value(body).to_string()).unwrap_or_default();
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        self.handle(request.body(Bytes::from(body)).unwrap())
    }

    fn call(&mut self, call: &Call) -> Witnessed {
        let witnessed = self.ask(&call.method, &call.path, call.body.as_ref());
        let mut answer: Value = serde_json::from_slice(witnessed.response.body()).unwrap_or_default();
        if let Some(members) = answer.as_object_mut() {
            members.remove("@odata.context");
        }
        for (name, pointer) in &call.keep {
            self.known.insert(name.clone(), answer.pointer(pointer).cloned().unwrap_or_default());
        }
        witnessed
    }

    /// Does what an exercise asks for.
    pub fn exercise(&mut self, exercise: &Exercise) -> Exercised {
        for call in &exercise.before {
            let witnessed = self.call(call);
            if !witnessed.response.status().is_success() {
                let trouble = Some(format!("before it, {}", told(&witnessed)));
                return Exercised { witnessed, trouble };
            }
        }
        let Call { refused, .. } = exercise.call;
        let witnessed = self.call(&exercise.call);
        let status = witnessed.response.status();
        let is_expected = if refused { status.is_client_error() } else { status.is_success() };
        let trouble = (!is_expected).then(|| told(&witnessed));
        Exercised { witnessed, trouble }
    }

    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.known {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text = text.replace(&format!("{{{name}}}"), &value);
        }
        text
    }

    fn filled_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                match text.strip_prefix('{').and_then(|rest| self.known.get(rest.strip_suffix('}')?)) {
                    Some(known) => known.clone(),
                    None => self.filled(text).into(),
                }
            }
            Value::Array(elements) => elements.iter().map(|element| self.filled_value(element)).collect(),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(name, member)| (name.clone(), self.filled_value(member))).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

fn told(witnessed: &Witnessed) -> String {
    let Witnessed { request, response } = witnessed;
    let is_not_built = response.headers().contains_key("x-emulator-not-built");
    let body =
        if is_not_built { "the operation is not built".into() } else { String::from_utf8_lossy(response.body()) };
    let body: String = body.chars().take(400).collect();
    format!("{} {} was answered with {}: {body}", request.method(), request.uri(), response.status())
}

fn now() -> jiff::Timestamp {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

#[test]
fn every_operation_that_is_needed_is_answered_as_described() {
    let needed = needed();
    let (mut exercised, mut validated) = (BTreeSet::new(), BTreeSet::new());
    let (mut not_built, mut troubles) = (Vec::new(), Vec::new());
    for exercise in exercises() {
        let id = exercise.operation.clone();
        let Exercised { witnessed, trouble } = Stage::new().exercise(&exercise);
        if let Some(trouble) = trouble {
            let is_not_built = witnessed.response.headers().contains_key("x-emulator-not-built");
            if is_not_built {
                not_built.push(format!("{id}: {trouble}"));
            } else {
                troubles.push(format!("{id}: {trouble}"));
            }
            continue;
        }
        let judgement = batch::judge(&witnessed.request, &witnessed.response);
        if judgement.seen.iter().all(|(seen, _)| *seen != id) {
            troubles.push(format!("{id}: its request is taken for {:?}", judgement.seen));
            continue;
        }
        exercised.insert(id.clone());
        if judgement.findings.is_empty() {
            validated.insert(id);
        } else {
            troubles.extend(judgement.findings.iter().map(ToString::to_string));
        }
    }
    let listed_as_not_built: BTreeSet<String> = lines(include_str!("not-built.txt"));
    let never: BTreeSet<String> = needed.difference(&exercised).cloned().collect();
    super::tell(&format!(
        "exercised {} / validated {} / listed {}, of which {} are not built yet",
        exercised.intersection(&needed).count(),
        validated.intersection(&needed).count(),
        needed.len(),
        never.len(),
    ));
    assert!(exercised.len() >= 60, "{} operations were exercised", exercised.len());
    assert_eq!(exercised, validated);
    assert!(
        never == listed_as_not_built && troubles.is_empty(),
        "not exercised: {never:#?}, but not-built.txt has {listed_as_not_built:#?}\nnot built: {not_built:#?}\nnot as described: {troubles:#?}",
    );
}

#[test]
fn the_list_of_operations_is_of_the_description_and_long_enough() {
    let needed = needed();
    assert!(needed.len() >= 60, "{}", needed.len());
    for id in &needed {
        assert!(description().operations.iter().any(|operation| operation.id == *id), "{id} is not described");
    }
    let exercised: BTreeSet<String> = exercises().into_iter().map(|exercise| exercise.operation).collect();
    assert_eq!(exercised, needed);
    let paths: BTreeSet<&str> = description().operations.iter().map(|operation| operation.id.as_str()).collect();
    let left: Vec<&str> = paths.into_iter().filter(|id| !needed.contains(*id)).collect();
    println!("described or documented, and not needed: {}", json!(left));
}
