//! One pass over one object: credential, look, decision, status, events, next due time.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::Client;
use tracing::{debug, info};

use super::{
    credential::{self, Held, REREAD_AFTER},
    event, publish,
    queue::Class,
    run::Settings,
    store::{ObjectKey, Published, StatusDigest, Stored, hash_of},
};
use crate::{
    api::ConditionType,
    clock::Clock,
    domain::{self, Decision, Desired, Input, Memory, Observation, Obstacle, decide, timing::unsigned},
    graph::{Graph, Question, Transport},
};

/// A status is written anew this many times when others write to the object meanwhile.
const WRITE_ATTEMPTS: u32 = 10;

/// Longest look at one tenant.
const LOOK_DEADLINE: Duration = Duration::from_mins(2);

/// Trouble with the Kubernetes API. Trouble with the tenant is no error; it goes to the conditions.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// It refused or broke off.
    #[error("could not {operation} {object}")]
    Api {
        /// What was tried.
        operation: &'static str,
        /// On what.
        object: String,
        /// The cause.
        #[source]
        source: Box<kube::Error>,
    },
    /// Others write to the object faster than its status can be.
    #[error("could not write the status of {object} because the object keeps changing")]
    Contended {
        /// The object.
        object: String,
    },
    /// It did not answer in time.
    #[error("could not {operation} {object} in time")]
    Deadline {
        /// What was tried.
        operation: &'static str,
        /// On what.
        object: String,
    },
}

impl PassError {
    /// Whether the Kubernetes API refused with this code.
    pub fn has_code(&self, code: u16) -> bool {
        matches!(self, Self::Api { source, .. } if matches!(source.as_ref(), kube::Error::Api(status) if status.code == code))
    }

    /// The same trouble, with what was tried and on what.
    #[must_use]
    pub fn about(self, operation: &'static str, object: &str) -> Self {
        let object = object.to_owned();
        match self {
            Self::Api { source, .. } => Self::Api { operation, object, source },
            Self::Contended { .. } => Self::Contended { object },
            Self::Deadline { .. } => Self::Deadline { operation, object },
        }
    }
}

/// What every pass works with.
pub struct Context<T> {
    /// The Kubernetes API.
    pub client: Client,
    /// Microsoft Graph.
    pub graph: Graph<T>,
    /// Time.
    pub clock: Clock,
    /// What the process was told.
    pub settings: Settings,
}

/// What is remembered of an object between two passes of one process.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// What `domain` remembers.
    pub memory: Memory,
    /// The credential, so that a Secret is not read at every look.
    pub held: Option<Held>,
    /// The last look that led to the status as it stands.
    pub settled: Option<Settled>,
    /// Passes in a row that failed at the Kubernetes API.
    pub failures: u32,
}

impl Remembered {
    /// Nothing is remembered yet.
    pub fn new(now: Timestamp) -> Self {
        Self { memory: Memory::new(now), held: None, settled: None, failures: 0 }
    }
}

/// A look that led to the status as it stands: the same look again leads nowhere else, until time alone does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    generation: i64,
    observation: u64,
    status: u64,
    requested: bool,
    until: Timestamp,
}

/// One object's turn.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The object.
    pub key: ObjectKey,
    /// What is kept of it.
    pub stored: Stored,
    /// What is remembered of it.
    pub remembered: Remembered,
    /// Whether a person asked for this look, by an edit or otherwise.
    pub is_asked: bool,
}

/// How a pass ended.
#[derive(Debug)]
pub struct End {
    /// What to remember.
    pub remembered: Remembered,
    /// Pause before the next look; none: not before the object changes.
    pub pause: Option<Duration>,
    /// How pressing the next look is.
    pub class: Class,
}

/// Makes a pass.
pub async fn pass<T: Transport>(ctx: Arc<Context<T>>, turn: Turn) -> Result<End, PassError> {
    let ctx = ctx.as_ref();
    let Turn { key, stored, mut remembered, is_asked } = turn;
    let observation = observe(ctx, &key, &stored, &mut remembered, is_asked).await?;
    let now = ctx.clock.now();
    if let Some(end) = quiet(ctx, &stored, &mut remembered, observation.as_ref(), now) {
        return Ok(end);
    }
    for _ in 0..WRITE_ATTEMPTS {
        let Some(published) = publish::read_back(&ctx.client, &key, &stored).await? else {
            // Deleted or edited meanwhile; the watch brings what there is to do. It may be deaf at the moment, so that the
            // object keeps its place in the queue.
            let desired = stored.desired.as_ref().ok();
            let pause = desired.map(|desired| unsigned(ctx.settings.timing.interval(desired.interval)));
            return Ok(End { remembered, pause, class: Class::Periodic });
        };
        let decision = decided(ctx, &stored, &remembered, observation.as_ref(), &published, now);
        if let Some(digest) = write(ctx, &key, &published, &decision).await? {
            event::tell(&ctx.client, &key, &stored, &decision.notices, now, &ctx.settings.instance).await;
            let end = settle(&stored, remembered, observation.as_ref(), decision, digest);
            // The watch may be behind our own writes; what is answered already is not asked for again.
            let is_news = is_asked && stored.is_asked_beyond(&StatusDigest::of(&published.status));
            return Ok(if is_news { once_more(end, unsigned(ctx.settings.timing.confirmation)) } else { end });
        }
    }
    Err(PassError::Contended { object: key.to_string() })
}

