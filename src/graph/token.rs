//! Access tokens: fetched with the operator's own credential, kept as long as they last, never shared between objects
//! that could not have fetched them themselves.

mod claims;
mod refusal;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use tracing::debug;

use super::{
    assertion::{self, AssertionSource},
    call::CallError,
    certificate::SigningCertificate,
    kept::Kept,
    line::Line,
    retry_after,
    trail::Operation,
    wire::TokenAnswer,
};
use crate::{
    api::{AppId, Cloud, CredentialKind, Reason, TenantId},
    domain::{Obstacle, cloud::Endpoints, obstacle::Presented},
};
use claims::Claims;

/// A token is renewed this long before it ends.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// A token that lacks a permission is dropped at most this often: new permissions appear only in a new token.
const DROP_PAUSE: Duration = Duration::from_mins(5);

/// A refused credential is not tried again before this, unless its Secret changes; an endpoint that asks to wait decides
/// itself.
const REFUSAL_PAUSE: Duration = Duration::from_mins(1);

/// The same for refusals that no change of the credential ends: a policy of the tenant, a tenant that is not there.
const SLOW_REFUSAL_PAUSE: Duration = Duration::from_mins(15);

/// What a person asked for is tried again after this all the same; many objects may ask for the same credential at once.
const ASKED_REFUSAL_PAUSE: Duration = Duration::from_secs(5);

/// What nobody used for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_hours(2);

/// Everything that a token belongs to. Two objects share a token only if all of it is equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenKey {
    /// Cloud.
    pub cloud: Cloud,
    /// Tenant.
    pub tenant: TenantId,
    /// Application that signs in.
    pub client: AppId,
    /// With what kind of credential.
    pub kind: CredentialKind,
    /// Namespace of the object, and so of its Secret or ServiceAccount.
    pub namespace: String,
    /// UID of the Secret or ServiceAccount; empty for the operator's own identity.
    pub uid: String,
    /// Version of the Secret: a rotated secret fetches a token of its own. Empty for the other kinds.
    pub version: String,
    /// Key in the Secret. Empty for the other kinds.
    pub key: String,
}

/// What a token is fetched with.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Whose token it is.
    pub key: TokenKey,
    /// What is shown to the token endpoint.
    pub proof: Proof,
}

impl Credential {
    /// When it ends, where that can be seen from here: of a certificate.
    pub fn ends(&self) -> Option<Timestamp> {
        match &self.proof {
            Proof::Certificate(certificate) => Some(certificate.not_after()),
            Proof::Secret(_) | Proof::Federated(_) => None,
        }
    }
}

/// What is shown to the token endpoint. Nothing of it prints.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A secret that both sides know.
    Secret(SecretString),
    /// A certificate that is registered there; its key signs an assertion for each token.
    Certificate(Arc<SigningCertificate>),
    /// A token of Kubernetes, asked for each time.
    Federated(Arc<dyn AssertionSource>),
}

/// A token and since when it is held.
#[derive(Debug, Clone)]
pub struct Token {
    /// Goes into the header, nowhere else.
    pub secret: SecretString,
    /// Application permissions that it says it carries: a hint.
    pub roles: Arc<BTreeSet<String>>,
    fetched: Instant,
    renew_at: Instant,
}

#[derive(Debug, Default)]
struct Entry {
    token: Option<Token>,
    refusal: Option<Refusal>,
}

/// Why there is no token, since when, and until when the endpoint is not asked again.
#[derive(Debug)]
struct Refusal {
    obstacle: Obstacle,
    since: Instant,
    until: Instant,
}

impl Refusal {
    /// A person who waits for the outcome is told it sooner, but for an endpoint that asked to wait.
    fn holds(&self, now: Instant, is_asked: bool) -> bool {
        let is_cut = is_asked && self.obstacle.wait_seconds.is_none();
        let until = if is_cut { self.until.min(self.since + ASKED_REFUSAL_PAUSE) } else { self.until };
        now < until
    }
}

type Slot = Arc<tokio::sync::Mutex<Entry>>;

/// The tokens of this process.
#[derive(Debug)]
pub struct Tokens {
    slots: Mutex<Kept<TokenKey, Slot>>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { slots: Mutex::new(Kept::new(FORGET_AFTER)) }
    }
}

