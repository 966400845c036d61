//! A transport that answers from a transcript, and notes if something else is asked than was.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::{future::BoxFuture, stream};
use http::{HeaderName, HeaderValue, Request as HttpRequest, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, StreamBody};
use secrecy::SecretString;

use super::{Answer, Content, Exchange, Failure, Host, Outcome, Request, Transcript, secret, shape};
use crate::{
    api::Reason,
    domain::{Desired, Obstacle},
    graph::{
        assertion::AssertionSource,
        call::BODY_MAX,
        token::{Credential, Proof, TokenKey},
        transport::{Body, BodyError, Transport, TransportError},
    },
};

/// A length that no body here has.
const ANOTHER_LENGTH: usize = 1_000_000;

/// Something else was asked than was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAsRecorded {
    /// Another question.
    #[error("request {number} was recorded as {expected} and is now {asked}")]
    Differs {
        /// Its number, from 1.
        number: usize,
        /// As it was recorded.
        expected: String,
        /// As it is now.
        asked: String,
    },
    /// A question more.
    #[error("request {number} was not recorded: {asked}")]
    More {
        /// Its number, from 1.
        number: usize,
        /// What is asked.
        asked: String,
    },
    /// Fewer questions.
    #[error("{left} of the recorded requests were not made")]
    Fewer {
        /// How many.
        left: usize,
    },
}

/// A transport that answers from a transcript.
#[derive(Debug, Clone)]
pub struct Replay {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    exchanges: Vec<Exchange>,
    asked: usize,
    differs: Option<NotAsRecorded>,
}

impl Replay {
    /// Answers as this transcript tells.
    pub fn new(transcript: &Transcript) -> Self {
        let state = State { exchanges: transcript.exchanges.clone(), asked: 0, differs: None };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Whether exactly what was recorded was asked.
    pub fn finish(&self) -> Result<(), NotAsRecorded> {
        let state = self.state();
        match (&state.differs, state.exchanges.len().saturating_sub(state.asked)) {
            (Some(differs), _) => Err(differs.clone()),
            (None, 0) => Ok(()),
            (None, left) => Err(NotAsRecorded::Fewer { left }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outcome(&self, asked: &Request) -> Outcome {
        let mut state = self.state();
        let index = state.asked;
        state.asked += 1;
        let number = index + 1;
        let differs = match state.exchanges.get(index) {
            Some(Exchange { request, outcome, .. }) if shape::is_same(request, asked) => return outcome.clone(),
            Some(Exchange { request, .. }) => {
                NotAsRecorded::Differs { number, expected: told(request), asked: told(asked) }
            }
            None => NotAsRecorded::More { number, asked: told(asked) },
        };
        state.differs.get_or_insert(differs);
        Outcome::Failure(Failure::Connection)
    }
}

fn told(request: &Request) -> String {
    serde_json::to_string(request).unwrap_or_default()
}

impl Transport for Replay {
    fn send(&self, request: HttpRequest<Bytes>) -> BoxFuture<'static, Result<Response<Body>, TransportError>> {
        let asked = shape::of(&request);
        let outcome = self.outcome(&asked);
        let host = request.uri().host().unwrap_or_default().to_owned();
        Box::pin(async move {
            match outcome {
                Outcome::Answer(answer) => Ok(response(answer, asked.host)),
                Outcome::Failure(failure) => Err(match failure {
                    Failure::Connection => TransportError::Connection { host, source: "as recorded".into() },
                    Failure::Proxy => TransportError::Proxy { host, source: "as recorded".into() },
                    Failure::Tls => TransportError::Tls { host, source: "as recorded".into() },
                    Failure::Silence => std::future::pending().await,
                }),
            }
        })
    }
}

fn response(answer: Answer, host: Host) -> Response<Body> {
    let Answer { status, headers, other_headers: _, body } = answer;
    let is_shorter = body == Content::ShorterThanAnnounced;
    let mut response = Response::new(content(body, host));
    // A status that is none is answered as none is.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_IMPLEMENTED);
    for (name, value) in headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value))) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    if is_shorter {
        response.headers_mut().insert(header::CONTENT_LENGTH, ANOTHER_LENGTH.into());
    }
    response
}

fn content(content: Content, host: Host) -> Body {
    let whole = |bytes: Vec<u8>| Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync();
    match content {
        Content::Json(value) if host == Host::Login => whole(secret::restored(value).to_string().into_bytes()),
        Content::Json(value) => whole(value.to_string().into_bytes()),
        Content::Empty | Content::NotRead | Content::ShorterThanAnnounced => whole(Vec::new()),
        Content::NotJson => whole(b"not JSON".to_vec()),
        Content::TooLarge => whole(vec![b' '; BODY_MAX + 1]),
        Content::BrokeOff => StreamBody::new(stream::iter([Err(BodyError("as recorded".into()))])).boxed_unsync(),
        Content::Late => StreamBody::new(stream::pending()).boxed_unsync(),
    }
}

impl Transcript {
    /// What to sign in with when this transcript is asked.
    pub fn credential(&self, desired: &Desired) -> Credential {
        let proof = match self.stopped_before.as_deref().and_then(Reason::from_name) {
            Some(reason) => Proof::Federated(Arc::new(Stopped(reason))),
            None => Proof::Secret(SecretString::from("replayed")),
        };
        let key = TokenKey {
            cloud: desired.cloud,
            tenant: desired.tenant,
            client: desired.client,
            kind: desired.credential.kind(),
            namespace: String::new(),
            uid: "transcript".to_owned(),
            version: String::new(),
            key: String::new(),
        };
        Credential { key, proof }
    }
}

/// A credential that stands in the way itself.
#[derive(Debug)]
struct Stopped(Reason);

impl AssertionSource for Stopped {
    fn assertion(&self) -> BoxFuture<'_, Result<SecretString, Obstacle>> {
        let message = "The credential stood in the way before anything was asked.".to_owned();
        let obstacle = Obstacle { reason: self.0, message, wait_seconds: None };
        Box::pin(std::future::ready(Err(obstacle)))
    }
}
