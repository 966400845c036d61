//! One request and its answer, within deadlines and byte caps, and only if it is what Microsoft would send.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tracing::debug;

use super::{
    retry_after,
    transport::{BoxError, Transport, TransportError},
    wire,
};
use crate::{clock::Clock, domain::Obstacle};

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Longest time until its head is there.
    pub head: Duration,
    /// Longest time for all of it.
    pub whole: Duration,
}

impl Deadlines {
    /// Those of every look. Others serve tests over real sockets, where time cannot be made to pass.
    pub const PRODUCTION: Self = Self { head: Duration::from_secs(15), whole: Duration::from_secs(30) };
}

/// Largest body that is read, in bytes.
pub(super) const BODY_MAX: usize = 8 * 1024 * 1024;

/// An answer in JSON.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, which is JSON by its content type; empty if it has none.
    pub body: Bytes,
}

impl Answer {
    /// The body as this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        wire::from_slice(&self.body).map_err(|source| CallError::NotJson { source })
    }
}

/// Why there is no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The request did not get an answer.
    #[error("the request failed")]
    Transport(#[from] TransportError),
    /// It took too long.
    #[error("no answer from {host} in time")]
    Deadline {
        /// The host that was called.
        host: String,
    },
    /// The answer ended early or broke off.
    #[error("the answer was cut short")]
    CutShort {
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The answer was larger than any real one.
    #[error("the answer is larger than {BODY_MAX} bytes")]
    TooLarge,
    /// The answer leads elsewhere; credentials do not follow.
    #[error("the answer is a redirect ({status})")]
    Redirect {
        /// Its status.
        status: StatusCode,
    },
    /// The answer is compressed, which was not asked for.
    #[error("the answer has an encoding that was not asked for")]
    Encoded,
    /// The answer is not declared as JSON.
    #[error("the answer is not JSON by its content type ({status})")]
    ContentType {
        /// Its status.
        status: StatusCode,
    },
    /// The answer is not the JSON that was expected.
    #[error("the answer is not the JSON that was expected")]
    NotJson {
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

impl CallError {
    /// Its name in metrics and in the log.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Transport(TransportError::Tls { .. }) => "tls",
            Self::Transport(TransportError::Proxy { .. }) => "proxy",
            Self::Transport(TransportError::Connection { .. }) => "connection",
            Self::Deadline { .. } => "deadline",
            Self::CutShort { .. } => "cut_short",
            Self::TooLarge => "too_large",
            Self::Redirect { .. } => "redirect",
            Self::Encoded => "encoded",
            Self::ContentType { .. } => "content_type",
            Self::NotJson { .. } => "not_json",
        }
    }

    /// What it means for the look.
    pub fn obstacle(&self) -> Obstacle {
        match self {
            Self::Transport(TransportError::Tls { host, .. }) => Obstacle::tls(host),
            Self::Transport(TransportError::Proxy { host, .. }) => Obstacle::proxy(host),
            Self::Transport(TransportError::Connection { host, .. }) => Obstacle::network(host),
            Self::Deadline { host } => Obstacle::timeout(host),
            Self::CutShort { .. } => Obstacle::malformed("it ended early"),
            Self::TooLarge => Obstacle::malformed("it was too large"),
            Self::Redirect { .. } => Obstacle::malformed("it was a redirect"),
            Self::Encoded => Obstacle::malformed("it was compressed"),
            Self::ContentType { .. } => Obstacle::malformed("its content type was not JSON"),
            Self::NotJson { .. } => Obstacle::malformed("it was not the JSON that is documented"),
        }
    }
}

/// Sends a request and takes the answer, if it is one.
pub fn call(transport: &dyn Transport, request: Request<Bytes>) -> BoxFuture<'_, Result<Answer, CallError>> {
    call_within(Deadlines::PRODUCTION, transport, request)
}

/// The same with other deadlines.
pub fn call_within(
    deadlines: Deadlines,
    transport: &dyn Transport,
    request: Request<Bytes>,
) -> BoxFuture<'_, Result<Answer, CallError>> {
    Box::pin(exchange(deadlines, transport, request))
}

async fn exchange(
    deadlines: Deadlines,
    transport: &dyn Transport,
    request: Request<Bytes>,
) -> Result<Answer, CallError> {
    let host = request.uri().host().unwrap_or_default().to_owned();
    let late = || CallError::Deadline { host: host.clone() };
    let whole = async {
        let response = tokio::time::timeout(deadlines.head, transport.send(request)).await.map_err(|_| late())??;
        let (head, body) = response.into_parts();
        if head.status.is_redirection() {
            return Err(CallError::Redirect { status: head.status });
        }
        if head.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(CallError::Encoded);
        }
        let announced =
            head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let body = Limited::new(body, BODY_MAX).collect().await.map_err(broken)?.to_bytes();
        if announced.is_some_and(|announced| announced != body.len()) {
            return Err(CallError::CutShort { source: "fewer bytes than announced".into() });
        }
        Ok(Answer { status: head.status, headers: head.headers, body })
    };
    let answer = tokio::time::timeout(deadlines.whole, whole).await.map_err(|_| late())??;
    // Of a throttled answer only the status and Retry-After are used; gateways send it without JSON.
    if answer.status != StatusCode::TOO_MANY_REQUESTS && !answer.body.is_empty() && !is_json(&answer.headers) {
        debug!(status = answer.status.as_u16(), bytes = answer.body.len(), "an answer is not JSON");
        return Err(CallError::ContentType { status: answer.status });
    }
    Ok(answer)
}

fn broken(source: BoxError) -> CallError {
    if source.is::<LengthLimitError>() { CallError::TooLarge } else { CallError::CutShort { source } }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The obstacle behind an answer that is an error whatever was asked; none if it depends on the question.
pub fn general_obstacle(status: StatusCode, headers: &HeaderMap, clock: &Clock) -> Option<Obstacle> {
    let wait = || retry_after::seconds(headers, clock.now());
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(Obstacle::throttled(wait())),
        StatusCode::REQUEST_TIMEOUT => Some(Obstacle::timeout("Microsoft Graph")),
        // Not there in this cloud, which no repetition changes; what was asked for knows its name.
        StatusCode::NOT_IMPLEMENTED => None,
        status if status.is_server_error() => Some(Obstacle::graph_unavailable(status.as_u16(), wait())),
        _ => None,
    }
}
