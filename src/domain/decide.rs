//! From one look to everything that follows from it: the status, what to tell, when to look again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    attribution::{Attribution, Inquiry},
    belief::{Belief, Doubts},
    catalog,
    cloud::Endpoints,
    desired::{Desired, Role},
    drift::{Facet, reason_of},
    identity::{self, Resolved, Unsettled},
    judgement::{Earlier, believe},
    message,
    notice::{self, Notice},
    observed::{AuditQuestion, Observation, Observed, Reading},
    pace,
    ready::{self, Believed, Draft, Situation, Standing},
    remedy::{Action, Context},
    timing::{Timing, whole_second},
};
use crate::api::{
    AppId, ConditionType, ObjectId, Reason, WebexAzureIntegrationStatus,
    reason::ConditionStatus,
    status::{ApplicationStatus, ConsentStatus, DRIFT_MAX, DriftEntry, Summary},
    validation::Violation,
};

/// Everything that a decision depends on.
#[derive(Debug)]
pub struct Input<'a> {
    /// When the look ended.
    pub now: Timestamp,
    /// Generation of the object that was looked for.
    pub generation: i64,
    /// Value of the annotation that asked for a look.
    pub requested_at: Option<&'a str>,
    /// What should be, or why the spec cannot be followed.
    pub desired: Result<&'a Desired, &'a [Violation]>,
    /// The status as it is published.
    pub previous: &'a WebexAzureIntegrationStatus,
    /// What was seen; none while the object is suspended or its spec is invalid.
    pub observation: Option<&'a Observation>,
    /// What is worth telling beside the verdict, as long as it is so.
    pub advice: &'a [Notice],
    /// What the process remembers of earlier looks.
    pub memory: &'a Memory,
    /// Windows and paces.
    pub timing: &'a Timing,
    /// Where links lead.
    pub endpoints: &'a Endpoints,
    /// Applications for which the process allows consent links, besides the catalog's.
    pub linkable: &'a [AppId],
    /// How whoever made a difference is told.
    pub attribution: Attribution,
}

/// What a process remembers of one object between two looks. Losing it costs time, never a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// When the process began to look after this object.
    pub since: Timestamp,
    /// The last look at which every required facet could be read.
    pub last_complete: Option<Timestamp>,
    /// Failed looks in a row.
    pub failures: u32,
    /// What awaits a second look.
    pub doubts: Doubts,
    /// What was worth telling beside the verdict at the last look; none before the first.
    pub advised: Option<BTreeSet<Notice>>,
    /// What the next look has to know.
    pub recall: Recall,
    /// When the audit log was first asked about a difference of an application.
    pub asked: BTreeMap<(String, Reason), Timestamp>,
}

/// What a look has to know of earlier ones in order to ask the right questions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recall {
    /// The application that is "Cisco Webex Identity", as it was found earlier.
    pub identity: Option<AppId>,
    /// Object IDs of service principals, by which alone some of their parts can be asked for.
    pub principals: BTreeMap<AppId, ObjectId>,
    /// Object IDs of registrations in this tenant, as far as they are known.
    pub registrations: BTreeMap<AppId, ObjectId>,
    /// What to ask the audit log.
    pub audits: BTreeSet<AuditQuestion>,
    /// The question that it was asked last. The log is asked few at a time, and the others come first then.
    pub audited: Option<AuditQuestion>,
}

impl Recall {
    /// What to ask the audit log, in turn.
    pub fn audits_in_turn(&self) -> impl Iterator<Item = &AuditQuestion> {
        let is_later = |question: &&AuditQuestion| self.audited.as_ref().is_none_or(|audited| *question > audited);
        let (later, earlier): (Vec<_>, Vec<_>) = self.audits.iter().partition(is_later);
        later.into_iter().chain(earlier)
    }
}

impl Memory {
    /// Nothing is remembered yet.
    pub fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            last_complete: None,
            failures: 0,
            doubts: Doubts::default(),
            advised: None,
            recall: Recall::default(),
            asked: BTreeMap::new(),
        }
    }
}

