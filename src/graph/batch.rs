//! `$batch`: up to 20 reads in one request, each answered by itself, in any order.
//!
//! <https://learn.microsoft.com/en-us/graph/json-batching>

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::trail::Operation;

const CLIENT_REQUEST_ID: &str = "client-request-id";

/// Most items in one request.
pub const ITEMS_MAX: usize = 20;

/// A read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is for.
    #[serde(skip)]
    pub operation: Operation,
    /// Our name for it, unique in the request.
    pub id: String,
    method: &'static str,
    /// Address relative to the version, such as `/servicePrincipals/…`.
    pub url: String,
    headers: BTreeMap<&'static str, String>,
}

impl Item {
    /// A read with a name of its own for Microsoft's log. One that nobody waits for gives way to the tenant's own traffic.
    pub fn get(operation: Operation, id: String, url: String, client_request_id: String, gives_way: bool) -> Self {
        let mut headers = BTreeMap::from([(CLIENT_REQUEST_ID, client_request_id)]);
        if gives_way {
            headers.insert("x-ms-throttle-priority", "Low".to_owned());
        }
        Self { operation, id, method: "GET", url, headers }
    }

    /// Its name for Microsoft's log.
    pub fn client_request_id(&self) -> &str {
        self.headers.get(CLIENT_REQUEST_ID).map_or("", String::as_str)
    }
}

/// A request of several reads.
#[derive(Debug, Serialize)]
pub struct BatchRequest<'a> {
    /// Its items.
    pub requests: &'a [Item],
}

/// The answer to a request of several reads.
#[derive(Debug, Deserialize)]
pub struct BatchAnswer {
    responses: Vec<Value>,
}

/// The answer to one read.
#[derive(Debug)]
pub struct ItemAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, if it has one.
    pub body: Option<Value>,
}

impl BatchAnswer {
    /// The answers by the names of the items; an item answered twice or with a status that is none is left out. None if
    /// anything is no item.
    pub fn by_id(self) -> Option<BTreeMap<String, ItemAnswer>> {
        let mut answers = BTreeMap::new();
        let mut repeated = Vec::new();
        for item in self.responses {
            let WireItem { id, status, headers, body } = WireItem::of(item)?;
            let Ok(status) = StatusCode::from_u16(status) else { continue };
            if answers.insert(id.clone(), ItemAnswer { status, headers, body }).is_some() {
                repeated.push(id);
            }
        }
        for id in repeated {
            answers.remove(&id);
        }
        Some(answers)
    }
}

struct WireItem {
    id: String,
    status: u16,
    headers: HeaderMap,
    body: Option<Value>,
}

impl WireItem {
    /// Bodies are the most of what is read, so that they are taken as they are.
    fn of(item: Value) -> Option<Self> {
        let Value::Object(mut item) = item else { return None };
        let Some(Value::String(id)) = item.remove("id") else { return None };
        let headers = match item.remove("headers") {
            Some(Value::Object(wire)) => headers(wire),
            Some(Value::Null) | None => HeaderMap::new(),
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => return None,
        };
        let status = item.get("status")?.as_u64()?.try_into().ok()?;
        Some(Self { id, status, headers, body: item.remove("body").filter(|body| !body.is_null()) })
    }
}

fn headers(wire: Map<String, Value>) -> HeaderMap {
    wire.into_iter()
        .filter_map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(text).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(json: &str) -> BTreeMap<String, ItemAnswer> {
        serde_json::from_str::<BatchAnswer>(json).unwrap().by_id().unwrap()
    }

    #[test]
    fn answers_are_matched_by_id_in_any_order() {
        let answers = answers(
            r#"{"responses":[{"id":"b","status":404,"headers":{"Retry-After":"3"}},{"id":"a","status":200,"body":{"x":1}}]}"#,
        );
        assert_eq!(answers["a"].status, 200);
        assert_eq!(answers["b"].headers["retry-after"], "3");
    }

    #[test]
    fn an_item_answered_twice_counts_as_not_answered() {
        assert!(answers(r#"{"responses":[{"id":"a","status":200},{"id":"a","status":404}]}"#).is_empty());
    }
}
