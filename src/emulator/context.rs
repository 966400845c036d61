//! What a Graph operation may use: its tenant, its caller, its time. Made anew for each request and each batch item.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use super::directory::{self, Properties, TenantState};
use super::error::Refusal;
use super::identifier::Identifiers;
use super::knob::Knobs;
use super::odata::{Query, Segment};
use super::replica::{Moment, View};
use super::scenario::Person;

/// Surroundings of one operation.
pub(super) struct Context<'a> {
    pub(super) now: Timestamp,
    /// The emulator's seed.
    pub(super) seed: u64,
    pub(super) knobs: &'a Knobs,
    pub(super) public_url: &'a str,
    /// Applications registered elsewhere that any tenant may use, by appId.
    pub(super) published: &'a BTreeMap<String, Properties>,
    pub(super) tenant: &'a mut TenantState,
    pub(super) identifiers: &'a mut Identifiers,
    pub(super) caller: &'a Caller,
    /// The copy of the directory this request meets.
    pub(super) view: View,
    pub(super) correlation_id: String,
    pub(super) user_agent: String,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// An application with its own token.
    Application { app_id: String, principal_id: String, display_name: String, roles: BTreeSet<String> },
    /// A signed-in administrator, who may do everything.
    Person(Person),
    /// The service itself: purging, just-in-time work.
    Service,
}

/// One Graph request, already taken apart.
#[derive(Debug, Clone)]
pub(super) struct GraphRequest {
    pub(super) method: Method,
    /// As it was sent, with `/v1.0` and without the query; for `@odata.nextLink`.
    pub(super) path: String,
    pub(super) segments: Vec<Segment>,
    pub(super) query: Query,
    pub(super) prefer: String,
    pub(super) body: Option<Value>,
}

impl GraphRequest {
    /// The body, which has to be an object.
    pub(super) fn object(&self) -> Result<&Properties, Refusal> {
        self.body.as_ref().and_then(Value::as_object).ok_or_else(|| {
            Refusal::odata(
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            )
        })
    }
}

impl Context<'_> {
    /// The time stamp of a write.
    pub(super) fn moment(&self) -> Moment {
        directory::moment(self.now, self.knobs)
    }

    /// The application behind an appId: registered here, or published by another tenant.
    pub(super) fn backing_application(&self, app_id: &str) -> Option<&Properties> {
        let here = self.tenant.application_of(View::Truth, app_id).map(|(_, application)| application);
        here.or_else(|| self.published.get(&app_id.to_ascii_lowercase()))
    }
}