/// Publishes that a pass panicked.
pub async fn confess<T: Transport>(ctx: Arc<Context<T>>, key: ObjectKey, stored: Stored) -> Result<End, PassError> {
    if let Some(published) = publish::read_back(&ctx.client, &key, &stored).await? {
        let before = published.status();
        let status = domain::decide::internal_error(&before, stored.generation, ctx.clock.now());
        if status != before {
            publish::write(&ctx.client, &key, &published, &status).await?;
        }
    }
    Ok(End { remembered: Remembered::new(ctx.clock.now()), pause: None, class: Class::Drifted })
}

/// Reads the credential and looks; none if nothing is to be looked at.
async fn observe<T: Transport>(
    ctx: &Context<T>,
    key: &ObjectKey,
    stored: &Stored,
    remembered: &mut Remembered,
    is_asked: bool,
) -> Result<Option<Observation>, PassError> {
    let Ok(desired) = &stored.desired else { return Ok(None) };
    if desired.suspend {
        return Ok(None);
    }
    let is_fresh = |held: &Held| ctx.clock.instant().duration_since(held.read) < REREAD_AFTER;
    let kept = remembered.held.take().filter(|held| is_fresh(held) && !is_asked && remembered.memory.failures == 0);
    let held = match kept {
        Some(held) => held,
        None => match credential::read(&ctx.client, key, stored, desired).await? {
            Ok(credential) => Held { credential, read: ctx.clock.instant() },
            Err(obstacle) => return Ok(Some(Observation::Blocked(obstacle))),
        },
    };
    let endpoints = ctx.settings.endpoints(desired.cloud);
    let question = Question { desired, endpoints: &endpoints, credential: &held.credential };
    let look = tokio::time::timeout(LOOK_DEADLINE, ctx.graph.look(question)).await;
    remembered.held = Some(held);
    Ok(Some(look.unwrap_or_else(|_| Observation::Blocked(Obstacle::timeout("Microsoft Graph")))))
}

/// The end of a pass that found exactly what the published status was made from.
fn quiet<T>(
    ctx: &Context<T>,
    stored: &Stored,
    remembered: &mut Remembered,
    observation: Option<&Observation>,
    now: Timestamp,
) -> Option<End> {
    let settled = remembered.settled?;
    let is_same = settled
        == Settled {
            generation: stored.generation,
            observation: hash_of(&observation),
            status: stored.status.hash,
            requested: stored.is_requested(),
            until: settled.until,
        };
    let desired = stored.desired.as_ref().ok()?;
    if !is_same || now >= settled.until || observation.is_none() {
        return None;
    }
    remembered.memory.last_complete = Some(now);
    Some(End {
        remembered: remembered.clone(),
        pause: Some(unsigned(ctx.settings.timing.interval(desired.interval))),
        class: Class::Periodic,
    })
}

fn decided<T: Transport>(
    ctx: &Context<T>,
    stored: &Stored,
    remembered: &Remembered,
    observation: Option<&Observation>,
    published: &Published,
    now: Timestamp,
) -> Decision {
    let desired: Result<&Desired, _> = stored.desired.as_ref().map_err(Vec::as_slice);
    let endpoints = ctx.settings.endpoints(desired.map_or(crate::api::Cloud::Global, |desired| desired.cloud));
    decide(&Input {
        now,
        generation: stored.generation,
        requested_at: stored.requested_at.as_deref(),
        desired,
        previous: &published.status(),
        observation,
        memory: &remembered.memory,
        timing: &ctx.settings.timing,
        endpoints: &endpoints,
        linkable: &ctx.settings.linkable,
    })
}

/// Writes the status if it differs, and logs what changed; none if the object changed meanwhile.
async fn write<T: Transport>(
    ctx: &Context<T>,
    key: &ObjectKey,
    published: &Published,
    decision: &Decision,
) -> Result<Option<StatusDigest>, PassError> {
    let before = published.status();
    if decision.status == before {
        return Ok(Some(StatusDigest::of(&published.status)));
    }
    let Some(digest) = publish::write(&ctx.client, key, published, &decision.status).await? else {
        return Ok(None);
    };
    let verdict = |status: &crate::api::WebexAzureIntegrationStatus| {
        let ready = status.condition(ConditionType::Ready.as_str())?;
        Some((ready.status.clone(), ready.reason.clone()))
    };
    match verdict(&decision.status) {
        after if after == verdict(&before) => debug!(wai = %key, "status written"),
        Some((ready, reason)) => {
            info!(wai = %key, ready, reason, "verdict of {key} changed to {reason} (Ready={ready})");
        }
        None => {}
    }
    Ok(Some(digest))
}

fn settle(
    stored: &Stored,
    mut remembered: Remembered,
    observation: Option<&Observation>,
    decision: Decision,
    digest: StatusDigest,
) -> End {
    let Decision { status, memory, next_look, settled_until, .. } = decision;
    remembered.memory = memory;
    remembered.failures = 0;
    let is_ready = status.condition(ConditionType::Ready.as_str()).is_some_and(|ready| ready.status == "True");
    // Objects that are being mended are looked at with care every time; only quiet ones take the short way.
    remembered.settled = settled_until.filter(|_| is_ready).map(|until| Settled {
        generation: stored.generation,
        observation: hash_of(&observation),
        status: digest.hash,
        requested: false,
        until,
    });
    End { remembered, pause: next_look.map(unsigned), class: if is_ready { Class::Periodic } else { Class::Drifted } }
}

/// A person who asks for a look has often just changed something, and Microsoft Graph's reads lag its writes: a look that
/// was asked for is followed by another one soon.
fn once_more(end: End, soon: Duration) -> End {
    End { pause: end.pause.map(|pause| pause.min(soon)), ..end }
}
