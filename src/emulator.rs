//! A tenant in memory that answers like Microsoft Graph v1.0 and the Entra token endpoint.
//!
//! It is written from Microsoft's documentation alone and shares no type and no constant with the rest of this crate:
//! a misreading must not be made once for both sides.
//! There is no socket, no clock and no global randomness in here. Time is an argument, every choice is seeded, and
//! the same calls give the same answers. Only [`server`] opens sockets.
//!
//! `FIDELITY.md` lists what is as documented, what is approximate, what is missing and what nobody outside Microsoft
//! knows. Nothing here was ever compared with the live service.

mod answer;
mod app_role_assignment;
mod application;
mod application_template;
mod assigned_policy;
mod batch;
mod certificate;
mod collection;
mod compression;
mod consent;
mod context;
mod control;
mod deleted_item;
mod delta;
mod directory;
mod directory_audit;
mod directory_object;
mod discovery;
mod domain;
mod error;
mod expand;
mod federated_identity_credential;
mod filter;
mod graph;
mod identifier;
mod key_credential;
mod knob;
mod oauth2_permission_grant;
mod odata;
mod organization;
mod origin;
mod owner;
mod page_token;
mod password;
mod permission;
mod permission_classification;
mod provisioning_log;
mod replica;
mod request_log;
mod resource_manager;
mod scenario;
mod schema;
mod search;
pub mod server;
mod service_principal;
mod signing;
mod synchronization;
mod throttle;
mod token;
mod token_signing;
mod unknown;
mod witness;

pub use knob::{JobChangesTarget, Knobs, RestoreActivity};
pub use scenario::{
    AppRoleAssignment, Application, ClientCertificate, ClientSecret, Credentials, FederatedCredential, Loaded,
    OAuth2PermissionGrant, Ownership, Person, Scenario, ScenarioError, ServicePrincipal, Tenant, TrustedIssuer,
};
pub use synchronization::{ProvisioningTarget, QuarantineReason, TargetCredentials};
pub use throttle::TenantSize;
pub use unknown::{Setting, UNKNOWNS, Unknown, markdown as unknowns_markdown};

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use answer::Answer;
use directory::{Properties, TenantState};
use discovery::{Document, Version};
use identifier::Identifiers;
use request_log::RequestLog;
use resource_manager::List;
use witness::Witness;

/// How an emulator is made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Same seed and same calls, same answers: identifiers, delays, order of batch answers.
    pub seed: u64,
    /// Where the public surface is reached, such as `http://127.0.0.1:8080`, without a slash at the end.
    /// It stands in `@odata.nextLink`, in `error_uri` and in the issuer of tokens.
    pub public_url: String,
    /// How awkward it is.
    pub knobs: Knobs,
}

/// The tenants of one emulated cloud, and everything that was asked of it.
#[derive(Debug)]
pub struct Emulator {
    seed: u64,
    /// Where it is reached, as it was told.
    configured_url: String,
    /// Where the request in hand was sent: the same, or another name of the emulator.
    public_url: String,
    knobs: Knobs,
    clock_offset: SignedDuration,
    identifiers: Identifiers,
    published: BTreeMap<String, Properties>,
    tenants: BTreeMap<String, TenantState>,
    log: RequestLog,
    meter: throttle::Meter,
    graph_requests: u64,
    witness: Witness,
}

impl Emulator {
    /// An emulator without a tenant.
    pub fn new(settings: Settings) -> Self {
        let Settings { seed, public_url, knobs } = settings;
        Self {
            seed,
            configured_url: public_url.clone(),
            public_url,
            knobs,
            clock_offset: SignedDuration::ZERO,
            identifiers: Identifiers::new(seed),
            published: BTreeMap::new(),
            tenants: BTreeMap::new(),
            log: RequestLog::default(),
            meter: throttle::Meter::default(),
            graph_requests: 0,
            witness: Witness::default(),
        }
    }

    /// Adds the tenant of a scenario, or replaces the tenant of the same id.
    ///
    /// What a scenario brings is old: reads see it at once and no audit record is written for it.
    pub fn load(&mut self, now: Timestamp, scenario: &Scenario) -> Result<Loaded, ScenarioError> {
        let now = self.time(now);
        let built = scenario.under(&self.knobs).build(now, &mut self.identifiers)?;
        self.published.extend(built.published);
        self.tenants.insert(built.tenant.id.clone(), built.tenant);
        Ok(built.loaded)
    }

    /// Shows each public request and its answer to a function from now on, which is how the answers that tests cause
    /// are held against Microsoft's description.
    pub fn witnessed_by(&mut self, look: impl FnMut(&Request<Bytes>, &Response<Bytes>) + Send + 'static) {
        self.witness = Witness::new(Box::new(look));
    }

