//! Transcripts: what was asked in one look and how it was answered, without secrets, ids and names, so that somebody who
//! owns a live tenant can send it, and so that it can be looked at again.
//!
//! `recorder` keeps what passes the seam `Transport`; `redaction` makes a transcript of it, in which only what is known
//! to be harmless stands as it was; `replay` is a transport that answers from a transcript. A look over a transcript
//! comes to the same verdict as the look that was recorded.

mod challenge;
mod public;
mod recorder;
mod redaction;
mod replay;
mod secret;
mod shape;
mod time;
mod verdict;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{AppId, WebexAzureIntegrationSpec};

pub use recorder::{Recorder, Taken};
pub use redaction::{Circumstances, Redaction, Replaced};
pub use replay::{NotAsRecorded, Replay};
pub use verdict::{JudgedApplication, JudgedCondition, JudgedDrift, Verdict};

/// The form of transcripts that this version writes and reads.
pub const FORMAT: u32 = 1;

/// One look, recorded and redacted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Transcript {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the program that recorded it.
    pub recorded_by: String,
    /// When the look began; all times are moved together so that this is the first of January 2020.
    pub began: Timestamp,
    /// When the verdict was reached.
    pub decided: Timestamp,
    /// Applications for which consent links were allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consent_link_app_ids: Vec<AppId>,
    /// What was declared.
    pub spec: WebexAzureIntegrationSpec,
    /// Why nothing was asked at all, if the credential itself stood in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_before: Option<String>,
    /// What was asked, in order.
    pub exchanges: Vec<Exchange>,
    /// What the look came to.
    pub verdict: Verdict,
}

/// A request and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exchange {
    /// What was asked.
    pub request: Request,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub milliseconds: u64,
}

/// A request, without what proves who asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Whom it was sent to.
    pub host: Host,
    /// Path and query.
    pub target: String,
    /// Its headers by name, with the value where that is the same for everyone.
    pub headers: BTreeMap<String, Option<String>>,
    /// Its body: the fields of a form, or the items of a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// Whom a request is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Host {
    /// The token endpoint.
    Login,
    /// Microsoft Graph.
    Graph,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// An answer.
    Answer(Answer),
    /// None.
    Failure(Failure),
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Failure {
    /// No connection, or it broke.
    Connection,
    /// The proxy opened no way.
    Proxy,
    /// The other side did not prove who it is.
    Tls,
    /// Nothing came for as long as was waited.
    Silence,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Those of its headers that may be told.
    pub headers: BTreeMap<String, Vec<String>>,
    /// How many others there were.
    pub other_headers: usize,
    /// Its body.
    pub body: Content,
}

/// A body as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    /// JSON.
    Json(Value),
    /// Nothing.
    Empty,
    /// Something else.
    NotJson,
    /// It was not read, because of what the head said.
    NotRead,
    /// It broke off.
    BrokeOff,
    /// It ended before the length that was announced.
    ShorterThanAnnounced,
    /// It was larger than any that is read to its end.
    TooLarge,
    /// It did not end for as long as was waited.
    Late,
}
