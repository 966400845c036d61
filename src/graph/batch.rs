//! `$batch`: up to 20 reads in one request, each answered by itself, in any order.
//!
//! <https://learn.microsoft.com/en-us/graph/json-batching>

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    responses: Vec<WireItem>,
}

#[derive(Debug, Deserialize)]
struct WireItem {
    id: String,
    status: u16,
    headers: Option<BTreeMap<String, Value>>,
    body: Option<Value>,
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
    /// The answers by the names of the items; an item answered twice or with a status that is none is left out.
    pub fn by_id(self) -> BTreeMap<String, ItemAnswer> {
        let mut answers = BTreeMap::new();
        let mut repeated = Vec::new();
        for item in self.responses {
            let Ok(status) = StatusCode::from_u16(item.status) else { continue };
            let answer = ItemAnswer { status, headers: headers(item.headers.unwrap_or_default()), body: item.body };
            if answers.insert(item.id.clone(), answer).is_some() {
                repeated.push(item.id);
            }
        }
        for id in repeated {
            answers.remove(&id);
        }
        answers
    }
}

fn headers(wire: BTreeMap<String, Value>) -> HeaderMap {
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
        serde_json::from_str::<BatchAnswer>(json).unwrap().by_id()
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
