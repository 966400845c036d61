//! One pass over one object: credential, look, decision, status, events, next due time.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Client;
use tracing::{debug, info, warn};

use super::{
    credential::{self, Held, REREAD_AFTER},
    event,
    metric::LookResult,
    publish,
    queue::Class,
    run::Settings,
    status_schema::StatusSchema,
    store::{ObjectKey, Published, StatusDigest, Stored, hash_of},
};
use crate::{
    api::{ConditionType, Reason, WebexAzureIntegrationStatus, reason::ConditionStatus},
    clock::Clock,
    domain::{
        self, Decision, Desired, Input, Memory, Notice, Observation, Obstacle, decide, notice, permission,
        timing::unsigned,
    },
    graph::{Exchange, Graph, Look, Priority, Question, Transport},
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
    /// It answered with something else than what was asked for. The cause is left out: it quotes the answer, which may be a
    /// Secret or a token.
    #[error("could not {operation} {object}: the answer was not what the Kubernetes API sends")]
    Unreadable {
        /// What was tried.
        operation: &'static str,
        /// On what.
        object: String,
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

    /// What the Kubernetes API said when it refused.
    pub fn refusal(&self) -> Option<&str> {
        let Self::Api { source, .. } = self else { return None };
        if let kube::Error::Api(status) = source.as_ref() { Some(&status.message) } else { None }
    }

    /// The same trouble, with what was tried and on what.
    #[must_use]
    pub fn about(self, operation: &'static str, object: &str) -> Self {
        let object = object.to_owned();
        match self {
            Self::Api { source, .. } => Self::Api { operation, object, source },
            Self::Unreadable { .. } => Self::Unreadable { operation, object },
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
    /// What of the status may be written.
    pub schema: StatusSchema,
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
    /// What was decided last, where less than that could be written.
    pub unwritten: Option<Box<Unwritten>>,
    /// Passes in a row that failed at the Kubernetes API.
    pub failures: u32,
}

/// A status of which the installed definition declares a part only. Decisions go on from all of it, so that what the
/// server cannot keep is not news at every look.
#[derive(Debug, Clone)]
pub struct Unwritten {
    status: WebexAzureIntegrationStatus,
    /// Hash of the part that stands in the cluster.
    written: u64,
}

impl Remembered {
    /// Nothing is remembered yet.
    pub fn new(now: Timestamp) -> Self {
        Self { memory: Memory::new(now), held: None, settled: None, unwritten: None, failures: 0 }
    }
}

impl Remembered {
    /// The status as it was published, and what of it could not be written.
    fn published(&self, published: &Published) -> WebexAzureIntegrationStatus {
        let written = StatusDigest::of(&published.status).hash;
        let unwritten = self.unwritten.as_ref().filter(|unwritten| unwritten.written == written);
        unwritten.map_or_else(|| published.status(), |unwritten| unwritten.status.clone())
    }
}

/// A look that led to the status as it stands: the same look again leads nowhere else, until time alone does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    generation: i64,
    observation: u64,
    status: u64,
    requested: bool,
    advice: u64,
    edition: u64,
    until: Timestamp,
    result: LookResult,
}

/// What came of looking.
#[derive(Debug, Default)]
struct Seen {
    /// None if nothing is to be looked at.
    observation: Option<Observation>,
    advice: Vec<Notice>,
    trail: Vec<Exchange>,
    skew: Option<SignedDuration>,
}

impl From<Observation> for Seen {
    fn from(observation: Observation) -> Self {
        Self { observation: Some(observation), ..Self::default() }
    }
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
    /// How pressing it was.
    pub class: Class,
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
    /// What came of it, for whoever counts.
    pub result: LookResult,
}

/// Makes a pass.
pub async fn pass<T: Transport>(ctx: Arc<Context<T>>, turn: Turn) -> Result<End, PassError> {
    let ctx = ctx.as_ref();
    let Turn { key, stored, mut remembered, is_asked, class } = turn;
    let priority = match class {
        _ if is_asked => Priority::Asked,
        Class::Edit | Class::Drifted => Priority::Mending,
        Class::Periodic => Priority::Nobody,
    };
    let patience = unsigned(ctx.settings.timing.confirmation);
    ctx.schema.ask_again(&ctx.client, ctx.clock.instant(), patience).await;
    let seen = observe(ctx, &key, &stored, &mut remembered, is_asked, priority).await?;
    let now = ctx.clock.now();
    if let Some(skew) = seen.skew {
        warn!(wai = %key, seconds = skew.as_secs(), "the clock of this machine is off Microsoft's");
        event::tell(&ctx.client, &key, &stored, &[notice::clock_skew(skew)], now, &ctx.settings.instance).await;
    }
    if let Some(end) = quiet(ctx, &stored, &mut remembered, &seen, now) {
        return Ok(end);
    }
    for _ in 0..WRITE_ATTEMPTS {
        let Some(published) = publish::read_back(&ctx.client, &key, &stored).await? else {
            // Deleted or edited meanwhile; the watch brings what there is to do. It may be deaf at the moment, so that the
            // object keeps its place in the queue.
            let desired = stored.desired.as_ref().ok();
            let pause = desired.map(|desired| unsigned(ctx.settings.timing.interval(desired.interval)));
            return Ok(End { remembered, pause, class: Class::Periodic, result: LookResult::Skipped });
        };
        let before = remembered.published(&published);
        let decision = decided(ctx, &stored, &remembered, &seen, &before, now);
        if let Some(digest) = write(ctx, &key, &published, &before, &decision, &seen.trail).await? {
            let failure = failure(&before, &decision.status, &seen.trail);
            let notices: Vec<Notice> = decision.notices.iter().cloned().chain(failure).collect();
            event::tell(&ctx.client, &key, &stored, &notices, now, &ctx.settings.instance).await;
            let end = settle(ctx, &stored, remembered, &seen, decision, digest);
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
            publish::write(&ctx.client, &ctx.schema, &key, &published, &status).await?;
        }
    }
    let remembered = Remembered::new(ctx.clock.now());
    Ok(End { remembered, pause: None, class: Class::Drifted, result: LookResult::Panicked })
}

/// Reads the credential and looks, if there is something to look at.
async fn observe<T: Transport>(
    ctx: &Context<T>,
    key: &ObjectKey,
    stored: &Stored,
    remembered: &mut Remembered,
    is_asked: bool,
    priority: Priority,
) -> Result<Seen, PassError> {
    let Ok(desired) = &stored.desired else { return Ok(Seen::default()) };
    if desired.suspend {
        return Ok(Seen::default());
    }
    let endpoints = ctx.settings.endpoints(desired.cloud);
    let found = remembered.memory.recall.identity.or(stored.status.identity);
    let completed = found.map(|app_id| desired.with_identity(app_id));
    let desired = completed.as_ref().unwrap_or(desired);
    let is_fresh = |held: &Held| {
        let is_young = ctx.clock.instant().duration_since(held.read) < REREAD_AFTER;
        is_young && ctx.graph.holds_token(&held.credential.key)
    };
    let kept = remembered.held.take().filter(|held| is_fresh(held) && !is_asked && remembered.memory.failures == 0);
    let held = match kept {
        Some(held) => held,
        None => match credential::read(&ctx.client, key, desired, &endpoints, &ctx.settings.operator).await? {
            Ok((credential, advice)) => Held { credential, read: ctx.clock.instant(), advice },
            Err(obstacle) => return Ok(Observation::Blocked(obstacle).into()),
        },
    };
    let question = Question {
        desired,
        endpoints: &endpoints,
        credential: &held.credential,
        priority,
        recall: &remembered.memory.recall,
    };
    let look = tokio::time::timeout(LOOK_DEADLINE, ctx.graph.look(question)).await;
    let mut advice = held.advice.clone();
    let expiring = held.credential.ends().and_then(|end| notice::expiring_soon(desired.client, end, ctx.clock.now()));
    remembered.held = Some(held);
    let Ok(Look { observation, trail, roles, skew }) = look else {
        return Ok(Observation::Blocked(Obstacle::timeout("Microsoft Graph")).into());
    };
    let excess = roles.map(|roles| permission::excess(desired, &roles)).unwrap_or_default();
    if !excess.is_empty() {
        advice.push(notice::excess_permissions(desired.client, &excess));
    }
    advice.extend(expiring);
    Ok(Seen { observation: Some(observation), advice, trail, skew })
}

/// The end of a pass that found exactly what the published status was made from.
fn quiet<T>(
    ctx: &Context<T>,
    stored: &Stored,
    remembered: &mut Remembered,
    seen: &Seen,
    now: Timestamp,
) -> Option<End> {
    let settled = remembered.settled?;
    let is_same = settled
        == Settled {
            generation: stored.generation,
            observation: hash_of(&seen.observation),
            status: stored.status.hash,
            requested: stored.is_requested(),
            advice: hash_of(&seen.advice),
            edition: ctx.schema.edition(),
            until: settled.until,
            result: settled.result,
        };
    let desired = stored.desired.as_ref().ok()?;
    if !is_same || now >= settled.until || seen.observation.is_none() {
        return None;
    }
    remembered.memory.last_complete = Some(now);
    Some(End {
        remembered: remembered.clone(),
        pause: Some(unsigned(ctx.settings.timing.interval(desired.interval))),
        class: Class::Periodic,
        result: settled.result,
    })
}

fn decided<T: Transport>(
    ctx: &Context<T>,
    stored: &Stored,
    remembered: &Remembered,
    seen: &Seen,
    before: &WebexAzureIntegrationStatus,
    now: Timestamp,
) -> Decision {
    let desired: Result<&Desired, _> = stored.desired.as_ref().map_err(Vec::as_slice);
    let endpoints = ctx.settings.endpoints(desired.map_or(crate::api::Cloud::Global, |desired| desired.cloud));
    decide(&Input {
        now,
        generation: stored.generation,
        requested_at: stored.requested_at.as_deref(),
        desired,
        previous: before,
        observation: seen.observation.as_ref(),
        advice: &seen.advice,
        memory: &remembered.memory,
        timing: &ctx.settings.timing,
        endpoints: &endpoints,
        linkable: &ctx.settings.linkable,
        attribution: ctx.settings.attribution,
    })
}

/// Writes the status if it differs, and logs what changed; none if the object changed meanwhile.
async fn write<T: Transport>(
    ctx: &Context<T>,
    key: &ObjectKey,
    published: &Published,
    before: &WebexAzureIntegrationStatus,
    decision: &Decision,
    trail: &[Exchange],
) -> Result<Option<StatusDigest>, PassError> {
    let is_written = match ctx.schema.shortened(&decision.status) {
        Some(shortened) => shortened == published.status,
        None => decision.status == published.status(),
    };
    if is_written {
        return Ok(Some(StatusDigest::of(&published.status)));
    }
    let Some(digest) = publish::write(&ctx.client, &ctx.schema, key, published, &decision.status).await? else {
        return Ok(None);
    };
    let changed = |condition| turned(before, &decision.status, condition);
    if let Some((observed, reason)) = changed(ConditionType::Observed) {
        let (code, request_id) = failed(trail);
        info!(wai = %key, observed, reason, graph.code = code, graph.request_id = request_id, "observation of {key} changed to {reason}");
    }
    if let Some((ready, reason)) = changed(ConditionType::Ready) {
        info!(wai = %key, ready, reason, "verdict of {key} changed to {reason} (Ready={ready})");
    } else {
        debug!(wai = %key, "status written");
    }
    Ok(Some(digest))
}

/// Status and reason of a condition, if they are others than before.
fn turned<'a>(
    before: &WebexAzureIntegrationStatus,
    after: &'a WebexAzureIntegrationStatus,
    condition: ConditionType,
) -> Option<(&'a str, &'a str)> {
    let says = |condition: &'a Condition| (condition.status.as_str(), condition.reason.as_str());
    let earlier = before.condition(condition.as_str());
    let turned = |now: &&Condition| earlier.is_none_or(|old| (&old.status, &old.reason) != (&now.status, &now.reason));
    after.condition(condition.as_str()).filter(turned).map(says)
}

/// Code and name of the last request that failed: whoever asks Microsoft's support about a failure is asked for them.
fn failed(trail: &[Exchange]) -> (Option<&str>, Option<&str>) {
    let failed = trail.iter().rev().find(|exchange| !exchange.is_good());
    let code = failed.and_then(|exchange| exchange.code.as_deref());
    (code, failed.and_then(|exchange| exchange.request_id.as_deref()))
}

/// What to tell if the tenant could not be read, for another reason than before.
fn failure(
    before: &WebexAzureIntegrationStatus,
    after: &WebexAzureIntegrationStatus,
    trail: &[Exchange],
) -> Option<Notice> {
    let (status, reason) = turned(before, after, ConditionType::Observed)?;
    if status == ConditionStatus::True.as_str() {
        return None;
    }
    notice::event_of(ConditionType::Observed, ConditionStatus::False, Reason::from_name(reason)?)?;
    let (code, request_id) = failed(trail);
    let message = &after.condition(ConditionType::Observed.as_str())?.message;
    Some(notice::observation_failed(message, code, request_id))
}

fn settle<T>(
    ctx: &Context<T>,
    stored: &Stored,
    mut remembered: Remembered,
    seen: &Seen,
    decision: Decision,
    digest: StatusDigest,
) -> End {
    let Decision { status, memory, next_look, settled_until, .. } = decision;
    remembered.memory = memory;
    remembered.failures = 0;
    let is_ready = status.condition(ConditionType::Ready.as_str()).is_some_and(|ready| ready.status == "True");
    let result = result(seen, &status);
    // Objects that are being mended are looked at with care every time; only quiet ones take the short way.
    remembered.settled = settled_until.filter(|_| is_ready).map(|until| Settled {
        generation: stored.generation,
        observation: hash_of(&seen.observation),
        status: digest.hash,
        requested: false,
        advice: hash_of(&seen.advice),
        edition: ctx.schema.edition(),
        until,
        result,
    });
    let is_short = ctx.schema.shortened(&status).is_some();
    remembered.unwritten = is_short.then(|| Box::new(Unwritten { status, written: digest.hash }));
    let class = if is_ready { Class::Periodic } else { Class::Drifted };
    End { remembered, pause: next_look.map(unsigned), class, result }
}

/// What came of a look that led to this status.
fn result(seen: &Seen, status: &WebexAzureIntegrationStatus) -> LookResult {
    let is_true = |condition: ConditionType| {
        status.condition(condition.as_str()).is_some_and(|it| it.status == ConditionStatus::True.as_str())
    };
    match seen.observation {
        None => LookResult::Skipped,
        Some(_) if !is_true(ConditionType::Observed) => LookResult::Unreadable,
        Some(_) if is_true(ConditionType::Drifted) => LookResult::Drifted,
        Some(_) if is_true(ConditionType::Ready) => LookResult::InSync,
        Some(_) => LookResult::Undecided,
    }
}

/// A person who asks for a look has often just changed something, and Microsoft Graph's reads lag its writes: a look that
/// was asked for is followed by another one soon.
fn once_more(end: End, soon: Duration) -> End {
    End { pause: end.pause.map(|pause| pause.min(soon)), ..end }
}
