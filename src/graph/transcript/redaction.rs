//! What a transcript shows in place of what was asked and answered.
//!
//! Everything is replaced that is not known to be harmless: ids by ids that tell only whether two are the same, texts by
//! `text-0001` and so on, times by times as far apart. What was the same stays the same, in addresses, bodies, headers
//! and the spec alike; what was empty stays empty, and what had a type keeps it. So the look comes to the same verdict.

mod address;
mod header;
mod sentence;
mod spec;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::{
    Answer, Content, Exchange, FORMAT, Outcome, Request, Transcript, Verdict, challenge, public,
    recorder::{self, End, Reply, Taken},
    secret,
    time::Shift,
};
use crate::{
    api::{AppId, WebexAzureIntegrationSpec, WebexAzureIntegrationStatus},
    domain::{Desired, Observation, cloud::Endpoints},
    graph::wire,
};

/// The greatest number that stays; the longest codes of the token endpoint have seven digits.
const NUMBER_MAX: i64 = 999_999_999;

/// Everything that a transcript is made of besides what passed the seam.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The spec of the object.
    pub spec: &'a WebexAzureIntegrationSpec,
    /// The same, checked.
    pub desired: &'a Desired,
    /// Where was asked.
    pub endpoints: &'a Endpoints,
    /// Applications for which consent links were allowed.
    pub linkable: &'a [AppId],
    /// When the look began.
    pub began: Timestamp,
    /// When the verdict was reached.
    pub decided: Timestamp,
    /// What was seen.
    pub observation: &'a Observation,
    /// The verdict.
    pub status: &'a WebexAzureIntegrationStatus,
}

/// How much was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replaced {
    /// Different ids.
    pub ids: usize,
    /// Different texts.
    pub texts: usize,
    /// Times, each time that one stands there.
    pub times: usize,
    /// Headers that are left out.
    pub headers: usize,
}

/// What stands for what in one transcript. It holds the originals, and does not print.
pub struct Redaction {
    shift: Shift,
    own: Endpoints,
    published: Endpoints,
    ids: BTreeMap<u128, String>,
    texts: BTreeMap<String, String>,
    times: usize,
    headers: usize,
}

impl Transcript {
    /// The transcript of a look.
    pub fn of(circumstances: Circumstances<'_>, taken: Taken) -> (Self, Replaced) {
        let Circumstances { spec, desired, endpoints, linkable, began, decided, observation, status } = circumstances;
        let mut redaction = Redaction::new(began, endpoints, desired);
        let stopped_before = match observation {
            Observation::Blocked(obstacle) if taken.is_empty() => Some(obstacle.reason.as_str().to_owned()),
            Observation::Blocked(_) | Observation::Looked(_) => None,
        };
        let transcript = Self {
            format: FORMAT,
            recorded_by: env!("CARGO_PKG_VERSION").to_owned(),
            began: redaction.shift.timestamp(began),
            decided: redaction.shift.timestamp(decided),
            consent_link_app_ids: linkable
                .iter()
                .filter_map(|id| redaction.id(&id.to_string())?.parse().ok())
                .collect(),
            spec: redaction.spec(spec),
            stopped_before,
            exchanges: taken.0.into_iter().map(|exchange| redaction.exchange(exchange)).collect(),
            verdict: Verdict::of(status, |name| redaction.text(name)),
        };
        (transcript, redaction.replaced())
    }
}

impl Redaction {
    /// Nothing is replaced yet, except that what is declared comes first, in its order: pseudonyms sort like their
    /// originals, so that what is listed in order stays in that order.
    fn new(began: Timestamp, own: &Endpoints, desired: &Desired) -> Self {
        let mut redaction = Self {
            shift: Shift::of(began),
            own: own.clone(),
            published: Endpoints::of(desired.cloud),
            ids: BTreeMap::new(),
            texts: BTreeMap::new(),
            times: 0,
            headers: 0,
        };
        let resources = desired.applications.iter().flat_map(|application| &application.required);
        let resources = resources.map(|permission| permission.resource);
        redaction.declared(desired.applications.iter().map(|application| application.app_id).chain(resources));
        for application in &desired.applications {
            redaction.text(&application.name);
        }
        let required = desired.applications.iter().flat_map(|application| &application.required);
        let mut permissions: Vec<String> = required.map(|permission| permission.name.to_string()).collect();
        permissions.sort_unstable();
        for permission in permissions {
            redaction.text(&permission);
        }
        redaction
    }

