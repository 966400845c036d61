//! The way to Microsoft for the time of one look: each request is timed, counted, logged and noted in the trail.

use std::{
    error::Error as _,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tracing::debug;

use super::{
    budget,
    call::{self, Answer, CallError},
    metric::Metrics,
    trail::{Exchange, Operation, Trail},
    transport::Transport,
};
use crate::{clock::Clock, domain::text};

/// A clock that is wrong by more than this is told: tokens and certificates are taken or refused by minutes.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(2);

/// How far this machine's clock is off Microsoft's.
#[derive(Debug, Default)]
pub struct Skew(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    ahead: SignedDuration,
    is_told: bool,
}

impl Skew {
    /// How far Microsoft's clock is ahead of this machine's, if that is too far.
    pub fn ahead(&self) -> Option<SignedDuration> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.ahead.abs() > SKEW_MAX).then_some(state.ahead)
    }

    /// The same, but only once for each time that the clock goes wrong.
    pub fn news(&self) -> Option<SignedDuration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_wrong = state.ahead.abs() > SKEW_MAX;
        let is_news = is_wrong && !state.is_told;
        state.is_told = is_wrong;
        is_news.then_some(state.ahead)
    }

    /// Takes in what an answer shows: it was given between these two times of this machine.
    fn learn(&self, headers: &HeaderMap, sent: Timestamp, received: Timestamp) -> Option<SignedDuration> {
        let date = headers.get(header::DATE)?.to_str().ok()?;
        let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        // Dates have whole seconds, and the answer may be from any time in between: within that nothing is off.
        let ahead = if theirs > received {
            theirs.duration_since(received)
        } else if theirs < sent {
            theirs.duration_since(sent).saturating_add(SignedDuration::from_secs(1)).min(SignedDuration::ZERO)
        } else {
            SignedDuration::ZERO
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ahead = ahead;
        Some(ahead)
    }
}

/// The way to Microsoft.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Carries the requests.
    pub transport: &'a dyn Transport,
    /// Time.
    pub clock: &'a Clock,
    /// Counts them.
    pub metrics: &'a Metrics,
    /// Keeps what they were.
    pub trail: &'a Trail,
    /// What their dates show.
    pub skew: &'a Skew,
}

impl Line<'_> {
    /// Sends a request and takes the answer, if it is one.
    pub async fn call(&self, operation: Operation, mut request: Request<Bytes>) -> Result<Answer, CallError> {
        let client_request_id = self.clock.uuid().to_string();
        if let Ok(value) = client_request_id.parse() {
            request.headers_mut().insert("client-request-id", value);
        }
        let method = request.method().to_string();
        let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let bytes = request.body().len();
        let (began, sent) = (self.clock.instant(), self.clock.now());
        let result = call::call(self.transport, request).await;
        let took = self.clock.instant().duration_since(began);
        let answer = result.as_ref().ok();
        let status = answer.map(|answer| answer.status.as_u16());
        self.metrics.called(operation, result.as_ref().map(|answer| answer.status.as_u16()), took);
        self.metrics.bytes(bytes, answer.map_or(0, |answer| answer.body.len()));
        if let Some(ahead) = answer.and_then(|answer| self.skew.learn(&answer.headers, sent, self.clock.now())) {
            self.metrics.skew(ahead.as_secs_f64());
        }
        let code = match &result {
            Ok(answer) if answer.status.is_success() => None,
            Ok(answer) => answer.json::<Value>().ok().as_ref().and_then(error_code),
            Err(error) => Some(error.kind().to_owned()),
        };
        let request_id = answer.and_then(|answer| request_id(&answer.headers));
        debug!(
            operation = operation.as_str(),
            status,
            code,
            graph.request_id = request_id,
            graph.client_request_id = client_request_id,
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            error = result.as_ref().err().map(tracing::field::display),
            cause = result.as_ref().err().and_then(|error| error.source()).map(tracing::field::display),
            "a request to Microsoft ended"
        );
        self.trail.note(Exchange {
            operation,
            method,
            target,
            status,
            code,
            request_id,
            client_request_id,
            resource_units: answer.and_then(|answer| budget::told_cost(&answer.headers)),
            took,
        });
        result
    }

    /// Time as Microsoft sees it, as far as is known.
    pub fn their_time(&self) -> Timestamp {
        let ahead = self.skew.ahead().unwrap_or_default();
        self.clock.now().checked_add(ahead).unwrap_or(Timestamp::MAX)
    }
}

/// The code of an error: of Microsoft Graph, or of the token endpoint with its number.
pub fn error_code(body: &Value) -> Option<String> {
    let error = body.get("error")?;
    let number = body.pointer("/error_codes/0").and_then(Value::as_u64);
    let code = match (error, number) {
        (Value::String(error), Some(number)) => format!("{error} AADSTS{number}"),
        (Value::String(error), None) => error.clone(),
        (error, _) => error.get("code")?.as_str()?.to_owned(),
    };
    Some(text::safe(&code))
}

/// Microsoft's name for a request: of Graph or of the token endpoint.
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("request-id").or_else(|| headers.get("x-ms-request-id"))?;
    Some(text::safe(id.to_str().ok()?))
}

/// The same of an item of a batch, which has no header for it: errors tell it in their body, under one of two spellings.
/// <https://learn.microsoft.com/en-us/graph/errors>
pub fn item_request_id(headers: &HeaderMap, body: Option<&Value>) -> Option<String> {
    let error = |body: &Value| {
        let inner = body.pointer("/error/innerError").or_else(|| body.pointer("/error/innererror"))?;
        inner.get("request-id")?.as_str().map(text::safe)
    };
    request_id(headers).or_else(|| body.and_then(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn g49_the_clock_is_off_only_by_what_no_delay_explains() {
        let (sent, received) = (at("2026-11-23T08:00:00.5Z"), at("2026-11-23T08:00:30Z"));
        for (date, expected) in [
            ("Mon, 23 Nov 2026 08:00:10 GMT", 0),
            ("Mon, 23 Nov 2026 08:00:00 GMT", 0),
            ("Mon, 23 Nov 2026 08:10:30 GMT", 600),
            ("Mon, 23 Nov 2026 07:49:59 GMT", -600),
        ] {
            let skew = Skew::default();
            let headers = HeaderMap::from_iter([(header::DATE, date.parse().unwrap())]);
            let ahead = skew.learn(&headers, sent, received).unwrap();
            assert_eq!(ahead.as_secs(), expected, "{date}");
            assert_eq!(skew.ahead().is_some(), expected != 0, "{date}");
            assert_eq!(skew.news().is_some(), expected != 0, "{date}");
            assert!(skew.news().is_none(), "told once");
        }
    }

    #[test]
    fn g49_a_date_that_is_none_says_nothing() {
        let skew = Skew::default();
        for date in ["", "yesterday", "2026-11-23T08:00:00Z"] {
            let headers = HeaderMap::from_iter([(header::DATE, date.parse().unwrap())]);
            assert_eq!(skew.learn(&headers, at("2026-11-23T09:00:00Z"), at("2026-11-23T09:00:00Z")), None, "{date}");
        }
    }
}
