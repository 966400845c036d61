//! Microsoft Graph v1.0: authentication, throttling, the way from a path to its noun, and the headers of answers.

mod route;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use super::answer::Answer;
use super::context::{Caller, Context, GraphRequest};
use super::directory::{MICROSOFT_GRAPH_APP_ID, Throttle};
use super::error::Refusal;
use super::odata;
use super::replica::View;
use super::request_log::{Item, Noted};
use super::throttle::Cost;
use super::{Emulator, batch, compression, deleted_item, identifier, is_read, signing, synchronization};

pub(super) use route::{Key, Named, Route};

/// Names the machine that answered; here it says that there is none.
const DIAGNOSTIC: &str =
    r#"{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"EMULATOR"}}"#;

/// Bodies larger than this are refused.
/// <https://learn.microsoft.com/graph/errors#http-status-codes>
pub(super) const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// What is said of a body that is no JSON, or not compressed as its header says.
const UNREADABLE: &str = "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.";

/// Whoever a token belongs to.
struct Admitted {
    tenant_id: String,
    caller: Caller,
    /// The refusal that everything meets, because the token was revoked.
    challenge: Option<Refusal>,
}

/// A refusal that meets whatever is asked.
struct Blanket {
    refusal: Refusal,
    /// Whether a batch is answered nonetheless, with the refusal in each item.
    reaches_items: bool,
}

/// A request on its way in: what a batch item and a request of its own have in common.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    pub(super) method: Method,
    /// Path and query after `/v1.0`.
    pub(super) target: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

impl Emulator {
    /// Answers one request under `/v1.0`.
    pub(super) fn graph(&mut self, now: Timestamp, parts: &Parts, body: &Bytes) -> Response<Bytes> {
        let request_id = self.identifiers.guid();
        let client_request_id = header(&parts.headers, "client-request-id").unwrap_or(&request_id).to_owned();
        let (caller, outcome, items) = match self.authenticate(now, &parts.headers) {
            Ok(Admitted { tenant_id, caller, challenge }) => {
                let blanket = self.blanket(&tenant_id, &caller, challenge);
                let (outcome, items) = match compression::expanded(&parts.headers, body) {
                    Some(body) => self.authenticated(now, &tenant_id, &caller, blanket, parts, &body),
                    None => (Err(Refusal::odata(UNREADABLE)), Vec::new()),
                };
                (Some((tenant_id, caller)), outcome, items)
            }
            Err(refusal) => (None, Err(refusal), Vec::new()),
        };
        let is_refused = outcome.is_err() && caller.is_some();
        let answer = outcome
            .unwrap_or_else(|refusal| refusal.answer(now, &request_id, &client_request_id))
            .with("client-request-id", client_request_id.clone())
            .with("x-ms-ags-diagnostic", DIAGNOSTIC);
        let answer = if is_refused { answer.with("x-ms-resource-unit", "1") } else { answer };
        let answer = if caller.is_some() { self.with_percentage(answer) } else { answer };
        let client = caller.as_ref().map(|(_, caller)| name_of(caller));
        let noted = Noted {
            status: answer.status,
            request_id: &request_id,
            client_request_id: Some(&client_request_id),
            tenant: caller.as_ref().map(|(tenant, _)| tenant.as_str()),
            client: client.as_deref(),
            items,
        };
        self.log.note(now, parts, noted);
        answer.render(now, &request_id)
    }

    /// A request by a person, asked for on the control surface: no token, no app role, no throttling.
    pub(super) fn graph_as(
        &mut self,
        now: Timestamp,
        tenant_id: &str,
        caller: &Caller,
        request: &Request<Bytes>,
    ) -> Answer {
        let request_id = self.identifiers.guid();
        let incoming = Incoming {
            method: request.method().clone(),
            target: target(request.uri()),
            headers: request.headers(),
            body: request.body(),
        };
        self.one(now, tenant_id, caller, &incoming)
            .unwrap_or_else(|refusal| refusal.answer(now, &request_id, &request_id))
    }

