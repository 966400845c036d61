//! The seam: records every request, lets a tenant answer it, and alters single answers on the way back.

use std::{
    fmt,
    ops::{Bound, RangeBounds},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use futures::{future::BoxFuture, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use serde_json::Value;
use webex_azure_operator::graph::transport::{Body, BodyError, Transport, TransportError};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A token.
    Token,
    /// Several reads at once.
    Batch,
    /// A further page of a list.
    Link,
}

/// A request as it was sent.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    pub fn kind(&self) -> Kind {
        match self.uri.path() {
            path if path.ends_with("/oauth2/v2.0/token") => Kind::Token,
            path if path.ends_with("/$batch") => Kind::Batch,
            _ => Kind::Link,
        }
    }

    /// The fields of a token request.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The items of a batch.
    pub fn items(&self) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["requests"].as_array().unwrap().clone()
    }

    pub fn bearer(&self) -> Option<&str> {
        self.headers.get(header::AUTHORIZATION)?.to_str().unwrap().strip_prefix("Bearer ")
    }
}

/// How a body arrives.
#[derive(Debug, Clone, Copy)]
pub enum Flow {
    Whole,
    /// One byte per second.
    Drip,
    /// This many bytes, then the connection breaks.
    BreaksAfter(usize),
    /// Over and over again, without an end.
    Endless,
}

/// What comes in place of an answer.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    Connection,
    Proxy,
    Tls,
    /// Nothing, for ever.
    Silence,
}

/// An answer on its way back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub head_after: Duration,
    pub flow: Flow,
    pub trouble: Option<Trouble>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        let mut reply = Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            head_after: Duration::ZERO,
            flow: Flow::Whole,
            trouble: None,
        };
        reply.header("content-type", "application/json; charset=utf-8").set(body);
        reply
    }

    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        self.headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
        self
    }

    /// Another body.
    pub fn set(&mut self, body: &Value) -> &mut Self {
        self.body = body.to_string().into();
        self
    }

    /// Another status, and the error body that goes with it.
    pub fn refuse(&mut self, status: u16, code: &str) -> &mut Self {
        self.status = status;
        self.set(&super::tenant::error(code))
    }

    /// A page that a proxy or a gateway shows.
    pub fn html(&mut self, status: u16) -> &mut Self {
        self.status = status;
        self.body = Bytes::from_static(b"<!DOCTYPE html><title>Sign in to the network</title>");
        self.header("content-type", "text/html")
    }

    /// Changes the body as JSON.
    pub fn edit(&mut self, change: impl FnOnce(&mut Value)) -> &mut Self {
        let mut body = serde_json::from_slice(&self.body).unwrap();
        change(&mut body);
        self.set(&body)
    }

    async fn send(self, host: String) -> Result<Response<Body>, TransportError> {
        // Even no sleep at all would take a millisecond.
        if !self.head_after.is_zero() {
            tokio::time::sleep(self.head_after).await;
        }
        match self.trouble {
            Some(Trouble::Connection) => return Err(TransportError::Connection { host, source: "reset".into() }),
            Some(Trouble::Proxy) => return Err(TransportError::Proxy { host, source: "407".into() }),
            Some(Trouble::Tls) => return Err(TransportError::Tls { host, source: "unknown issuer".into() }),
            Some(Trouble::Silence) => std::future::pending().await,
            None => {}
        }
        let mut response = Response::new(body(self.body, self.flow));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        *response.headers_mut() = self.headers;
        Ok(response)
    }
}

fn body(bytes: Bytes, flow: Flow) -> Body {
    let broken = || Err(BodyError("connection reset".into()));
    match flow {
        Flow::Whole => Full::new(bytes).map_err(|never| match never {}).boxed_unsync(),
        Flow::Drip => StreamBody::new(stream::unfold(bytes, |mut left| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            (!left.is_empty()).then(|| (Ok(Frame::data(left.split_to(1))), left))
        }))
        .boxed_unsync(),
        Flow::BreaksAfter(length) => {
            StreamBody::new(stream::iter([Ok(Frame::data(bytes.slice(..length))), broken()])).boxed_unsync()
        }
        Flow::Endless => StreamBody::new(stream::repeat_with(move || Ok(Frame::data(bytes.clone())))).boxed_unsync(),
    }
}

/// Alters an answer, and tells whether there was something to alter.
type Alter = Box<dyn FnMut(&Asked, &mut Reply) -> bool + Send>;

struct Rule {
    kind: Kind,
    range: (Bound<usize>, Bound<usize>),
    alter: Alter,
    met: usize,
    fired: usize,
}

/// Who answers.
pub type Tenant = Box<dyn FnMut(&Asked) -> Reply + Send>;

/// The transport of the test.
pub struct Seam(Mutex<State>);

struct State {
    tenant: Tenant,
    rules: Vec<Rule>,
    asked: Vec<Asked>,
}

impl Seam {
    pub fn new(tenant: Tenant) -> Self {
        Self(Mutex::new(State { tenant, rules: Vec::new(), asked: Vec::new() }))
    }

    /// From now on alters answers to requests of this kind, those in this range of their numbers; the function tells
    /// whether it had something to alter.
    pub fn alter(
        &self,
        kind: Kind,
        range: impl RangeBounds<usize>,
        alter: impl FnMut(&Asked, &mut Reply) -> bool + Send + 'static,
    ) {
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        self.state().rules.push(Rule { kind, range, alter: Box::new(alter), met: 0, fired: 0 });
    }

    /// Ends all alterations; each of them must have happened.
    pub fn settle(&self) {
        for rule in std::mem::take(&mut self.state().rules) {
            assert!(rule.fired > 0, "an alteration of {:?} {:?} never happened", rule.kind, rule.range);
        }
    }

    /// Ends all alterations, whether they happened or not.
    pub fn forget(&self) {
        self.state().rules.clear();
    }

    /// The requests since the last call.
    pub fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state().asked)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl fmt::Debug for Seam {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Seam")
    }
}

impl Transport for Seam {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Body>, TransportError>> {
        let (head, body) = request.into_parts();
        let asked = Asked { method: head.method, uri: head.uri, headers: head.headers, body };
        let host = asked.uri.host().unwrap().to_owned();
        let mut state = self.state();
        let State { tenant, rules, asked: record } = &mut *state;
        let mut reply = tenant(&asked);
        for rule in rules.iter_mut().filter(|rule| rule.kind == asked.kind()) {
            if rule.range.contains(&rule.met) && (rule.alter)(&asked, &mut reply) {
                rule.fired += 1;
            }
            rule.met += 1;
        }
        record.push(asked);
        drop(state);
        Box::pin(reply.send(host))
    }
}
