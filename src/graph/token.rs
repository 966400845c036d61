//! Access tokens: fetched with the operator's own credential, kept as long as they last, never shared between objects
//! that could not have fetched them themselves.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use tracing::debug;

use super::{
    call::{self, Answer, CallError},
    retry_after,
    transport::Transport,
    wire::{Claims, TokenAnswer, TokenRefusal},
};
use crate::{
    api::{AppId, Cloud, TenantId},
    clock::Clock,
    domain::{Obstacle, cloud::Endpoints},
};

/// A token is renewed this long before it ends.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// A token that lacks a permission is dropped at most this often: new permissions appear only in a new token.
const DROP_PAUSE: Duration = Duration::from_mins(5);

/// A refused credential is not tried again before this, unless its Secret changes; an endpoint that asks to wait decides
/// itself.
const REFUSAL_PAUSE: Duration = Duration::from_mins(1);

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
    /// Namespace of the Secret.
    pub namespace: String,
    /// UID of the Secret.
    pub secret_uid: String,
    /// Version of the Secret: a rotated secret fetches a token of its own.
    pub secret_version: String,
    /// Key in the Secret.
    pub secret_key: String,
}

/// What a token is fetched with.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Whose token it is.
    pub key: TokenKey,
    /// The client secret.
    pub secret: SecretString,
}

/// A token and since when it is held.
#[derive(Debug, Clone)]
pub struct Token {
    /// Goes into the header, nowhere else.
    pub secret: SecretString,
    fetched: Instant,
    renew_at: Instant,
}

#[derive(Debug, Default)]
struct Entry {
    token: Option<Token>,
    /// Why there is none, and until when the endpoint is not asked again.
    refusal: Option<(Obstacle, Instant)>,
}

#[derive(Debug)]
struct Slot {
    entry: Arc<tokio::sync::Mutex<Entry>>,
    last_used: Instant,
}

/// The tokens of this process.
#[derive(Debug, Default)]
pub struct Tokens {
    slots: Mutex<BTreeMap<TokenKey, Slot>>,
}

impl Tokens {
    /// The token for this credential; fetched if none is held. Only one fetch per key is under way at a time.
    pub async fn get(
        &self,
        credential: &Credential,
        transport: &dyn Transport,
        endpoints: &Endpoints,
        clock: &Clock,
    ) -> Result<Token, Obstacle> {
        let entry = self.entry(&credential.key, clock.instant());
        let mut entry = entry.lock().await;
        let now = clock.instant();
        if let Some(token) = entry.token.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.clone());
        }
        if let Some((obstacle, until)) = entry.refusal.as_ref().filter(|(_, until)| now < *until) {
            debug!(reason = %obstacle.reason, pause = ?until.duration_since(now), "a refused credential is not tried again yet");
            return Err(match obstacle.wait_seconds {
                Some(_) => retry_after::with_left(obstacle, until.duration_since(now)),
                None => obstacle.clone(),
            });
        }
        match fetch(credential, transport, endpoints, clock).await {
            Ok(token) => {
                *entry = Entry { token: Some(token.clone()), refusal: None };
                Ok(token)
            }
            Err(obstacle) => {
                let asked = obstacle.wait_seconds.map(|seconds| Duration::from_secs(seconds.into()));
                let pause = asked.or(obstacle.needs_person().then_some(REFUSAL_PAUSE));
                let refusal = pause.map(|pause| (obstacle.clone(), clock.instant() + pause));
                *entry = Entry { token: None, refusal };
                Err(obstacle)
            }
        }
    }

    /// Forgets this token, because Microsoft Graph did not take it.
    pub async fn drop_refused(&self, key: &TokenKey, refused: &Token, clock: &Clock) {
        self.drop_if(key, refused, clock, Duration::ZERO).await;
    }

    /// Forgets this token, because it lacks a permission that a new one may have; a young one is kept.
    pub async fn drop_unprivileged(&self, key: &TokenKey, lacking: &Token, clock: &Clock) {
        self.drop_if(key, lacking, clock, DROP_PAUSE).await;
    }

    async fn drop_if(&self, key: &TokenKey, token: &Token, clock: &Clock, older_than: Duration) {
        let now = clock.instant();
        let entry = self.entry(key, now);
        let mut entry = entry.lock().await;
        let is_held = entry.token.as_ref().is_some_and(|held| held.fetched == token.fetched);
        if is_held && now.duration_since(token.fetched) >= older_than {
            entry.token = None;
        }
    }

    fn entry(&self, key: &TokenKey, now: Instant) -> Arc<tokio::sync::Mutex<Entry>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, slot| now.duration_since(slot.last_used) < FORGET_AFTER);
        let slot = slots.entry(key.clone()).or_insert_with(|| Slot { entry: Arc::default(), last_used: now });
        slot.last_used = now;
        Arc::clone(&slot.entry)
    }
}