/// What follows from a look.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The status to publish; equal to the previous one if there is nothing to say.
    pub status: WebexAzureIntegrationStatus,
    /// What to remember.
    pub memory: Memory,
    /// What to tell as events.
    pub notices: Vec<Notice>,
    /// Pause before the next look; none: not before the object changes.
    pub next_look: Option<SignedDuration>,
    /// Until then the same look would lead to the same status; none: it may not.
    pub settled_until: Option<Timestamp>,
}

/// Decides everything that follows from a look.
pub fn decide(input: &Input<'_>) -> Decision {
    match input.desired {
        Err(violations) => without_look(input, invalid(input, violations)),
        Ok(desired) if desired.suspend => without_look(input, suspended(input)),
        Ok(desired) => match input.observation {
            Some(observation) => looked(input, desired, observation),
            None => without_look(input, input.previous.clone()),
        },
    }
}

/// The status after a mistake of ours: the verdict stands as it was, but the object is not Ready.
pub fn internal_error(
    previous: &WebexAzureIntegrationStatus,
    generation: i64,
    now: Timestamp,
) -> WebexAzureIntegrationStatus {
    failed(previous, generation, now, Reason::InternalError, message::INTERNAL_ERROR)
}

fn invalid(input: &Input<'_>, violations: &[Violation]) -> WebexAzureIntegrationStatus {
    failed(input.previous, input.generation, input.now, Reason::InvalidSpec, &message::invalid_spec(violations))
}

fn failed(
    previous: &WebexAzureIntegrationStatus,
    generation: i64,
    now: Timestamp,
    reason: Reason,
    message: &str,
) -> WebexAzureIntegrationStatus {
    let verdict = [ConditionType::Stalled, ConditionType::Ready].map(|condition| Draft {
        condition,
        status: if condition == ConditionType::Ready { ConditionStatus::False } else { ConditionStatus::True },
        reason,
        message: message.to_owned(),
    });
    let keep = |condition: ConditionType| {
        !matches!(
            condition,
            ConditionType::Ready | ConditionType::Stalled | ConditionType::Reconciling | ConditionType::Suspended
        )
    };
    let drafts: Vec<Draft> =
        verdict.into_iter().chain(published(previous).filter(|draft| keep(draft.condition))).collect();
    with_conditions(previous, &drafts, generation, now)
}

/// One write sets every observed generation, takes `Reconciling` and `Stalled` away and adds `Suspended`.
fn suspended(input: &Input<'_>) -> WebexAzureIntegrationStatus {
    let keep = |condition: ConditionType| {
        !matches!(condition, ConditionType::Stalled | ConditionType::Reconciling | ConditionType::Suspended)
    };
    let mut drafts: Vec<Draft> = published(input.previous).filter(|draft| keep(draft.condition)).collect();
    if !drafts.iter().any(|draft| draft.condition == ConditionType::Ready) {
        drafts.push(Draft {
            condition: ConditionType::Ready,
            status: ConditionStatus::Unknown,
            reason: Reason::Progressing,
            message: "Suspended before the first look.".to_owned(),
        });
    }
    drafts.push(Draft {
        condition: ConditionType::Suspended,
        status: ConditionStatus::True,
        reason: Reason::SuspendedByUser,
        message: "spec.suspend is true, so the tenant is not looked at; the other conditions tell what was last known."
            .to_owned(),
    });
    with_conditions(input.previous, &drafts, input.generation, input.now)
}

fn published(previous: &WebexAzureIntegrationStatus) -> impl Iterator<Item = Draft> {
    previous.conditions.iter().filter_map(|condition| {
        Some(Draft {
            condition: ConditionType::ALL.into_iter().find(|known| known.as_str() == condition.type_)?,
            status: match condition.status.as_str() {
                "True" => ConditionStatus::True,
                "False" => ConditionStatus::False,
                _ => ConditionStatus::Unknown,
            },
            reason: Reason::from_name(&condition.reason)?,
            message: condition.message.clone(),
        })
    })
}

fn with_conditions(
    previous: &WebexAzureIntegrationStatus,
    drafts: &[Draft],
    generation: i64,
    now: Timestamp,
) -> WebexAzureIntegrationStatus {
    WebexAzureIntegrationStatus {
        observed_generation: Some(generation),
        conditions: ready::merged(drafts, previous, generation, now),
        ..previous.clone()
    }
}