    fn authenticated(
        &mut self,
        now: Timestamp,
        tenant_id: &str,
        caller: &Caller,
        blanket: Option<Blanket>,
        parts: &Parts,
        body: &Bytes,
    ) -> (Result<Answer, Refusal>, Vec<Item>) {
        if body.len() > MAX_BODY_BYTES {
            return (Err(Refusal::too_large()), Vec::new());
        }
        let target = self.without_tenant(tenant_id, target(&parts.uri));
        let path = target.split('?').next().unwrap_or_default();
        let is_batch = path.trim_end_matches('/').eq_ignore_ascii_case("/$batch");
        let of_items = match blanket {
            Some(Blanket { refusal, reaches_items: true }) if is_batch => Some(refusal),
            Some(Blanket { refusal, .. }) => return (Err(refusal), Vec::new()),
            None => None,
        };
        if is_batch {
            if parts.method != Method::POST {
                return (Err(Refusal::method_not_allowed()), Vec::new());
            }
            return match batch::answer(self, now, tenant_id, caller, of_items.as_ref(), &parts.headers, body) {
                Ok((answer, items)) => (Ok(answer), items),
                Err(refusal) => (Err(refusal), Vec::new()),
            };
        }
        let incoming = Incoming { method: parts.method.clone(), target, headers: &parts.headers, body };
        let outcome = self.throttle(tenant_id, caller).and_then(|()| self.one(now, tenant_id, caller, &incoming));
        (outcome, Vec::new())
    }

    /// The target without the caller's own tenant before it, as in `/v1.0/{tenant}/applications`. The documentation has
    /// nothing of such paths; they come from Azure AD Graph, and Terraform's azuread provider used them for years:
    /// <https://github.com/manicminer/hamilton/blob/main/msgraph/client.go>. Batch items have no tenant.
    fn without_tenant<'a>(&self, tenant_id: &str, target: &'a str) -> &'a str {
        let first = target.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
        let domains = self.tenants.get(tenant_id).map(|tenant| tenant.domains.as_slice()).unwrap_or_default();
        let is_own = |name: &str| first.eq_ignore_ascii_case(name);
        if is_own(tenant_id) || domains.iter().any(|domain| is_own(domain)) {
            return target.trim_start_matches('/').get(first.len()..).unwrap_or_default();
        }
        target
    }

    /// What refuses everything this caller asks of this tenant, if anything does.
    fn blanket(&self, tenant_id: &str, caller: &Caller, challenge: Option<Refusal>) -> Option<Blanket> {
        let throttle = self.tenants.get(tenant_id).and_then(|tenant| tenant.throttle);
        match (challenge, throttle) {
            (Some(refusal), _) => Some(Blanket { refusal, reaches_items: self.knobs.challenge_batch_items }),
            (None, Some(Throttle { retry_after_seconds, reaches_items })) => {
                let refusal = Refusal::throttled(retry_after_seconds, scope(tenant_id, caller));
                Some(Blanket { refusal, reaches_items })
            }
            (None, None) => None,
        }
    }

    /// Adds how much of the limit is used up, if a knob says so.
    pub(super) fn with_percentage(&self, answer: Answer) -> Answer {
        match self.knobs.throttle_percentage {
            Some(percentage) => answer.with("x-ms-throttle-limit-percentage", percentage.to_string()),
            None => answer,
        }
    }

    /// Counts a request, and refuses every n-th.
    pub(super) fn throttle(&mut self, tenant_id: &str, caller: &Caller) -> Result<(), Refusal> {
        self.graph_requests += 1;
        let Some(every) = self.knobs.throttle_every.filter(|every| *every > 0) else {
            return Ok(());
        };
        let phase = identifier::hash(self.seed, &[b"throttle"]) % u64::from(every);
        if (self.graph_requests + phase).is_multiple_of(u64::from(every)) {
            return Err(Refusal::throttled(Some(self.knobs.retry_after_seconds), scope(tenant_id, caller)));
        }
        Ok(())
    }

    /// Answers one request or batch item of a known caller.
    pub(super) fn one(
        &mut self,
        now: Timestamp,
        tenant_id: &str,
        caller: &Caller,
        incoming: &Incoming<'_>,
    ) -> Result<Answer, Refusal> {
        let (path, raw_query) = incoming.target.split_once('?').unwrap_or((incoming.target, ""));
        let eventual =
            header(incoming.headers, "consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
        let request = GraphRequest {
            method: incoming.method.clone(),
            path: path.to_owned(),
            segments: odata::segments(path),
            query: odata::query(raw_query, eventual)?,
            prefer: header(incoming.headers, "prefer").unwrap_or_default().to_owned(),
            body: parse_body(incoming)?,
        };
        let Self { seed, public_url, knobs, identifiers, published, tenants, graph_requests, meter, .. } = self;
        let tenant = tenants
            .get_mut(tenant_id)
            .ok_or_else(|| Refusal::unauthenticated(public_url, "The tenant of the token is not in this emulator."))?;
        let cost = Cost::of(&request);
        let used = match caller {
            Caller::Application { app_id, .. } => meter.take(now, knobs, app_id, tenant_id, cost)?,
            Caller::Person(_) | Caller::Service => None,
        };
        deleted_item::purge(tenant, now, knobs, identifiers);
        synchronization::advance(tenant, now, knobs, identifiers);
        let replicas = u64::from(knobs.replicas.max(1));
        // The index is a store of its own, with delays of its own.
        // https://learn.microsoft.com/graph/aad-advanced-queries
        let number = if request.query.is_advanced() {
            replicas
        } else {
            identifier::hash(*seed, &[b"copy", &graph_requests.to_le_bytes()]) % replicas
        };
        let correlation_id = identifiers.guid();
        let mut context = Context {
            now,
            seed: *seed,
            knobs,
            public_url,
            published,
            tenant,
            identifiers,
            caller,
            view: View::Copy { now, number, seed: *seed },
            correlation_id,
            user_agent: header(incoming.headers, "user-agent").unwrap_or_default().to_owned(),
        };
        let percentage =
            used.map(|used| ("x-ms-throttle-limit-percentage", format!("{}.{:02}", used / 100, used % 100)));
        match route::route(&mut context, &request) {
            Ok(mut answer) => {
                answer.headers.extend(percentage);
                Ok(answer.with("x-ms-resource-unit", cost.units.to_string()))
            }
            Err(mut refusal) => {
                refusal.headers.extend(percentage);
                Err(refusal)
            }
        }
    }

    /// Finds tenant and caller by the token, and whether the token still counts.
    fn authenticate(&self, now: Timestamp, headers: &HeaderMap) -> Result<Admitted, Refusal> {
        let refuse = |message: &str| Refusal::unauthenticated(&self.public_url, message);
        let authorization = header(headers, "authorization").unwrap_or_default();
        let token = authorization.strip_prefix("Bearer ").or_else(|| authorization.strip_prefix("bearer "));
        let token = token.filter(|token| !token.is_empty()).ok_or_else(|| refuse("Access token is empty."))?;
        let claims = signing::verify(token, now, &self.public_url).map_err(|message| refuse(&message))?;
        let tenant =
            self.tenants.get(&claims.tid).ok_or_else(|| refuse("The tenant of the token is not in this emulator."))?;
        let principal = tenant.live_principal(View::Truth, &claims.oid).ok_or_else(|| {
            let message = "The identity of the calling application could not be established.";
            Refusal::new(StatusCode::UNAUTHORIZED, "Authorization_IdentityNotFound", message)
        })?;
        let display_name = super::directory::text(principal, "displayName").to_owned();
        let can_be_challenged = !self.knobs.challenge_needs_capability || !claims.xms_cc.is_empty();
        let since = tenant.revocations.get(&claims.appid.to_ascii_lowercase());
        let since = since.filter(|since| claims.nbf < **since && can_be_challenged);
        let challenge = since.map(|since| Refusal::challenged(&self.public_url, *since));
        let roles = claims.roles.into_iter().collect();
        let caller = Caller::Application { app_id: claims.appid, principal_id: claims.oid, display_name, roles };
        Ok(Admitted { tenant_id: claims.tid, caller, challenge })
    }
}