async fn fetch(
    credential: &Credential,
    transport: &dyn Transport,
    endpoints: &Endpoints,
    clock: &Clock,
) -> Result<Token, Obstacle> {
    let TokenKey { tenant, client, .. } = &credential.key;
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &client.to_string())
        .append_pair("client_secret", credential.secret.expose_secret())
        .append_pair("scope", &format!("{}/.default", endpoints.graph))
        .finish();
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/{tenant}/oauth2/v2.0/token", endpoints.login))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .header("client-request-id", clock.uuid().to_string())
        .body(Bytes::from(form))
        .expect("the address is made of a host of ours and a UUID");
    let started = clock.instant();
    let answer = call::call(transport, request).await.map_err(|error| unavailable(&error))?;
    if answer.status != StatusCode::OK {
        return Err(refusal(&answer, *client, *tenant, clock));
    }
    let token: TokenAnswer = answer.json().map_err(|_| Obstacle::token_endpoint_unavailable(None))?;
    if !belongs(&token.access_token, *client, *tenant) {
        return Err(Obstacle::tenant_not_allowed(*client, *tenant));
    }
    // Counted from before the request, so that it never ends later than Microsoft thinks; a lifetime shorter than the
    // margin still serves half of it.
    let lifetime = Duration::from_secs(token.expires_in.min(24 * 60 * 60));
    let usable = lifetime.saturating_sub(RENEW_BEFORE).max(lifetime / 2);
    Ok(Token { secret: SecretString::from(token.access_token), fetched: started, renew_at: started + usable })
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

/// The token names the declared tenant and application.
fn belongs(token: &str, client: AppId, tenant: TenantId) -> bool {
    let claims = || -> Option<Claims> {
        let payload = token.split('.').nth(1)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
    };
    claims().is_some_and(|claims| {
        let application = claims.appid.or(claims.azp).and_then(|id| id.parse().ok());
        claims.tid.and_then(|id| id.parse().ok()) == Some(tenant) && application == Some(client)
    })
}

/// What a refusal means. `error` is the contract, the numbers are hints that make the sentence more exact.
fn refusal(answer: &Answer, client: AppId, tenant: TenantId, clock: &Clock) -> Obstacle {
    let wait = retry_after::seconds(&answer.headers, clock.now());
    if answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error() {
        return Obstacle::token_endpoint_unavailable(wait);
    }
    let Ok(refusal) = answer.json::<TokenRefusal>() else {
        return Obstacle::token_endpoint_unavailable(wait);
    };
    let number = refusal.error_codes.into_iter().flatten().next();
    let code = number.map(|number| format!(" (AADSTS{number})")).unwrap_or_default();
    match (number, refusal.error.as_str()) {
        (Some(7_000_222), _) => Obstacle::credential_expired(client, tenant, &code),
        (Some(90_002 | 90_038), _) => Obstacle::tenant_not_found(tenant, &code),
        (Some(700_016 | 700_011 | 7_000_112 | 7_000_229 | 70_001), _) => {
            Obstacle::operator_app_not_consented(client, tenant, &code)
        }
        (Some(90_033 | 90_006 | 90_024 | 50_196 | 90_055), _) | (_, "temporarily_unavailable" | "server_error") => {
            Obstacle::token_endpoint_unavailable(wait)
        }
        (_, "unauthorized_client") => Obstacle::operator_app_not_consented(client, tenant, &code),
        _ => Obstacle::credential_invalid(client, tenant, &code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_of_another_tenant_or_application_does_not_belong() {
        let (client, tenant) = (AppId::from_u128(1), TenantId::from_u128(2));
        let (id1, id2) = (client.to_string(), tenant.to_string());
        assert!(belongs(&token(&format!(r#"{{"tid":"{id2}","appid":"{id1}"}}"#)), client, tenant));
        assert!(belongs(&token(&format!(r#"{{"tid":"{id2}","azp":"{id1}"}}"#)), client, tenant));
        for other in [
            format!(r#"{{"tid":"{id1}","appid":"{id1}"}}"#),
            format!(r#"{{"tid":"{id2}","appid":"{id2}"}}"#),
            format!(r#"{{"appid":"{id1}"}}"#),
            "{}".to_owned(),
            "nonsense".to_owned(),
        ] {
            assert!(!belongs(&token(&other), client, tenant), "{other}");
        }
        assert!(!belongs("opaque", client, tenant));
    }
}
