//! The way to Microsoft, with the faults that a file puts on it.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use webex_azure_operator::graph::transport::{Body, TransportError};

use super::story::{Fault, How, Target, merge};

type Sent = BoxFuture<'static, Result<Response<Body>, TransportError>>;

/// The way to Microsoft.
#[derive(Debug, Default)]
pub struct Way(Vec<Fault>);

impl Way {
    /// From now on it is so.
    pub fn set(&mut self, faults: &[Fault]) {
        self.0 = faults.to_vec();
    }

    /// Carries one request there and its answer back.
    pub fn carry(&self, request: Request<Bytes>, reply: impl FnOnce(Request<Bytes>) -> Response<Bytes>) -> Sent {
        let is_token = request.uri().path().ends_with("/oauth2/v2.0/token");
        let (host, address) = (request.uri().host().unwrap_or_default().to_owned(), request.uri().to_string());
        let is_hit = |fault: &&Fault| {
            let is_meant = fault.address.as_ref().is_none_or(|part| address.contains(part.as_str()));
            match fault.on {
                Target::Token => is_token && is_meant,
                Target::Graph => !is_token && is_meant,
                Target::Items => !is_token,
            }
        };
        let faults: Vec<Fault> = self.0.iter().filter(is_hit).cloned().collect();
        let asked = request.body().clone();
        let broken = |source: &str| (host.clone(), source.to_owned().into());
        for fault in &faults {
            let error = match fault.is {
                How::Connection => {
                    let (host, source) = broken("connection refused");
                    TransportError::Connection { host, source }
                }
                How::Proxy => {
                    let (host, source) = broken("407");
                    TransportError::Proxy { host, source }
                }
                How::Tls => {
                    let (host, source) = broken("unknown issuer");
                    TransportError::Tls { host, source }
                }
                How::Silence => return Box::pin(std::future::pending()),
                How::Panic => panic!("on purpose, in the pass over one object"),
                How::Html
                | How::CutShort
                | How::Redirect
                | How::Refusal(..)
                | How::Challenge(_)
                | How::Aadsts(_)
                | How::Claims(_)
                | How::Shows(_) => continue,
            };
            return Box::pin(async { Err(error) });
        }
        let (mut head, mut body) = reply(request).into_parts();
        for fault in &faults {
            match fault.on {
                Target::Items => body = with_items_altered(&body, &asked, fault),
                Target::Token | Target::Graph => alter(&mut head, &mut body, &fault.is),
            }
        }
        head.headers.remove(header::CONTENT_LENGTH);
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        Box::pin(async { Ok(Response::from_parts(head, body)) })
    }
}

fn alter(head: &mut http::response::Parts, body: &mut Bytes, how: &How) {
    match how {
        How::Html => {
            head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            *body = Bytes::from_static(b"<!DOCTYPE html><title>Sign in to the network</title>");
        }
        How::CutShort => *body = body.slice(..body.len() / 2),
        How::Redirect => {
            head.status = StatusCode::FOUND;
            head.headers.insert(header::LOCATION, HeaderValue::from_static("https://example.com/"));
        }
        How::Refusal(status, code) => {
            head.status = StatusCode::from_u16(*status).unwrap();
            *body = error(code).to_string().into();
        }
        How::Challenge(claims) => {
            head.status = StatusCode::UNAUTHORIZED;
            let claims = STANDARD.encode(claims.to_string());
            let challenge = format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"");
            head.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::try_from(challenge).unwrap());
            *body = error("InvalidAuthenticationToken").to_string().into();
        }
        How::Aadsts(number) => {
            head.status = StatusCode::UNAUTHORIZED;
            let refusal = json!({
                "error": "invalid_client", "error_description": format!("AADSTS{number}: Words for people."),
                "error_codes": [number],
            });
            *body = refusal.to_string().into();
        }
        How::Claims(changes) => *body = with_claims(body, changes),
        How::Shows(change) => {
            let mut value: Value = serde_json::from_slice(body).unwrap();
            merge(&mut value, change);
            *body = value.to_string().into();
        }
        How::Connection | How::Proxy | How::Tls | How::Silence | How::Panic => {}
    }
}

fn error(code: &str) -> Value {
    json!({"error": {
        "code": code, "message": "Words for people.",
        "innerError": {"date": "2026-11-23T08:00:00", "request-id": "r", "client-request-id": "c"},
    }})
}

/// The batch in which the answers to some questions are others.
fn with_items_altered(body: &Bytes, asked: &Bytes, fault: &Fault) -> Bytes {
    let (Ok(asked), Ok(mut batch)) = (serde_json::from_slice::<Value>(asked), serde_json::from_slice::<Value>(body))
    else {
        return body.clone();
    };
    let is_hit = |request: &&Value| {
        let url = request["url"].as_str().unwrap_or_default();
        fault.address.as_ref().is_none_or(|part| url.contains(part.as_str()))
    };
    let hit: Vec<&Value> =
        asked["requests"].as_array().into_iter().flatten().filter(is_hit).map(|one| &one["id"]).collect();
    for item in batch["responses"].as_array_mut().into_iter().flatten().filter(|item| hit.contains(&&item["id"])) {
        match &fault.is {
            How::Refusal(status, code) => {
                item["status"] = (*status).into();
                item["body"] = error(code);
            }
            How::Shows(change) => merge(&mut item["body"], change),
            other @ (How::Connection
            | How::Proxy
            | How::Tls
            | How::Silence
            | How::Html
            | How::CutShort
            | How::Redirect
            | How::Panic
            | How::Challenge(_)
            | How::Aadsts(_)
            | How::Claims(_)) => panic!("{other:?} is no fault of a single answer"),
        }
    }
    batch.to_string().into()
}

/// The answer with other claims in its token; nobody checks its signature but the emulator, which is not shown it.
fn with_claims(body: &Bytes, changes: &Value) -> Bytes {
    let mut answer: Value = serde_json::from_slice(body).unwrap();
    let Some(token) = answer["access_token"].as_str() else { return body.clone() };
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    merge(&mut claims, changes);
    answer["access_token"] = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2]).into();
    answer.to_string().into()
}
