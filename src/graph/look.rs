//! One look at a tenant: a token, one `$batch` of reads, further ones if something is missing or seen for the first time.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    budget::{Budgets, PATIENCE},
    line::{Line, Skew},
    memory::Memory,
    metric::Metrics,
    reader::{Reader, Refused, budget_key},
    token::{Credential, TokenKey, Tokens, Wish},
    trail::{Exchange, Trail},
    transport::Transport,
};
use crate::{
    api::Reason,
    clock::Clock,
    domain::{Desired, Observation, Observed, Obstacle, Recall, cloud::Endpoints},
};
use jiff::SignedDuration;
use prometheus_client::registry::Registry;

/// What a look is to find out.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What should be.
    pub desired: &'a Desired,
    /// Where to ask.
    pub endpoints: &'a Endpoints,
    /// As whom.
    pub credential: &'a Credential,
    /// Who waits for the answer.
    pub priority: Priority,
    /// What earlier looks found out.
    pub recall: &'a Recall,
}

/// Who waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A person who asked for it, by an edit or otherwise: a refused credential is tried again soon.
    Asked,
    /// A person, perhaps: something is being mended.
    Mending,
    /// Nobody; the tenant's own traffic goes first.
    /// <https://learn.microsoft.com/en-us/graph/throttling-limits#request-headers>
    Nobody,
}

/// What came of a look.
#[derive(Debug)]
pub struct Look {
    /// What was seen.
    pub observation: Observation,
    /// What was asked for it, in order.
    pub trail: Vec<Exchange>,
    /// Application permissions that the token says it carries; none if there was no token.
    pub roles: Option<Arc<BTreeSet<String>>>,
    /// How far Microsoft's clock is ahead of this machine's, if that is too far and this look is the first to find out.
    pub skew: Option<SignedDuration>,
}

/// Reads tenants. One per process; it keeps tokens and minds what each tenant asked for.
#[derive(Debug)]
pub struct Graph<T> {
    transport: T,
    pub(super) clock: Clock,
    tokens: Tokens,
    pub(super) memory: Memory,
    pub(super) budgets: Arc<Budgets>,
    metrics: Metrics,
    skew: Skew,
}

impl<T: Transport> Graph<T> {
    /// A reader on this transport.
    pub fn new(transport: T, clock: Clock) -> Self {
        Self {
            transport,
            clock,
            tokens: Tokens::default(),
            memory: Memory::default(),
            budgets: Arc::default(),
            metrics: Metrics::default(),
            skew: Skew::default(),
        }
    }

    /// Makes readable what is counted.
    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry, &self.budgets, &self.clock);
    }

    /// Whether a token of this credential is at hand, so that its Secret need not be read for this look.
    pub fn holds_token(&self, key: &TokenKey) -> bool {
        self.tokens.holds(key, self.clock.instant())
    }

    /// Looks at a tenant.
    pub async fn look(&self, question: Question<'_>) -> Look {
        let trail = Trail::default();
        let line = Line {
            transport: &self.transport,
            clock: &self.clock,
            metrics: &self.metrics,
            trail: &trail,
            skew: &self.skew,
        };
        let mut roles = None;
        let looked = self.look_over(question, line, &mut roles).await;
        let observation = match looked {
            Ok(observed) => Observation::Looked(observed),
            Err(obstacle) => Observation::Blocked(obstacle),
        };
        Look { observation, trail: trail.into_exchanges(), roles, skew: self.skew.news() }
    }

    async fn look_over(
        &self,
        question: Question<'_>,
        line: Line<'_>,
        roles: &mut Option<Arc<BTreeSet<String>>>,
    ) -> Result<Observed, Obstacle> {
        let (key, is_asked) = (&question.credential.key, question.priority == Priority::Asked);
        let token = async |claims: Option<&str>| {
            self.tokens.get(question.credential, question.endpoints, line, Wish { claims, is_asked }).await
        };
        // Only who may sign in is told how the tenant stands.
        let mut held = token(None).await?;
        self.wait_out(question).await?;
        let mut look = Reader { graph: self, question, line, token: &held }.look().await;
        if let Err(Refused::Token { claims }) = &look {
            // Revoked or ended before its time; a new one is worth one try, from the start.
            self.tokens.drop_refused(key, &held, self.clock.instant()).await;
            held = token(claims.as_deref()).await?;
            look = Reader { graph: self, question, line, token: &held }.look().await;
        }
        *roles = Some(Arc::clone(&held.roles));
        let observed = match look {
            Ok(observed) => observed,
            Err(Refused::Token { claims }) => {
                let Desired { client, tenant, .. } = *question.desired;
                let obstacle = match claims {
                    Some(_) => Obstacle::claims_challenge(client, tenant),
                    None => Obstacle::token_refused(client, tenant),
                };
                self.tokens.rest(key, &held, &obstacle, self.clock.instant()).await;
                return Err(obstacle);
            }
            Err(Refused::Obstacle(obstacle)) => {
                if matches!(obstacle.reason, Reason::GraphUnavailable | Reason::GraphTimeout) {
                    self.budgets.failed(&budget_key(question), &obstacle, self.clock.instant());
                }
                return Err(obstacle);
            }
        };
        self.budgets.worked(&budget_key(question), self.clock.instant());
        if observed.obstacle().is_some_and(|obstacle| obstacle.reason == Reason::PermissionMissing) {
            self.tokens.drop_unprivileged(key, &held, self.clock.instant()).await;
        }
        Ok(observed)
    }

    /// A tenant that asked to slow down is left alone for that long, by every object. A short wait is waited out; a long
    /// one ends the look.
    async fn wait_out(&self, question: Question<'_>) -> Result<(), Obstacle> {
        match self.budgets.pause(&budget_key(question), self.clock.instant()) {
            Some((_, left)) if left <= PATIENCE => {
                self.hold_back(left).await;
                Ok(())
            }
            Some((obstacle, _)) => Err(obstacle),
            None => Ok(()),
        }
    }

    pub(super) async fn hold_back(&self, wait: Duration) {
        if !wait.is_zero() {
            self.metrics.held_back(wait);
            tokio::time::sleep(wait).await;
        }
    }
}