    /// The applications that are declared are asked for in the order of their ids, also beside those whose id stays: what
    /// stands for an id that comes after such a one begins with the next number.
    fn declared(&mut self, applications: impl Iterator<Item = AppId>) {
        let mut ids: Vec<Uuid> = applications.filter_map(|id| id.to_string().parse().ok()).collect();
        ids.sort();
        let mut begins = 0_u32;
        for id in ids {
            if public::is_id(id.as_u128()) {
                begins = id.as_fields().0.saturating_add(1);
            } else {
                self.pseudonym(id, begins);
            }
        }
    }

    /// What stands for this id.
    fn pseudonym(&mut self, id: Uuid, begins: u32) -> String {
        let next = self.ids.len() + 1;
        let stands = self.ids.entry(id.as_u128()).or_insert_with(|| format!("{begins:08x}-0000-4000-8000-{next:012}"));
        stands.clone()
    }

    fn replaced(&self) -> Replaced {
        Replaced { ids: self.ids.len(), texts: self.texts.len(), times: self.times, headers: self.headers }
    }

    /// What stands for this id, if it is one. Upper and lower case make no difference to an id.
    pub(super) fn id(&mut self, text: &str) -> Option<String> {
        let is_hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
        let id = Uuid::try_parse(text).ok().filter(|_| is_hyphenated)?;
        if public::is_id(id.as_u128()) {
            return Some(id.to_string());
        }
        Some(self.pseudonym(id, 0))
    }

    /// What stands for this text.
    pub(super) fn text(&mut self, text: &str) -> String {
        if text.is_empty() || public::is_text(text) || public::is_permission(text) {
            return text.to_owned();
        }
        if let Some(id) = self.id(text) {
            return id;
        }
        let next = self.texts.len() + 1;
        self.texts.entry(text.to_owned()).or_insert_with(|| format!("text-{next:04}")).clone()
    }

    /// The time that this text is, moved.
    fn time(&mut self, text: &str) -> Option<String> {
        let moved = self.shift.text(text)?;
        self.times += 1;
        Some(moved)
    }

    /// A time in seconds since 1970, moved.
    pub(super) fn seconds(&mut self, seconds: &Number) -> Value {
        self.times += 1;
        seconds.as_i64().map_or(0, |seconds| self.shift.seconds(seconds)).into()
    }

    /// An error code, if it is made of words that say nothing of whoever uses them.
    pub(super) fn code(&mut self, text: &str) -> String {
        if public::is_code(text) { text.to_owned() } else { self.text(text) }
    }