/// How a token is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish<'a> {
    /// Claims that Microsoft Graph asked for, as JSON.
    pub claims: Option<&'a str>,
    /// Whether a person waits for the outcome.
    pub is_asked: bool,
}

impl Tokens {
    /// The token for this credential; fetched if none is held. Only one fetch per key is under way at a time.
    pub async fn get(
        &self,
        credential: &Credential,
        endpoints: &Endpoints,
        line: Line<'_>,
        wish: Wish<'_>,
    ) -> Result<Token, Obstacle> {
        let slot = self.slot(&credential.key, line.clock.instant());
        let mut entry = slot.lock().await;
        let now = line.clock.instant();
        if let Some(token) = entry.token.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.clone());
        }
        if let Some(refusal) = entry.refusal.as_ref().filter(|refusal| refusal.holds(now, wish.is_asked)) {
            let Refusal { obstacle, until, .. } = refusal;
            debug!(reason = %obstacle.reason, pause = ?until.duration_since(now), "a refused credential is not tried again yet");
            return Err(match obstacle.wait_seconds {
                Some(_) => retry_after::with_left(obstacle, until.duration_since(now)),
                None => obstacle.clone(),
            });
        }
        let fetched = fetch(credential, endpoints, line, wish.claims).await;
        let result = fetched.as_ref().map(|_| ()).map_err(|obstacle| obstacle.reason);
        line.metrics.fetched(credential.key.kind, result);
        match fetched {
            Ok(token) => {
                *entry = Entry { token: Some(token.clone()), refusal: None };
                Ok(token)
            }
            Err(obstacle) => {
                let since = line.clock.instant();
                let refused = |pause| Refusal { obstacle: obstacle.clone(), since, until: since + pause };
                *entry = Entry { token: None, refusal: pause_after(&obstacle).map(refused) };
                Err(obstacle)
            }
        }
    }

    /// Whether a token is at hand that need not be renewed yet.
    pub fn holds(&self, key: &TokenKey, now: Instant) -> bool {
        let slot = self.slot(key, now);
        // Whoever holds the slot is fetching.
        slot.try_lock().is_ok_and(|entry| entry.token.as_ref().is_some_and(|token| now < token.renew_at))
    }

    /// Forgets this token, because Microsoft Graph did not take it.
    pub async fn drop_refused(&self, key: &TokenKey, refused: &Token, now: Instant) {
        self.drop_if(key, refused, now, Duration::ZERO, None).await;
    }

    /// Forgets this token, because it lacks a permission that a new one may have; a young one is kept.
    pub async fn drop_unprivileged(&self, key: &TokenKey, lacking: &Token, now: Instant) {
        self.drop_if(key, lacking, now, DROP_PAUSE, None).await;
    }

    /// Forgets this token and does not fetch another for a while, because new ones are refused like old ones.
    pub async fn rest(&self, key: &TokenKey, refused: &Token, obstacle: &Obstacle, now: Instant) {
        let refusal = Refusal { obstacle: obstacle.clone(), since: now, until: now + REFUSAL_PAUSE };
        self.drop_if(key, refused, now, Duration::ZERO, Some(refusal)).await;
    }

    async fn drop_if(
        &self,
        key: &TokenKey,
        token: &Token,
        now: Instant,
        older_than: Duration,
        refusal: Option<Refusal>,
    ) {
        let slot = self.slot(key, now);
        let mut entry = slot.lock().await;
        let is_held = entry.token.as_ref().is_some_and(|held| held.fetched == token.fetched);
        if is_held && now.duration_since(token.fetched) >= older_than {
            *entry = Entry { token: None, refusal };
        }
    }

    fn slot(&self, key: &TokenKey, now: Instant) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key, now, Slot::default))
    }
}

/// How long a refusal is not tried to overcome; none: until the next look.
fn pause_after(obstacle: &Obstacle) -> Option<Duration> {
    if let Some(seconds) = obstacle.wait_seconds {
        return Some(Duration::from_secs(seconds.into()));
    }
    if matches!(obstacle.reason, Reason::ConditionalAccessBlocked | Reason::TenantNotFound | Reason::WrongCloud) {
        return Some(SLOW_REFUSAL_PAUSE);
    }
    // A file that is not there yet: looking for it costs nothing and nobody.
    let is_elsewhere = obstacle.reason != Reason::CredentialUnavailable;
    (obstacle.needs_person() && is_elsewhere).then_some(REFUSAL_PAUSE)
}

