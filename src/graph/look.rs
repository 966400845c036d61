//! One look at a tenant: a token, one `$batch` of reads, a second one if something is missing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use secrecy::ExposeSecret as _;
use tokio::time::Instant;
use tracing::debug;

use super::{
    call::{self, Answer},
    reader::{Reader, longest_wait},
    retry_after,
    token::{Credential, Token, TokenKey, Tokens},
    transport::Transport,
};
use crate::{
    api::{AppId, Cloud, TenantId},
    clock::Clock,
    domain::{Desired, Observation, Observed, Obstacle, cloud::Endpoints, observed::ResourcePrincipal},
};

/// Microsoft Graph's own service principal is looked up again after this.
const RESOURCE_KEPT_FOR: Duration = Duration::from_hours(6);

/// What a look is to find out.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What should be.
    pub desired: &'a Desired,
    /// Where to ask.
    pub endpoints: &'a Endpoints,
    /// As whom.
    pub credential: &'a Credential,
}

/// Reads tenants. One per process; it keeps tokens and minds what each tenant asked for.
#[derive(Debug)]
pub struct Graph<T> {
    transport: T,
    pub(super) clock: Clock,
    tokens: Tokens,
    resources: Mutex<BTreeMap<TokenKey, RememberedResource>>,
    pauses: Mutex<Pauses>,
}

/// Whom not to ask as which application, why, and until when.
type Pauses = BTreeMap<(Cloud, TenantId, AppId), (Obstacle, Instant)>;

/// Microsoft Graph's own service principal, as far as it was asked about.
#[derive(Debug)]
struct RememberedResource {
    resource: ResourcePrincipal,
    /// Values whose IDs were asked for, also those that it does not offer.
    asked: BTreeSet<String>,
    until: Instant,
}

impl<T: Transport> Graph<T> {
    /// A reader on this transport.
    pub fn new(transport: T, clock: Clock) -> Self {
        Self { transport, clock, tokens: Tokens::default(), resources: Mutex::default(), pauses: Mutex::default() }
    }

    /// Looks at a tenant.
    pub async fn look(&self, question: Question<'_>) -> Observation {
        if let Some(obstacle) = self.pause(question) {
            return Observation::Blocked(obstacle);
        }
        match self.look_with_token(question).await {
            Ok(observed) => {
                self.mind_pause(question, longest_wait(&observed));
                Observation::Looked(observed)
            }
            Err(obstacle) => Observation::Blocked(obstacle),
        }
    }

    async fn look_with_token(&self, question: Question<'_>) -> Result<Observed, Obstacle> {
        let reader = Reader { graph: self, question };
        let mut token = self.token(question).await?;
        let mut look = reader.look(&token).await;
        if let Err(Refused::Token) = look {
            // Revoked or ended before its time; a new one is worth one try, from the start.
            self.tokens.drop_refused(&question.credential.key, &token, &self.clock).await;
            token = self.token(question).await?;
            look = reader.look(&token).await;
        }
        let observed = match look {
            Ok(observed) => observed,
            Err(Refused::Token) => {
                return Err(Obstacle::token_refused(question.desired.client, question.desired.tenant));
            }
            Err(Refused::Obstacle(obstacle)) => {
                self.mind_pause(question, Some(&obstacle));
                return Err(obstacle);
            }
        };
        let lacks_permission =
            observed.obstacle().is_some_and(|obstacle| obstacle.reason == crate::api::Reason::PermissionMissing);
        if lacks_permission {
            self.tokens.drop_unprivileged(&question.credential.key, &token, &self.clock).await;
        }
        Ok(observed)
    }

    async fn token(&self, question: Question<'_>) -> Result<Token, Obstacle> {
        self.tokens.get(question.credential, &self.transport, question.endpoints, &self.clock).await
    }

    fn pause(&self, question: Question<'_>) -> Option<Obstacle> {
        let pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let (obstacle, until) = pauses.get(&pause_key(question))?;
        let left = until.saturating_duration_since(self.clock.instant());
        (!left.is_zero()).then(|| retry_after::with_left(obstacle, left))
    }

    /// A tenant that asked this application to slow down is left alone for that long, by every object.
    ///
    /// Only what Microsoft Graph said counts here: it was said to someone who had signed in. What the token endpoint
    /// says stays with the credential, so that nobody can stop others by signing in wrongly in their name.
    fn mind_pause(&self, question: Question<'_>, obstacle: Option<&Obstacle>) {
        let now = self.clock.instant();
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.retain(|_, (_, until)| *until > now);
        let Some((obstacle, seconds)) = obstacle.and_then(|obstacle| Some((obstacle, obstacle.wait_seconds?))) else {
            return;
        };
        let until = now + Duration::from_secs(seconds.into());
        let is_longest = pauses.get(&pause_key(question)).is_none_or(|(_, earlier)| *earlier < until);
        if is_longest {
            pauses.insert(pause_key(question), (obstacle.clone(), until));
        }
    }

    pub(super) fn remembered_resource(&self, key: &TokenKey, wanted: &BTreeSet<&str>) -> Option<ResourcePrincipal> {
        let now = self.clock.instant();
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        resources.retain(|_, remembered| remembered.until > now);
        let RememberedResource { resource, asked, until: _ } = resources.get(key)?;
        let mut resource = resource.clone();
        resource.app_roles.retain(|value, _| wanted.contains(value.as_str()));
        wanted.iter().all(|value| asked.contains(*value)).then_some(resource)
    }

    /// Objects with the same credential may ask for different values, so what they learn is kept together.
    pub(super) fn remember_resource(&self, key: &TokenKey, resource: &ResourcePrincipal, wanted: &BTreeSet<&str>) {
        let asked = wanted.iter().map(|value| (*value).to_owned());
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(remembered) = resources.get_mut(key).filter(|remembered| remembered.resource.id == resource.id) {
            remembered.asked.extend(asked);
            remembered.resource.app_roles.extend(resource.app_roles.clone());
        } else {
            let until = self.clock.instant() + RESOURCE_KEPT_FOR;
            let remembered = RememberedResource { resource: resource.clone(), asked: asked.collect(), until };
            resources.insert(key.clone(), remembered);
        }
    }

    /// Sends one request with this token.
    pub(super) async fn send(&self, token: &Token, method: Method, url: &str, body: Bytes) -> Result<Answer, Refused> {
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", token.secret.expose_secret())).map_err(|_| Refused::Token)?;
        authorization.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, authorization)
            .header("client-request-id", self.clock.uuid().to_string());
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request =
            request.body(body).map_err(|_| Refused::Obstacle(Obstacle::malformed("a link was no address")))?;
        let answer = call::call(&self.transport, request).await.map_err(|error| {
            debug!(error = &error as &dyn std::error::Error, "a request to Microsoft Graph failed");
            Refused::Obstacle(error.obstacle())
        })?;
        debug!(status = answer.status.as_u16(), graph.request_id = answer.request_id(), "Microsoft Graph answered");
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(Refused::Token);
        }
        match call::general_obstacle(answer.status, &answer.headers, &self.clock) {
            Some(obstacle) => Err(Refused::Obstacle(obstacle)),
            None => Ok(answer),
        }
    }
}

fn pause_key(question: Question<'_>) -> (Cloud, TenantId, AppId) {
    (question.desired.cloud, question.desired.tenant, question.desired.client)
}

/// Why a request did not get an answer that can be read.
pub(super) enum Refused {
    /// The token was not accepted.
    Token,
    /// Anything else.
    Obstacle(Obstacle),
}
