//! The shape of a request: what is asked, with what proves who asks, and what differs from one asking to the next, left
//! out. Recorded and replayed requests are compared in this shape.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Host, Request};

/// Headers whose value is the same for everyone.
const TOLD: [&str; 3] = ["accept", "content-type", "x-ms-throttle-priority"];

/// Fields of a token request that prove who asks.
const PROOFS: [&str; 2] = ["client_secret", "client_assertion"];

/// The shape of a request that is about to be sent.
pub fn of(request: &http::Request<Bytes>) -> Request {
    let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let is_token = request.uri().path().ends_with("/oauth2/v2.0/token");
    let headers = request.headers().iter().map(|(name, value)| {
        let told = TOLD.contains(&name.as_str()).then(|| value.to_str().ok().map(str::to_owned));
        (name.as_str().to_owned(), told.flatten())
    });
    Request {
        method: request.method().to_string(),
        host: if is_token { Host::Login } else { Host::Graph },
        target: target.to_owned(),
        headers: headers.collect(),
        body: (!request.body().is_empty()).then(|| if is_token { form(request.body()) } else { items(request.body()) }),
    }
}

/// The fields of a form; of a proof only its kind.
fn form(body: &[u8]) -> Value {
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        match name.as_ref() {
            proof if PROOFS.contains(&proof) => fields.insert("proof".to_owned(), proof.into()),
            "client_assertion_type" => None,
            _ => fields.insert(name.into_owned(), value.into_owned().into()),
        };
    }
    fields.into()
}

/// The items of a batch; each has a name for Microsoft's log that differs each time.
fn items(body: &[u8]) -> Value {
    let mut batch: Value = serde_json::from_slice(body).unwrap_or_default();
    let requests = batch.get_mut("requests").and_then(Value::as_array_mut).into_iter().flatten();
    for headers in requests.filter_map(|item| item.get_mut("headers")?.as_object_mut()) {
        let told: BTreeMap<String, Value> = std::mem::take(headers).into_iter().collect();
        headers.extend(told.into_iter().map(|(name, value)| {
            let is_told = TOLD.contains(&name.as_str());
            (name, if is_told { value } else { Value::Null })
        }));
    }
    batch
}

/// Whether both ask the same; with which kind of proof does not matter.
pub fn is_same(one: &Request, other: &Request) -> bool {
    let without_proof = |request: &Request| {
        let mut request = request.clone();
        if let Some(fields) = request.body.as_mut().and_then(Value::as_object_mut) {
            fields.remove("proof");
        }
        request
    };
    without_proof(one) == without_proof(other)
}
