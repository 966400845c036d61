//! The control surface: what only the owner of the test may ask. It has a port of its own and no authentication.

mod policy;
mod synchronization;
mod truth;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::context::Caller;
use super::directory::{self, Properties, text};
use super::replica::View;
use super::scenario::{Person, Scenario};
use super::{Emulator, identifier};

use truth::truth;

/// What can be asked, for `GET /`.
const SURFACE: [(&str, &str); 21] = [
    ("GET /", "this list"),
    ("GET /knobs", "how awkward the service is"),
    ("PATCH /knobs", "change some of that: {\"replicationLag\": \"PT5S\"}"),
    ("POST /tenants", "load a tenant from a scenario"),
    ("GET /scenarios/incident", "the incident's tenant as a scenario, to be changed and posted to /tenants"),
    ("POST /scenarios/incident", "load it: {\"tenantId\": \"…\"} gives it another id"),
    ("GET /clock", "the emulator's time"),
    ("POST /clock", "move it forward: {\"advance\": \"PT1H\"}, {\"advance\": 3600} or {\"now\": \"…\"}"),
    ("GET /requests?since=N", "public requests after the N-th, without bodies"),
    ("GET /truth", "every tenant as it is, whatever reads still show"),
    ("GET /truth/{tenantId}", "one tenant as it is"),
    ("POST /as", "a Graph request by a person: {\"tenantId\", \"user\", \"method\", \"path\", \"body\"}"),
    ("PATCH /published/{appId}", "change another tenant's application: {\"isDisabled\": true}"),
    ("DELETE /published/{appId}", "its publisher deletes it: no principal of it can be made or restored any more"),
    ("POST /revoke", "refuse a client's tokens of until now with a claims challenge: {\"tenantId\", \"appId\"}"),
    ("POST /block", "a Conditional Access policy gives a client no tokens: {\"tenantId\", \"appId\"}"),
    ("DELETE /block/{tenantId}/{appId}", "the policy is gone"),
    (
        "POST /throttle",
        "answer one tenant with 429 only: {\"tenantId\", \"retryAfterSeconds\": 7 or null, \"for\": \"all\" or \"items\" of batches}",
    ),
    ("DELETE /throttle/{tenantId}", "answer it again"),
    (
        "POST /synchronization",
        "let provisioning jobs live, and break or mend their target: {\"tenantId\", \"appId\", \"jobId\"?, \"credentials\": \"Broken\" or \"Good\", \"quarantine\": reason, \"scopeEmpty\": true}",
    ),
    ("POST /reset", "forget tenants, clock and log; knobs stay"),
];

/// Answers on the control surface. `now` is the outer clock.
pub(super) fn answer(emulator: &mut Emulator, now: Timestamp, parts: &Parts, content: &Bytes) -> Response<Bytes> {
    let path = parts.uri.path().to_owned();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let answer = route(emulator, now, parts, content, &segments).unwrap_or_else(|answer| answer);
    let request_id = emulator.identifiers.guid();
    answer.render(emulator.time(now), &request_id)
}

