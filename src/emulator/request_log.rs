//! The log of public requests. Never holds a body, a secret or a token.

use std::collections::VecDeque;

use http::request::Parts;
use http::{StatusCode, Uri};
use jiff::Timestamp;
use serde::Serialize;

/// Requests kept: enough for a long test, little enough for a long demonstration (about 10 MB).
const CAPACITY: usize = 20_000;

/// What was asked, in order.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    entries: VecDeque<Entry>,
    count: u64,
}

/// One request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    /// Counts from one.
    n: u64,
    time: String,
    method: String,
    /// With the query, but without values that could be secrets.
    path: String,
    status: u16,
    tenant: Option<String>,
    /// appId of the caller, or the name of the person.
    client: Option<String>,
    request_id: String,
    client_request_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<Item>,
}

/// One item of a batch.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) status: u16,
}

/// What is known of a request besides its own lines.
#[derive(Debug, Default)]
pub(super) struct Noted<'a> {
    pub(super) status: StatusCode,
    pub(super) request_id: &'a str,
    pub(super) client_request_id: Option<&'a str>,
    pub(super) tenant: Option<&'a str>,
    pub(super) client: Option<&'a str>,
    pub(super) items: Vec<Item>,
}

impl RequestLog {
    pub(super) fn note(&mut self, now: Timestamp, parts: &Parts, noted: Noted<'_>) {
        let Noted { status, request_id, client_request_id, tenant, client, items } = noted;
        self.count += 1;
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            n: self.count,
            time: now.to_string(),
            method: parts.method.to_string(),
            path: shown(&parts.uri),
            status: status.as_u16(),
            tenant: tenant.map(str::to_owned),
            client: client.map(str::to_owned),
            request_id: request_id.to_owned(),
            client_request_id: client_request_id.map(str::to_owned),
            items,
        });
    }

    /// Requests after the n-th.
    pub(super) fn since(&self, n: u64) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| entry.n > n).collect()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Path and query; someone may have put a secret into a query by mistake, so only OData options keep their values.
fn shown(uri: &Uri) -> String {
    let Some(query) = uri.query() else {
        return uri.path().to_owned();
    };
    let parts: Vec<String> = query
        .split('&')
        .map(|part| match part.split_once('=') {
            Some((name, _)) if !is_harmless(name) => format!("{name}=…"),
            _ => part.to_owned(),
        })
        .collect();
    format!("{}?{}", uri.path(), parts.join("&"))
}

fn is_harmless(name: &str) -> bool {
    name.starts_with('$') || name.starts_with("%24") || name == "client_id"
}
