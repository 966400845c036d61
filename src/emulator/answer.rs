//! An answer before it becomes bytes. Knows nothing of what it says.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::Value;

/// Content type of Graph's successful answers, as the batch documentation shows it.
pub(super) const GRAPH_JSON: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// Status, headers and body.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Content,
}

/// What an answer carries.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Empty,
    Json(Value),
    Html(String),
}

impl Answer {
    /// A JSON document of any kind.
    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Content::Json(body) }
    }

    /// A successful answer of Graph with a body.
    pub(super) fn graph(status: StatusCode, body: Value) -> Self {
        let headers = vec![("odata-version", "4.0".to_owned()), (CONTENT_TYPE_NAME, GRAPH_JSON.to_owned())];
        Self { status, headers, body: Content::Json(body) }
    }

    /// 204.
    pub(super) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: Content::Empty }
    }

    /// A page for people.
    pub(super) fn html(status: StatusCode, page: String) -> Self {
        Self { status, headers: Vec::new(), body: Content::Html(page) }
    }

    /// The same answer with one more header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer as bytes, with the headers that every answer has.
    pub(super) fn render(self, now: Timestamp, request_id: &str) -> Response<Bytes> {
        let Self { status, headers, body } = self;
        let (content_type, bytes) = match body {
            Content::Empty => (None, Bytes::new()),
            Content::Json(value) => (Some("application/json; charset=utf-8"), Bytes::from(value.to_string())),
            Content::Html(page) => (Some("text/html; charset=utf-8"), Bytes::from(page)),
        };
        let mut response = Response::new(bytes);
        *response.status_mut() = status;
        let map = response.headers_mut();
        map.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Some(content_type) = content_type {
            map.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default();
        let standing = [(DATE.as_str(), date.as_str()), ("request-id", request_id)];
        let own = headers.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in standing.into_iter().chain(own) {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                map.insert(name, value);
            }
        }
        response
    }
}

const CONTENT_TYPE_NAME: &str = "content-type";
