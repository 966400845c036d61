//! A Kubernetes API server in memory, for simulations: one custom resource, Secrets and Events, the way a controller uses them.
//!
//! [`ApiServer`] is a state machine without a socket, a clock or randomness of its own. [`ApiService`] puts it under
//! `kube::Client`. It knows the resource by name and by the shape of its status only; nothing of the operator.
//! Where it differs from a real server is said beside the code that differs.

mod answer;
mod apply;
mod author;
mod collection;
mod event;
mod field;
mod integration;
mod request;
mod service;
mod store;
mod watch;

mod recorded;
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;

pub use request::{RequestLine, Resource, Verb};
pub use service::ApiService;
pub use watch::WatchCut;

use answer::Failure;
use store::Store;
use watch::{Subscription, Watches};

/// Where the server takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Asked once for each request, before anything happens to it.
///
/// It runs while the server is locked, so it must not lock the server itself.
pub type Fault = Box<dyn FnMut(&RequestLine) -> Verdict + Send>;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is served.
    Pass,
    /// It never arrives: no effect, and the client sees a broken connection.
    LoseRequest,
    /// It is served, and the answer never arrives: the client sees a broken connection.
    LoseAnswer,
    /// It has no effect and is answered with a `Status` of this code, with `Retry-After` in seconds if given.
    Answer(StatusCode, Option<u32>),
    /// It has no effect and is never answered.
    Never,
}

/// How often each verdict but `Pass` was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// [`Verdict::LoseRequest`].
    pub lost_requests: u64,
    /// [`Verdict::LoseAnswer`].
    pub lost_answers: u64,
    /// [`Verdict::Answer`].
    pub answered: u64,
    /// [`Verdict::Never`].
    pub never: u64,
}

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The request without its body.
    pub line: RequestLine,
    /// What the fault hook said.
    pub verdict: Verdict,
    /// The status code of the answer, even if the answer was lost. Nothing if there was none.
    pub code: Option<StatusCode>,
}

/// One request to change something that was served, refused or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The request without its body.
    pub line: RequestLine,
    /// Its body; null if it had none or one that cannot be read.
    pub body: Value,
    /// The status code of the answer, even if the answer was lost.
    pub code: StatusCode,
}

/// What a request may not do, as a missing RBAC rule. What is left out matches everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The verb. [`Verb::Patch`] covers [`Verb::Apply`], as it does in RBAC.
    pub verb: Option<Verb>,
    /// The resource.
    pub resource: Resource,
    /// `Some("status")` for the subresource alone, `Some("")` for the resource alone.
    pub subresource: Option<&'static str>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: Option<String>,
}

/// What [`ApiServer::handle`] returns.
pub enum Answer {
    /// A whole response.
    Response(http::Response<Bytes>),
    /// A watch that goes on; the status code is 200.
    Watch(Subscription),
    /// The connection breaks.
    Lost,
    /// Nothing, ever.
    Never,
}

impl Answer {
    fn code(&self) -> Option<StatusCode> {
        match self {
            Self::Response(response) => Some(response.status()),
            Self::Watch(_) => Some(StatusCode::OK),
            Self::Lost | Self::Never => None,
        }
    }
}

/// The server.
pub struct ApiServer {
    now: Clock,
    ids: StdRng,
    store: Store,
    watches: Watches,
    secrets: BTreeMap<String, Value>,
    events: Vec<Value>,
    denials: Vec<Denial>,
    fault: Option<Fault>,
    fired: Fired,
    exchanges: Vec<Exchange>,
    writes: Vec<Write>,
}

impl ApiServer {
    /// An empty server. The seed decides the uids.
    pub fn new(seed: u64, now: Clock) -> Self {
        Self {
            now,
            ids: StdRng::seed_from_u64(seed),
            store: Store::default(),
            watches: Watches::default(),
            secrets: BTreeMap::new(),
            events: Vec::new(),
            denials: Vec::new(),
            fault: None,
            fired: Fired::default(),
            exchanges: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// Takes one request through the fault hook and serves it.
    pub fn handle(&mut self, request: http::Request<Bytes>) -> Answer {
        let (parts, body) = request.into_parts();
        let line = RequestLine::read(self.exchanges.len(), (self.now)(), &parts);
        let verdict = self.fault.as_mut().map_or(Verdict::Pass, |fault| fault(&line));
        let (answer, code) = match verdict {
            Verdict::Pass => {
                let answer = self.serve(&line, &parts.headers, &body);
                let code = answer.code();
                (answer, code)
            }
            Verdict::LoseRequest => {
                self.fired.lost_requests += 1;
                (Answer::Lost, None)
            }
            Verdict::LoseAnswer => {
                self.fired.lost_answers += 1;
                (Answer::Lost, self.serve(&line, &parts.headers, &body).code())
            }
            Verdict::Answer(code, retry_after) => {
                self.fired.answered += 1;
                (Answer::Response(Failure::injected(code, retry_after).into_response()), Some(code))
            }
            Verdict::Never => {
                self.fired.never += 1;
                (Answer::Never, None)
            }
        };
        self.exchanges.push(Exchange { line, verdict, code });
        answer
    }

    fn serve(&mut self, line: &RequestLine, headers: &HeaderMap, body: &Bytes) -> Answer {
        let content = request::read_body(headers, body);
        let answer =
            self.route(line, headers, &content).unwrap_or_else(|failure| Answer::Response(failure.into_response()));
        if line.verb.is_write()
            && let Some(code) = answer.code()
        {
            self.writes.push(Write { line: line.clone(), body: content.unwrap_or_default(), code });
        }
        answer
    }

    fn route(
        &mut self,
        line: &RequestLine,
        headers: &HeaderMap,
        content: &Result<Value, String>,
    ) -> Result<Answer, Failure> {
        let Some(resource) = line.resource else { return Err(Failure::no_such_path()) };
        if self.denials.iter().any(|denial| denial.covers(line, resource)) {
            return Err(Failure::forbidden(line, resource));
        }
        if line.query.contains_key("dryRun") {
            return Err(Failure::bad_request("this simulation serves no dry run"));
        }
        match resource {
            Resource::Integrations => self.serve_integrations(line, headers, content),
            Resource::Secrets => self.serve_secret(line, headers),
            Resource::Events => self.serve_event(line, content),
        }
    }

    fn serve_secret(&self, line: &RequestLine, headers: &HeaderMap) -> Result<Answer, Failure> {
        let (Verb::Get, Some(namespace), Some(name), None) =
            (line.verb, &line.namespace, &line.name, &line.subresource)
        else {
            return Err(Failure::not_supported(line.verb, Resource::Secrets));
        };
        let secret = self
            .secrets
            .get(&format!("{namespace}/{name}"))
            .ok_or_else(|| Failure::not_found(Resource::Secrets, name))?;
        Ok(answer::object(StatusCode::OK, headers, secret))
    }

    fn new_uid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.ids.random()).into_uuid().to_string()
    }

    /// The time as Kubernetes writes it into objects: whole seconds.
    fn time(&self) -> String {
        (self.now)().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

impl Denial {
    fn covers(&self, line: &RequestLine, resource: Resource) -> bool {
        let Self { verb, resource: denied, subresource, namespace, name } = self;
        let same_verb = verb.is_none_or(|verb| verb == line.verb || (verb == Verb::Patch && line.verb == Verb::Apply));
        same_verb
            && *denied == resource
            && subresource.is_none_or(|subresource| subresource == line.subresource.as_deref().unwrap_or_default())
            && (namespace.is_none() || *namespace == line.namespace)
            && (name.is_none() || *name == line.name)
    }
}