fn route(
    emulator: &mut Emulator,
    now: Timestamp,
    parts: &Parts,
    content: &Bytes,
    segments: &[&str],
) -> Result<Answer, Answer> {
    match (parts.method.as_str(), segments) {
        ("GET", []) => {
            let lines: Map<String, Value> =
                SURFACE.iter().map(|(what, why)| ((*what).to_owned(), (*why).into())).collect();
            Ok(ok(json!({"emulator": "control surface, for the owner of the test only", "paths": lines})))
        }
        ("GET", ["knobs"]) => Ok(ok(json!(emulator.knobs))),
        ("PATCH", ["knobs"]) => turn_knobs(emulator, content),
        ("POST", ["tenants"]) => load(emulator, now, &body::<Scenario>(content)?),
        ("GET", ["scenarios", "incident"]) => Ok(ok(json!(Scenario::incident()))),
        ("POST", ["scenarios", "incident"]) => {
            let mut scenario = Scenario::incident();
            if let Some(tenant_id) = optional_body::<Incident>(content)?.and_then(|incident| incident.tenant_id) {
                scenario.tenant.id = tenant_id;
            }
            load(emulator, now, &scenario)
        }
        ("GET", ["clock"]) => Ok(clock(emulator, now)),
        ("POST", ["clock"]) => set_clock(emulator, now, &body(content)?),
        ("GET", ["requests"]) => {
            let query = parts.uri.query().unwrap_or_default();
            let mut options = url::form_urlencoded::parse(query.as_bytes());
            let since =
                options.find(|(name, _)| name == "since").and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            Ok(ok(json!({"requests": emulator.log.since(since)})))
        }
        ("GET", ["truth"]) => {
            let inner = emulator.time(now);
            let tenants: BTreeMap<&String, Value> =
                emulator.tenants.iter().map(|(id, tenant)| (id, truth(tenant, inner))).collect();
            Ok(ok(json!({"tenants": tenants})))
        }
        ("GET", ["truth", tenant_id]) => {
            let inner = emulator.time(now);
            emulator.tenants.get(*tenant_id).map(|tenant| ok(truth(tenant, inner))).ok_or_else(|| not_found("tenant"))
        }
        ("POST", ["as"]) => act(emulator, now, body(content)?),
        ("PATCH", ["published", app_id]) => {
            let changes: Map<String, Value> = body(content)?;
            change_published(emulator, now, app_id, &changes)
        }
        ("DELETE", ["published", app_id]) => match emulator.published.remove(&app_id.to_ascii_lowercase()) {
            Some(_) => Ok(Answer::no_content()),
            None => Err(not_found("published application")),
        },
        (method, ["revoke" | "block" | "throttle", ..]) => policy::answer(emulator, now, method, segments, content),
        ("POST", ["synchronization"]) => synchronization::answer(emulator, now, &body(content)?),
        ("POST", ["reset"]) => {
            emulator.tenants.clear();
            emulator.published.clear();
            emulator.log.clear();
            emulator.clock_offset = SignedDuration::ZERO;
            emulator.graph_requests = 0;
            emulator.meter = super::throttle::Meter::default();
            emulator.identifiers = identifier::Identifiers::new(emulator.seed);
            Ok(Answer::no_content())
        }
        // Faults on the wire (lost replies, slow bodies, 5xx) will be added here as POST /faults.
        _ => Err(not_found("path; GET / lists what there is")),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Incident {
    tenant_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    now: Option<Timestamp>,
    advance: Option<Advance>,
}

/// Seconds, or an ISO 8601 duration.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Advance {
    Seconds(i64),
    Duration(SignedDuration),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct As {
    tenant_id: String,
    user: Option<String>,
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
}

fn turn_knobs(emulator: &mut Emulator, content: &Bytes) -> Result<Answer, Answer> {
    let changes: Map<String, Value> = body(content)?;
    let mut whole = json!(emulator.knobs);
    if let Some(whole) = whole.as_object_mut() {
        whole.extend(changes);
    }
    emulator.knobs = serde_json::from_value(whole).map_err(|error| bad_request(&error.to_string()))?;
    Ok(ok(json!(emulator.knobs)))
}

fn load(emulator: &mut Emulator, now: Timestamp, scenario: &Scenario) -> Result<Answer, Answer> {
    let loaded = emulator.load(now, scenario).map_err(|error| bad_request(&error.to_string()))?;
    Ok(Answer::json(StatusCode::CREATED, json!(loaded)))
}

fn clock(emulator: &Emulator, now: Timestamp) -> Answer {
    ok(json!({"now": emulator.time(now).to_string(), "offsetSeconds": emulator.clock_offset.as_secs()}))
}

/// Moves the clock forward. It never goes back: delays and token lifetimes could not be undone.
fn set_clock(emulator: &mut Emulator, now: Timestamp, wish: &SetClock) -> Result<Answer, Answer> {
    let advance = match wish {
        SetClock { now: Some(wanted), advance: None } => wanted.duration_since(emulator.time(now)),
        SetClock { now: None, advance: Some(Advance::Seconds(seconds)) } => SignedDuration::from_secs(*seconds),
        SetClock { now: None, advance: Some(Advance::Duration(duration)) } => *duration,
        SetClock { .. } => return Err(bad_request("give either now or advance")),
    };
    if advance.is_negative() {
        return Err(bad_request("the clock only goes forward"));
    }
    emulator.clock_offset = emulator.clock_offset.saturating_add(advance);
    Ok(clock(emulator, now))
}

/// A Graph request by a person of the tenant.
fn act(emulator: &mut Emulator, now: Timestamp, wish: As) -> Result<Answer, Answer> {
    let As { tenant_id, user, method, path, headers, body } = wish;
    let tenant = emulator.tenants.get(&tenant_id).ok_or_else(|| not_found("tenant"))?;
    let person = match user {
        Some(name) if name != tenant.administrator.user_principal_name => {
            Person { id: person_id(&tenant_id, &name), display_name: name.clone(), user_principal_name: name }
        }
        _ => tenant.administrator.clone(),
    };
    let method: Method =
        method.to_ascii_uppercase().parse().map_err(|_| bad_request("method is not an HTTP method"))?;
    let path = path.strip_prefix("/v1.0").unwrap_or(&path).trim_start_matches('/').replace(' ', "%20");
    let mut request = Request::builder().method(method).uri(format!("/v1.0/{path}"));
    for (name, value) in &headers {
        request = request.header(name, value);
    }
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let request = request.body(Bytes::from(body)).map_err(|error| bad_request(&error.to_string()))?;
    let inner = emulator.time(now);
    let answer = emulator.graph_as(inner, &tenant_id, &Caller::Person(person), &request);
    Ok(answer)
}

/// Another person's object id: made from tenant and name, so that it is the same each time.
fn person_id(tenant_id: &str, name: &str) -> String {
    let draw = identifier::hash(0, &[tenant_id.as_bytes(), name.as_bytes()]);
    identifier::Identifiers::new(draw).guid()
}

/// Changes an application of another tenant; what its principals mirror changes with it.
fn change_published(
    emulator: &mut Emulator,
    now: Timestamp,
    app_id: &str,
    changes: &Properties,
) -> Result<Answer, Answer> {
    let inner = emulator.time(now);
    let application = emulator.published.get_mut(&app_id.to_ascii_lowercase());
    let application = application.ok_or_else(|| not_found("published application"))?;
    application.extend(changes.clone());
    let mirrored: Properties = changes
        .iter()
        .filter(|(name, _)| match name.as_str() {
            "isDisabled" => emulator.knobs.foreign_principals_show_is_disabled,
            other => other == "disabledByMicrosoftStatus",
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let moment = directory::moment(inner, &emulator.knobs);
    for tenant in emulator.tenants.values_mut() {
        let ids: Vec<String> = tenant
            .service_principals
            .all(View::Truth)
            .filter(|(_, row)| text(row, "appId").eq_ignore_ascii_case(app_id))
            .map(|(id, _)| id.to_owned())
            .collect();
        for id in ids.iter().filter(|_| !mirrored.is_empty()) {
            tenant.service_principals.update(moment, id, |row| row.extend(mirrored.clone()));
        }
    }
    Ok(ok(Value::Object(application_of(emulator, app_id))))
}

fn application_of(emulator: &Emulator, app_id: &str) -> Properties {
    emulator.published.get(&app_id.to_ascii_lowercase()).cloned().unwrap_or_default()
}

fn ok(body: Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

fn bad_request(message: &str) -> Answer {
    Answer::json(StatusCode::BAD_REQUEST, json!({"error": message}))
}

fn not_found(what: &str) -> Answer {
    Answer::json(StatusCode::NOT_FOUND, json!({"error": format!("no such {what}")}))
}

fn body<T: DeserializeOwned>(content: &Bytes) -> Result<T, Answer> {
    serde_json::from_slice(content).map_err(|error| bad_request(&error.to_string()))
}

fn optional_body<T: DeserializeOwned>(content: &Bytes) -> Result<Option<T>, Answer> {
    if content.is_empty() { Ok(None) } else { body(content).map(Some) }
}
