//! `POST /v1.0/$batch`: up to twenty requests in one.
//! <https://learn.microsoft.com/graph/json-batching>

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Emulator;
use super::answer::{Answer, Content};
use super::context::Caller;
use super::error::Refusal;
use super::graph::{Incoming, header};
use super::identifier;
use super::request_log::Item;

/// The documented limit.
const MAX_REQUESTS: usize = 20;

#[derive(Debug, Deserialize)]
struct Batch {
    requests: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// Answers a batch item by item; the log gets one line per item. A blanket refusal takes the place of every answer.
pub(super) fn answer(
    emulator: &mut Emulator,
    now: Timestamp,
    tenant_id: &str,
    caller: &Caller,
    blanket: Option<&Refusal>,
    outer: &HeaderMap,
    body: &[u8],
) -> Result<(Answer, Vec<Item>), Refusal> {
    let batch: Batch = serde_json::from_slice(body).map_err(|_| Refusal::odata("Invalid batch payload format."))?;
    check(&batch.requests)?;
    let mut responses = Vec::new();
    let mut items = Vec::new();
    let mut failed = BTreeSet::new();
    for step in &batch.requests {
        let answer = if let Some(refusal) = blanket {
            Err(refusal.clone())
        } else if step.depends_on.iter().any(|id| failed.contains(id.as_str())) {
            let message = "The request failed because a request it depends on failed.";
            Err(Refusal::new(StatusCode::FAILED_DEPENDENCY, "FailedDependency", message))
        } else {
            emulator.step(now, tenant_id, caller, outer, step)
        };
        let request_id = emulator.identifiers.guid();
        let client_request_id = own_header(step, "client-request-id").unwrap_or(&request_id).to_owned();
        let answer = answer.unwrap_or_else(|refusal| {
            refusal.answer(now, &request_id, &client_request_id).with("x-ms-resource-unit", "1")
        });
        let answer = emulator.with_percentage(answer);
        if !answer.status.is_success() {
            failed.insert(step.id.as_str());
        }
        items.push(Item {
            id: step.id.clone(),
            method: step.method.clone(),
            url: step.url.clone(),
            status: answer.status.as_u16(),
        });
        responses.push(rendered(&step.id, answer));
    }
    if emulator.knobs.shuffle_batch {
        let draw = emulator.identifiers.next();
        responses.sort_by_cached_key(|response| identifier::hash(draw, &[response.to_string().as_bytes()]));
    }
    Ok((Answer::json(StatusCode::OK, json!({ "responses": responses })), items))
}

/// Ids are unique without regard to case; a dependency stands before what depends on it.
fn check(steps: &[Step]) -> Result<(), Refusal> {
    if steps.len() > MAX_REQUESTS {
        let message = format!("Number of batch request steps exceeds the maximum value of {MAX_REQUESTS}.");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "MaximumValueExceeded", message));
    }
    let mut seen = BTreeSet::new();
    for step in steps {
        if let Some(missing) = step.depends_on.iter().find(|id| !seen.contains(&id.to_lowercase())) {
            return Err(Refusal::odata(format!(
                "Request Id {missing} in dependsOn is not a preceding request of the batch."
            )));
        }
        if !seen.insert(step.id.to_lowercase()) {
            return Err(Refusal::odata(format!("Request Id {} has to be unique in a batch.", step.id)));
        }
        check_write(step)?;
    }
    Ok(())
}

/// A write has a body, if only an empty object, and says what it is; one that does not spoils the whole batch.
/// <https://learn.microsoft.com/graph/json-batching#creating-a-batch-request>
/// <https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/2628>
fn check_write(step: &Step) -> Result<(), Refusal> {
    let is_write = ["POST", "PATCH", "PUT"].iter().any(|method| step.method.eq_ignore_ascii_case(method));
    if is_write && (step.body.is_none() || own_header(step, "content-type").is_none()) {
        let message = format!("Write request id : {} does not contain Content-Type header or body.", step.id);
        return Err(Refusal::odata(message));
    }
    Ok(())
}

impl Emulator {
    fn step(
        &mut self,
        now: Timestamp,
        tenant_id: &str,
        caller: &Caller,
        outer: &HeaderMap,
        step: &Step,
    ) -> Result<Answer, Refusal> {
        self.throttle(tenant_id, caller)?;
        if step.url.contains("://") {
            return Err(Refusal::odata("Invalid batch payload format. URLs of batch requests are relative."));
        }
        let method: Method = step.method.to_ascii_uppercase().parse().map_err(|_| Refusal::method_not_allowed())?;
        let url = format!("/{}", step.url.trim_start_matches('/'));
        if url.to_ascii_lowercase().starts_with("/$batch") {
            return Err(Refusal::odata("Nested batch requests are not allowed."));
        }
        let body = step.body.as_ref().map(Value::to_string).unwrap_or_default();
        let headers = headers_of(step, outer);
        self.one(now, tenant_id, caller, &Incoming { method, target: &url, headers: &headers, body: body.as_bytes() })
    }
}

/// The item's own headers, and the outer `User-Agent`.
fn headers_of(step: &Step, outer: &HeaderMap) -> HeaderMap {
    let agent = header(outer, "user-agent").map(|agent| ("user-agent", agent));
    let own = step.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    agent
        .into_iter()
        .chain(own)
        .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?)))
        .collect()
}

fn own_header<'a>(step: &'a Step, name: &str) -> Option<&'a str> {
    step.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// An item of the answer, with the header spelling of the documented example.
fn rendered(id: &str, answer: Answer) -> Value {
    let Answer { status, headers, body } = answer;
    let mut shown = Map::from_iter([("Cache-Control".to_owned(), "no-cache".into())]);
    for (name, value) in headers {
        let name = match name {
            "content-type" => "Content-Type",
            "odata-version" => "OData-Version",
            "retry-after" => "Retry-After",
            "www-authenticate" => "WWW-Authenticate",
            other => other,
        };
        shown.insert(name.to_owned(), value.into());
    }
    let body = match body {
        Content::Json(value) => Some(value),
        Content::Html(page) => Some(page.into()),
        Content::Empty => None,
    };
    let mut item = Map::from_iter([
        ("id".to_owned(), id.into()),
        ("status".to_owned(), status.as_u16().into()),
        ("headers".to_owned(), Value::Object(shown)),
    ]);
    if let Some(body) = body {
        item.insert("body".to_owned(), body);
    }
    Value::Object(item)
}