async fn fetch(
    credential: &Credential,
    endpoints: &Endpoints,
    line: Line<'_>,
    claims: Option<&str>,
) -> Result<Token, Obstacle> {
    let TokenKey { cloud, tenant, client, .. } = credential.key;
    let url = endpoints.token_url(tenant);
    let shown = show(credential, &url, line).await?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Bytes::from(form(client, &shown, &endpoints.graph, claims)))
        .expect("the address is made of a host of ours and a UUID");
    let started = line.clock.instant();
    let answer = line.call(Operation::Token, request).await.map_err(|error| unavailable(&error))?;
    if answer.status != StatusCode::OK {
        let presented = match &shown {
            Shown::Assertion(assertion) if matches!(credential.proof, Proof::Federated(_)) => {
                assertion::presented(assertion)
            }
            Shown::Assertion(_) | Shown::Secret(_) => Presented::default(),
        };
        return Err(refusal::obstacle(&answer, &credential.key, &presented, line.clock));
    }
    let token: TokenAnswer = answer.json().map_err(|_| Obstacle::token_endpoint_unavailable(None))?;
    let lifetime = token.lifetime_seconds().ok_or_else(|| Obstacle::token_endpoint_unavailable(None))?;
    let claims = Claims::of(&token.access_token);
    if !claims.belong(client, tenant) {
        return Err(Obstacle::tenant_not_allowed(client, tenant));
    }
    if let Some(other) = claims.foreign_cloud(cloud) {
        return Err(Obstacle::token_of_another_cloud(tenant, other));
    }
    // Counted from before the request, so that it never ends later than Microsoft thinks; a lifetime shorter than the
    // margin still serves half of it.
    let lifetime = Duration::from_secs(lifetime.min(24 * 60 * 60));
    let usable = lifetime.saturating_sub(RENEW_BEFORE).max(lifetime / 2);
    Ok(Token {
        secret: SecretString::from(token.access_token),
        roles: Arc::new(claims.roles),
        fetched: started,
        renew_at: started + usable,
    })
}

/// <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
fn form(client: AppId, shown: &Shown, graph: &str, claims: Option<&str>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials").append_pair("client_id", &client.to_string());
    match shown {
        Shown::Secret(secret) => {
            form.append_pair("client_secret", secret.expose_secret());
        }
        Shown::Assertion(assertion) => {
            form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                .append_pair("client_assertion", assertion.expose_secret());
        }
    }
    form.append_pair("scope", &format!("{graph}/.default"));
    if let Some(claims) = claims {
        form.append_pair("claims", claims);
    }
    form.finish()
}

enum Shown {
    Secret(SecretString),
    Assertion(SecretString),
}

async fn show(credential: &Credential, url: &str, line: Line<'_>) -> Result<Shown, Obstacle> {
    match &credential.proof {
        Proof::Secret(secret) => Ok(Shown::Secret(secret.clone())),
        Proof::Certificate(certificate) => {
            let client = credential.key.client;
            let now = line.their_time();
            if now >= certificate.not_after() {
                let end = certificate.not_after().to_string();
                return Err(Obstacle::certificate_expired(client, &certificate.thumbprint(), &end));
            }
            if now < certificate.not_before() {
                let begin = certificate.not_before().to_string();
                return Err(Obstacle::certificate_not_yet_valid(client, &certificate.thumbprint(), &begin));
            }
            let id = line.clock.uuid().to_string();
            Ok(Shown::Assertion(certificate.assertion(client, url, &id, now)))
        }
        Proof::Federated(source) => source.assertion().await.map(Shown::Assertion),
    }
}

/// A token endpoint that answers with anything but JSON is as good as not there; trouble on the way keeps its name.
fn unavailable(error: &CallError) -> Obstacle {
    match error {
        CallError::Transport(_) | CallError::Deadline { .. } | CallError::Redirect { .. } => error.obstacle(),
        CallError::CutShort { .. }
        | CallError::TooLarge
        | CallError::Encoded
        | CallError::ContentType { .. }
        | CallError::NotJson { .. } => Obstacle::token_endpoint_unavailable(None),
    }
}