    /// What Microsoft would answer: token endpoint, admin consent page and Microsoft Graph.
    pub fn handle(&mut self, now: Timestamp, request: Request<Bytes>) -> Response<Bytes> {
        if !self.witness.is_present() {
            return self.answer(now, request);
        }
        let response = self.answer(now, request.clone());
        self.witness.see(&request, &response);
        response
    }

    fn answer(&mut self, now: Timestamp, request: Request<Bytes>) -> Response<Bytes> {
        let now = self.time(now);
        let (parts, body) = request.into_parts();
        self.public_url = origin::of(&parts, &self.configured_url);
        let path = parts.uri.path().to_owned();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        match lower.as_slice() {
            [] => self.plain(now, &parts, Answer::json(StatusCode::OK, self.about())),
            ["v1.0", ..] => self.graph(now, &parts, &body),
            [tenant, "oauth2", "v2.0", "token"] => self.token(now, tenant, Version::Two, &parts, &body),
            [tenant, "oauth2", "token"] => self.token(now, tenant, Version::One, &parts, &body),
            [tenant, "v2.0", ".well-known", "openid-configuration"] => {
                self.discover(now, Document::OpenId { tenant, version: Version::Two }, &parts)
            }
            [tenant, ".well-known", "openid-configuration"] => {
                self.discover(now, Document::OpenId { tenant, version: Version::One }, &parts)
            }
            [tenant, "discovery", "keys"] | [tenant, "discovery", "v2.0", "keys"] => {
                self.discover(now, Document::Keys { tenant }, &parts)
            }
            ["common", "discovery", "instance"] => self.discover(now, Document::Instance, &parts),
            ["subscriptions"] => self.resource_manager(now, List::Subscriptions, &parts),
            ["tenants"] => self.resource_manager(now, List::Tenants, &parts),
            ["metadata", "endpoints"] => self.discover(now, Document::Endpoints, &parts),
            [tenant, "adminconsent"] => self.admin_consent(now, tenant, &parts, &body),
            _ => {
                let message = "The emulator answers at /v1.0, /{tenant}/oauth2/v2.0/token, /{tenant}/adminconsent and the discovery documents; GET / names them.";
                let answer =
                    Answer::json(StatusCode::NOT_FOUND, json!({"error": {"code": "NotFound", "message": message}}));
                self.plain(now, &parts, answer)
            }
        }
    }

    /// What only the owner of the test may ask: knobs, clock, tenants, the log and the truth.
    pub fn control(&mut self, now: Timestamp, request: Request<Bytes>) -> Response<Bytes> {
        let inner = self.time(now);
        for tenant in self.tenants.values_mut() {
            deleted_item::purge(tenant, inner, &self.knobs, &mut self.identifiers);
            synchronization::advance(tenant, inner, &self.knobs, &mut self.identifiers);
        }
        let (parts, body) = request.into_parts();
        control::answer(self, now, &parts, &body)
    }

    /// Says what this is to someone who opens the base address in a browser.
    fn about(&self) -> serde_json::Value {
        json!({
            "emulator": "pretends to be Microsoft Graph v1.0 and the Entra token endpoint, for tests; it is not Microsoft",
            "graph": format!("{}/v1.0", self.public_url),
            "token": format!("{}/{{tenant}}/oauth2/v2.0/token", self.public_url),
            "adminConsent": format!("{}/{{tenant}}/adminconsent?client_id={{appId}}", self.public_url),
            "openIdConfiguration": format!("{}/{{tenant}}/v2.0/.well-known/openid-configuration", self.public_url),
            "cloudMetadata": format!("{}/metadata/endpoints?api-version=2022-09-01", self.public_url),
            "tenants": self.tenants.keys().collect::<Vec<_>>(),
        })
    }

    /// Logs an answer that belongs to no API and renders it.
    fn plain(&mut self, now: Timestamp, parts: &http::request::Parts, answer: Answer) -> Response<Bytes> {
        let request_id = self.identifiers.guid();
        self.log.note(
            now,
            parts,
            request_log::Noted { status: answer.status, request_id: &request_id, ..Default::default() },
        );
        answer.render(now, &request_id)
    }

    /// The emulator's own time: the caller's, moved forward by the control surface.
    fn time(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.clock_offset).unwrap_or(Timestamp::MAX)
    }

    /// The tenant a path segment names, by id or by verified domain.
    fn tenant_id_named(&self, name: &str) -> Option<String> {
        if self.tenants.contains_key(name) {
            return Some(name.to_owned());
        }
        let has_domain = |tenant: &&TenantState| tenant.domains.iter().any(|domain| domain.eq_ignore_ascii_case(name));
        self.tenants.values().find(has_domain).map(|tenant| tenant.id.clone())
    }
}

/// Whether the method reads only.
fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}