    /// What stands for this value of this property.
    pub(super) fn value(&mut self, property: Option<&str>, value: Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value,
            Value::Number(number) if property.is_some_and(public::is_number) => bounded(&number),
            Value::Number(number) if property.is_some_and(public::is_count) => sign(&number),
            Value::Number(_) => 0.into(),
            Value::String(text) => self.string(property.unwrap_or_default(), &text),
            Value::Array(items) => items.into_iter().map(|item| self.value(property, item)).collect(),
            Value::Object(fields) if property == Some("headers") => self.item_headers(fields).into(),
            Value::Object(fields) => self.fields(fields).into(),
        }
    }

    /// Names of properties that nobody published may be data, and are replaced like it.
    fn fields(&mut self, fields: Map<String, Value>) -> Map<String, Value> {
        let redacted = fields.into_iter().map(|(name, value)| {
            let value = self.value(Some(&name), value);
            (if public::is_name(&name) { name } else { self.text(&name) }, value)
        });
        redacted.collect()
    }

    fn string(&mut self, property: &str, text: &str) -> Value {
        if text.is_empty() {
            return text.into();
        }
        if property == secret::ACCESS_TOKEN {
            return secret::facts(text, self);
        }
        let is_short_number = text.len() <= 9 && text.chars().all(|c| c.is_ascii_digit());
        let is_duration = property == "interval" && public::is_duration(text);
        if is_duration || public::is_member(property, text) || (public::is_number(property) && is_short_number) {
            return text.into();
        }
        if let Some(stands) = self.id(text).or_else(|| self.time(text)) {
            return stands.into();
        }
        let stands = match property {
            "id" => self.item_name(text),
            "scope" => self.scopes(text),
            "code" | "error" | "suberror" => self.code(text),
            "message" | "error_description" => self.sentence(text),
            "claims" => challenge::redacted_claims(text, self),
            "preferredTokenSigningKeyThumbprint" | "customKeyIdentifier" => self.thumbprint(text),
            "oldValue" | "newValue" => self.inside(text),
            "@odata.nextLink" => self.next_link(text),
            "@odata.context" | "@odata.id" | "error_uri" => self.address(text),
            "@odata.type" | "target" => self.words(text),
            _ => self.text(text),
        };
        stands.into()
    }

    /// Our name for an item of a batch: what it asks for, and the application or object. Any other id is a text.
    fn item_name(&mut self, text: &str) -> String {
        const KINDS: [&str; 13] = [
            "principal",
            "whole",
            "roles",
            "grants",
            "assigned",
            "jobs",
            "resource",
            "names",
            "candidate",
            "servicePrincipal",
            "application",
            "registration",
            "audit",
        ];
        const ALONE: [&str; 3] = ["named", "owned", "created"];
        let (kind, id) = text.split_once(' ').unwrap_or((text, ""));
        let is_number = kind == "audit" && id.len() <= 2 && id.chars().all(|c| c.is_ascii_digit());
        match self.id(id) {
            Some(id) if KINDS.contains(&kind) => format!("{kind} {id}"),
            None if is_number || ALONE.contains(&text) => text.to_owned(),
            Some(_) | None => self.text(text),
        }
    }

    /// What stands for a thumbprint, however it is written: another one. What is none is a text.
    fn thumbprint(&mut self, text: &str) -> String {
        let Some(thumbprint) = wire::thumbprint(text) else { return self.text(text) };
        let next = self.texts.len() + 1;
        self.texts.entry(thumbprint).or_insert_with(|| format!("{next:040X}")).clone()
    }

    /// What stands for JSON in a text, with its form.
    fn inside(&mut self, text: &str) -> String {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => self.value(None, value).to_string(),
            Err(_) => self.text(text),
        }
    }

    /// The values of a grant, with the spaces between them.
    fn scopes(&mut self, text: &str) -> String {
        let parts = text.split_inclusive(char::is_whitespace).map(|part| {
            let value = part.trim_end();
            let space = if value.len() < part.len() { " " } else { "" };
            self.text(value) + space
        });
        parts.collect()
    }

    fn exchange(&mut self, exchange: recorder::Exchange) -> Exchange {
        let recorder::Exchange { request, reply, milliseconds } = exchange;
        let request = self.request(request);
        let outcome = match reply {
            Reply::Failure(failure) => Outcome::Failure(failure),
            Reply::Answer { status, headers, body, end } => {
                let (told, other_headers) = self.headers(&headers);
                let body = match end {
                    End::NotRead => Content::NotRead,
                    End::BrokeOff => Content::BrokeOff,
                    End::TooLarge => Content::TooLarge,
                    End::Reading => Content::Late,
                    End::Whole if header::announces_other_than(&headers, body.len()) => Content::ShorterThanAnnounced,
                    End::Whole if body.is_empty() => Content::Empty,
                    End::Whole => serde_json::from_slice(&body)
                        .map_or(Content::NotJson, |value| Content::Json(self.value(None, value))),
                };
                Outcome::Answer(Answer { status: status.as_u16(), headers: told, other_headers, body })
            }
        };
        Exchange { request, outcome, milliseconds }
    }

    fn request(&mut self, request: Request) -> Request {
        let Request { method, host, target, headers, body } = request;
        let body = body.map(|mut body| {
            if let Some(items) = body.get_mut("requests").and_then(Value::as_array_mut) {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| self.item(item));
                return body;
            }
            self.form(body)
        });
        Request { method, host, target: self.target(&target), headers, body }
    }

    /// An item of a batch that we sent; its headers are ours.
    fn item(&mut self, item: &mut Map<String, Value>) {
        for (name, value) in item.iter_mut().filter(|(name, _)| *name != "headers") {
            if let Value::String(text) = value {
                *text = match name.as_str() {
                    "id" => self.item_name(text),
                    "url" => self.target(text),
                    _ => self.text(text),
                };
            }
        }
    }

    /// The fields of a token request.
    fn form(&mut self, body: Value) -> Value {
        let Value::Object(fields) = body else { return Value::Null };
        let redacted = fields.into_iter().map(|(name, value)| {
            let text = value.as_str().unwrap_or_default();
            let stands = match name.as_str() {
                "scope" => self.address(text),
                "claims" => challenge::redacted_claims(text, self),
                _ => self.text(text),
            };
            (name, stands.into())
        });
        Value::Object(redacted.collect())
    }
}

/// Whether there are any.
fn sign(number: &Number) -> Value {
    number.as_i64().map_or(0, i64::signum).into()
}

/// The number, if it is a whole one of the size that statuses, codes, lifetimes and counts have.
fn bounded(number: &Number) -> Value {
    match number.as_i64() {
        Some(whole) => whole.clamp(-NUMBER_MAX, NUMBER_MAX).into(),
        None if number.is_f64() => 0.5.into(),
        None => NUMBER_MAX.into(),
    }
}

#[cfg(test)]
mod tests;
