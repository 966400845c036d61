//! The stand-in against the answers of a real server.
//!
//! `recorded.json` holds requests and what kube-apiserver 1.36.3 answered, in this order, with a custom resource whose
//! status has the lists with keys that `field.rs` names and the default of its status. What differs from run to run is
//! numbered in the order of its appearance, on both sides, before the sides are compared.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, ApiServer};

#[derive(Deserialize)]
struct Recorded {
    method: String,
    path: String,
    #[serde(rename = "type", default)]
    content_type: Option<String>,
    #[serde(default)]
    accept: Option<String>,
    #[serde(default)]
    body: Value,
    code: u16,
    answer: Value,
}

/// Numbers for what differs from run to run.
#[derive(Default)]
struct Names {
    uids: BTreeMap<String, usize>,
    revisions: BTreeMap<String, usize>,
    token: String,
}

impl Names {
    fn normalize(&mut self, value: &mut Value, field: &str) {
        match value {
            Value::Object(fields) => {
                for (name, child) in fields {
                    self.normalize(child, name);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.normalize(item, field);
                }
            }
            Value::String(text) => *text = self.name(text, field),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn name(&mut self, text: &str, field: &str) -> String {
        match field {
            "uid" => format!("uid {}", numbered(&mut self.uids, text)),
            "resourceVersion" => format!("revision {}", numbered(&mut self.revisions, text)),
            "time" | "creationTimestamp" => "a time".to_owned(),
            "continue" if !text.is_empty() => {
                text.clone_into(&mut self.token);
                "a token".to_owned()
            }
            _ => self
                .uids
                .iter()
                .fold(text.to_owned(), |text, (uid, number)| text.replace(uid, &format!("uid {number}"))),
        }
    }

    /// What stands on this side for something that the other side calls otherwise.
    fn translate(&self, text: &str, other: &Self) -> String {
        let pairs = [(&self.uids, &other.uids), (&self.revisions, &other.revisions)];
        let found = pairs.into_iter().find_map(|(own, others)| {
            let number = others.get(text)?;
            own.iter().find(|(_, own)| *own == number).map(|(own, _)| own.clone())
        });
        found.unwrap_or_else(|| if text == other.token { self.token.clone() } else { text.to_owned() })
    }
}

fn numbered(known: &mut BTreeMap<String, usize>, text: &str) -> usize {
    let next = known.len() + 1;
    *known.entry(text.to_owned()).or_insert(next)
}

fn request(recorded: &Recorded, own: &Names, real: &Names) -> Request<Bytes> {
    let (path, query) = recorded.path.split_once('?').unwrap_or((&recorded.path, ""));
    let query: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => format!("{name}={}", own.translate(value, real)),
            None => pair.to_owned(),
        })
        .collect();
    let mut body = recorded.body.clone();
    for field in ["uid", "resourceVersion"] {
        if let Some(Value::String(text)) = body.pointer_mut(&format!("/metadata/{field}")) {
            *text = own.translate(text, real);
        }
    }
    let body = match body.as_str() {
        Some(yaml) => yaml.to_owned(),
        None if body.is_null() => String::new(),
        None => body.to_string(),
    };
    Request::builder()
        .method(recorded.method.as_str())
        .uri(format!("{path}?{}", query.join("&")))
        .header(header::USER_AGENT, "recorder/1")
        .header(header::CONTENT_TYPE, recorded.content_type.as_deref().unwrap_or("application/json"))
        .header(header::ACCEPT, recorded.accept.as_deref().unwrap_or("application/json"))
        .body(Bytes::from(body))
        .expect("a recorded request is a request")
}

/// Status code and body; a watch as the list of its events.
async fn answer(server: &mut ApiServer, request: Request<Bytes>) -> (u16, Value) {
    let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    let (code, body) = match server.handle(request) {
        Answer::Response(response) => (response.status().as_u16(), response.into_body()),
        Answer::Watch(subscription) => {
            (200, subscription.into_body().collect().await.expect("the watch ends properly").to_bytes())
        }
        Answer::Lost | Answer::Never => unreachable!("no fault was set"),
    };
    if !is_watch {
        return (code, serde_json::from_slice(&body).expect("the body is JSON"));
    }
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    (code, lines.map(|line| serde_json::from_slice::<Value>(line).expect("a line is JSON")).collect())
}

#[tokio::test(start_paused = true)]
async fn answers_are_those_of_a_real_server() {
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().expect("a time");
    let mut server = ApiServer::new(1, Arc::new(move || now));
    let recorded: Vec<Recorded> = serde_json::from_str(include_str!("recorded.json")).expect("the recording is JSON");
    let (mut own, mut real) = (Names::default(), Names::default());
    let mut differences = Vec::new();
    for (number, mut recorded) in recorded.into_iter().enumerate() {
        let (code, mut answer) = answer(&mut server, request(&recorded, &own, &real)).await;
        if answer.get("kind") == Some(&json!("Event")) {
            // A stored event shows fields of the older API, which this server does not have.
            answer = Value::Null;
            recorded.answer = Value::Null;
        }
        own.normalize(&mut answer, "");
        real.normalize(&mut recorded.answer, "");
        if (code, &answer) != (recorded.code, &recorded.answer) {
            differences.push(format!(
                "{number}: {} {} {}\nreal {} {}\nours {code} {answer}\n",
                recorded.method, recorded.path, recorded.body, recorded.code, recorded.answer
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