fn without_look(input: &Input<'_>, mut status: WebexAzureIntegrationStatus) -> Decision {
    echo_request(input, &mut status);
    Decision {
        status,
        memory: Memory::new(input.now),
        notices: Vec::new(),
        next_look: None,
        settled_until: Some(Timestamp::MAX),
    }
}

fn echo_request(input: &Input<'_>, status: &mut WebexAzureIntegrationStatus) {
    if let Some(requested_at) = input.requested_at {
        status.last_handled_reconcile_at = Some(super::text::safe(requested_at));
    }
}

fn looked(input: &Input<'_>, desired: &Desired, observation: &Observation) -> Decision {
    let observed = match observation {
        Observation::Looked(observed) => Some(observed),
        Observation::Blocked(_) => None,
    };
    let obstacle = match observation {
        Observation::Looked(observed) => observed.obstacle(),
        Observation::Blocked(obstacle) => Some(obstacle),
    };
    let Resolved { desired, unsettled } = identity::resolve(desired, observed, input.previous);
    let desired = desired.as_ref();
    let mut memory = input.memory.clone();
    memory.doubts.retain(|application| desired.application(application).is_some());
    let is_new_generation = input.previous.observed_generation != Some(input.generation);
    let is_stale = obstacle.is_some() && pace::is_stale(input, desired);
    let earlier = Earlier { status: input.previous, counts: !is_new_generation && !is_stale };

    let news = advice_news(input, is_new_generation);
    memory.advised = advised(input, observation, is_new_generation);

    let mut believed = Vec::new();
    for application in &desired.applications {
        let ctx = Context { desired, application, endpoints: input.endpoints, linkable: input.linkable };
        let seen = observed.and_then(|observed| Some((observed, observed.applications.get(&application.app_id)?)));
        believed.push(believe(ctx, seen, &earlier, &mut memory.doubts, input));
    }
    let settles_at = believed.iter().filter_map(|believed| believed.settles_at).min();
    let changes_at = believed.iter().filter_map(|believed| believed.changes_at).min();
    memory.recall.principals = ids(&believed, |entry| entry.service_principal_id.as_deref());
    memory.recall.registrations = ids(&believed, |entry| entry.application_object_id.as_deref());
    memory.recall.identity = desired.found_identity();

    let mut all_drift = drift_of(&believed);
    let mut applications = entries(&believed, unsettled.as_ref());
    inquire(input, &mut memory, &believed, &mut all_drift, observed, &mut applications);
    let situation = Situation {
        desired,
        previous: input.previous,
        generation: input.generation,
        believed: &believed,
        drift: &all_drift,
        obstacle,
        standing: match (is_new_generation, is_stale) {
            (false, false) if had_verdict(input.previous) => Standing::Stands,
            (false, true) if input.previous.last_observed_time.is_some() => Standing::Stale,
            (true | false, _) => Standing::None,
        },
        is_new_generation,
        unsettled: unsettled.as_ref(),
    };
    let drafts = ready::conditions(&situation);
    let mut status = WebexAzureIntegrationStatus {
        observed_generation: Some(input.generation),
        last_handled_reconcile_at: input.previous.last_handled_reconcile_at.clone(),
        last_observed_time: input.previous.last_observed_time.clone(),
        summary: Some(summary(&applications)),
        preset_revision: Some(catalog::PRESET_REVISION),
        applications,
        drift: all_drift.iter().take(DRIFT_MAX).cloned().collect(),
        drift_count: (!all_drift.is_empty()).then(|| i64::try_from(all_drift.len()).unwrap_or(i64::MAX)),
        drift_truncated: (all_drift.len() > DRIFT_MAX).then_some(true),
        conditions: ready::merged(&drafts, input.previous, input.generation, input.now),
    };
    echo_request(input, &mut status);

    if obstacle.is_none() {
        memory.last_complete = Some(input.now);
        memory.failures = 0;
        pace::beat(input, &mut status);
    } else {
        memory.failures = memory.failures.saturating_add(1);
    }
    Decision {
        notices: notices(desired, input.previous, &status, &all_drift).into_iter().chain(news).collect(),
        next_look: Some(pace::next_look(input, desired, &status, obstacle, settles_at, memory.failures)),
        settled_until: (obstacle.is_none() && settles_at.is_none())
            .then(|| pace::settled_until(input, &status).min(changes_at.unwrap_or(Timestamp::MAX))),
        status,
        memory,
    }
}