/// Whose limit is reached, as the documentation lays it out.
/// <https://learn.microsoft.com/graph/throttling-limits#throttled-responses-requests>
fn scope(tenant_id: &str, caller: &Caller) -> String {
    match caller {
        Caller::Application { app_id, .. } => format!("Tenant_Application/ReadWrite/{app_id}/{tenant_id}"),
        Caller::Person(_) | Caller::Service => format!("Tenant/ReadWrite/{MICROSOFT_GRAPH_APP_ID}/{tenant_id}"),
    }
}

fn parse_body(incoming: &Incoming<'_>) -> Result<Option<Value>, Refusal> {
    if is_read(&incoming.method) || incoming.body.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(incoming.body).map(Some).map_err(|_| Refusal::odata(UNREADABLE))
}

/// Path and query after `/v1.0`.
fn target(uri: &http::Uri) -> &str {
    let whole = uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    let trimmed = whole.trim_start_matches('/');
    trimmed.find('/').and_then(|start| trimmed.get(start..)).unwrap_or_default()
}

/// How the log names a caller.
pub(super) fn name_of(caller: &Caller) -> String {
    match caller {
        Caller::Application { app_id, .. } => app_id.clone(),
        Caller::Person(person) => person.user_principal_name.clone(),
        Caller::Service => "service".to_owned(),
    }
}

/// A header as text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