/// Advice that is new: to an author who just wrote the object, or since the last look. A process that has just started
/// does not know what an earlier one told, and stays silent about what it finds.
fn advice_news(input: &Input<'_>, is_new_generation: bool) -> Vec<Notice> {
    let is_news = |notice: &&Notice| match &input.memory.advised {
        Some(advised) => !advised.contains(notice),
        None => is_new_generation,
    };
    input.advice.iter().filter(is_news).cloned().collect()
}

/// The advice that counts as told after this look. A look that got nowhere did not learn all that there is, so that what
/// it is silent about has not ended.
fn advised(input: &Input<'_>, observation: &Observation, is_new_generation: bool) -> Option<BTreeSet<Notice>> {
    let present = input.advice.iter().cloned();
    match (observation, &input.memory.advised) {
        (Observation::Looked(_), _) => Some(present.collect()),
        (Observation::Blocked(_), Some(earlier)) => Some(earlier.iter().cloned().chain(present).collect()),
        (Observation::Blocked(_), None) => is_new_generation.then(|| present.collect()),
    }
}

/// Adds who made each difference, and takes advice back that was followed in vain.
fn inquire(
    input: &Input<'_>,
    memory: &mut Memory,
    believed: &[Believed<'_>],
    drift: &mut [DriftEntry],
    observed: Option<&Observed>,
    applications: &mut [ApplicationStatus],
) {
    let Some(desired) = believed.first().map(|believed| believed.ctx.desired) else { return };
    let drifted: BTreeSet<(String, Reason)> =
        drift.iter().filter_map(|entry| Some((entry.application.clone(), reason_of(entry)?))).collect();
    memory.asked.retain(|asked, _| drifted.contains(asked));
    for asked in drifted {
        memory.asked.entry(asked).or_insert(input.now);
    }
    let asked = memory.asked.clone();
    let inquiry = Inquiry { desired, applications, attribution: input.attribution, asked: &asked, now: input.now };
    inquiry.attribute(drift, observed);
    for entry in drift.iter_mut() {
        let Some(of) = believed.iter().find(|believed| believed.ctx.application.name == entry.application) else {
            continue;
        };
        let is_same = |earlier: &&DriftEntry| {
            (&earlier.application, &earlier.reason, &earlier.actual)
                == (&entry.application, &entry.reason, &entry.actual)
        };
        let was_in_vain = input.previous.drift.iter().find(is_same).and_then(|earlier| earlier.remedy.as_ref());
        let was_in_vain = was_in_vain.is_some_and(|remedy| remedy.action == Action::SetPermissions.as_str());
        if was_in_vain || inquiry.is_consent_in_vain(entry, observed) {
            entry.remedy = Some(of.ctx.set_permissions().status());
        }
    }
    let is_asked = |question: &&AuditQuestion| {
        let answer = observed.and_then(|observed| observed.audits.get(*question));
        answer.is_some_and(|answer| *answer != Reading::NotAsked)
    };
    let asked_last = memory.recall.audits_in_turn().filter(is_asked).last().cloned();
    memory.recall.audited = asked_last.or_else(|| memory.recall.audited.take());
    memory.recall.audits = inquiry.questions(drift);
    for application in applications {
        application.consent_url = consent_url(drift, &application.name);
    }
}

/// The link on which consent is granted, where consent is the remedy.
fn consent_url(drift: &[DriftEntry], application: &str) -> Option<String> {
    let remedies =
        drift.iter().filter(|entry| entry.application == application).filter_map(|entry| entry.remedy.as_ref());
    remedies.filter(|remedy| remedy.action == Action::Consent.as_str()).find_map(|remedy| remedy.url.clone())
}

/// The entries of the status, in the order in which applications are reported.
fn entries(believed: &[Believed<'_>], unsettled: Option<&Unsettled>) -> Vec<ApplicationStatus> {
    let mut entries: Vec<ApplicationStatus> = believed.iter().map(|believed| believed.entry.clone()).collect();
    if let Some(unsettled) = unsettled {
        let is_before = |believed: &&Believed<'_>| believed.ctx.application.role == Role::IdentityIntegration;
        let place = believed.iter().take_while(is_before).count();
        entries.insert(place, unsettled.entry());
    }
    entries
}

/// Object IDs of one kind, of the applications that are believed to have them.
fn ids(believed: &[Believed<'_>], of: impl Fn(&ApplicationStatus) -> Option<&str>) -> BTreeMap<AppId, ObjectId> {
    let ids = believed.iter().filter_map(|believed| {
        let id = of(&believed.entry)?.parse().ok()?;
        Some((believed.ctx.application.app_id, id))
    });
    ids.collect()
}

/// All differences, the gravest first; among equals in the order of the applications.
fn drift_of(believed: &[Believed<'_>]) -> Vec<DriftEntry> {
    let mut all: Vec<DriftEntry> = believed
        .iter()
        .flat_map(|believed| &believed.facets)
        .flat_map(|(_, belief)| match belief {
            Belief::Drifted(entries) => entries.clone(),
            Belief::Good | Belief::Unknown | Belief::Confirming | Belief::NotApplicable => Vec::new(),
        })
        .collect();
    all.sort_by_key(reason_of);
    for entry in &mut all {
        entry.since = entry.since.take().map(|since| Time(whole_second(since.0)));
    }
    all
}

fn summary(entries: &[ApplicationStatus]) -> Summary {
    let consents: Vec<&ConsentStatus> = entries.iter().filter_map(|entry| entry.consent.as_ref()).collect();
    let required: i64 = consents.iter().map(|consent| consent.required).sum();
    let granted: Option<i64> = consents.iter().map(|consent| consent.granted).sum();
    let granted = granted.map_or_else(|| "?".to_owned(), |granted| granted.to_string());
    let states: Vec<Option<&str>> = entries.iter().map(|entry| entry.state.as_deref()).collect();
    let present = states.iter().filter(|state| **state == Some("Present")).count();
    let present = if states.contains(&Some("Unknown")) { "?".to_owned() } else { present.to_string() };
    Summary {
        consent: (!consents.is_empty()).then(|| format!("{granted}/{required}")),
        applications: Some(format!("{present}/{}", entries.len())),
    }
}

/// Whether `Ready` speaks of the tenant: it is True, or False because of a difference.
fn had_verdict(previous: &WebexAzureIntegrationStatus) -> bool {
    previous.condition(ConditionType::Ready.as_str()).is_some_and(|ready| match ready.status.as_str() {
        "True" => true,
        "False" => Reason::from_name(&ready.reason).and_then(Facet::of).is_some(),
        _ => false,
    })
}

fn notices(
    desired: &Desired,
    previous: &WebexAzureIntegrationStatus,
    status: &WebexAzureIntegrationStatus,
    drift: &[DriftEntry],
) -> Vec<Notice> {
    let is_same = |a: &DriftEntry, b: &DriftEntry| a.application == b.application && a.reason == b.reason;
    let is_new = |entry: &&DriftEntry| !previous.drift.iter().any(|earlier| is_same(earlier, entry));
    let mut notices: Vec<Notice> =
        drift.iter().filter(is_new).map(|entry| notice::drift_detected(desired, entry)).collect();
    let says = |status: &WebexAzureIntegrationStatus, value: ConditionStatus| {
        let drifted = status.condition(ConditionType::Drifted.as_str());
        drifted.is_some_and(|drifted| drifted.status == value.as_str())
    };
    if says(previous, ConditionStatus::True) && says(status, ConditionStatus::False) {
        notices.push(notice::drift_resolved(desired));
    }
    notices.extend(notice::certificates_expiring(desired, previous, status));
    notices.extend(notice::extra_permissions_found(desired, previous, status));
    notices
}
