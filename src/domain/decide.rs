//! From one look to everything that follows from it: the status, what to tell, when to look again.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    belief::{Belief, Doubts, Finding, Outcome, Question},
    catalog,
    cloud::Endpoints,
    consent,
    desired::{Desired, DesiredApplication},
    drift::{Facet, reason_of},
    message,
    observed::{Observation, Observed, ObservedApplication},
    obstacle::Obstacle,
    presence,
    ready::{self, Believed, Draft, Situation, Standing},
    remedy::Context,
    sign_in,
    timing::{Timing, later, whole_second},
};
use crate::api::{
    AppId, ConditionType, Reason, SignIn, WebexAzureIntegrationStatus,
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
    /// What the process remembers of earlier looks.
    pub memory: &'a Memory,
    /// Windows and paces.
    pub timing: &'a Timing,
    /// Where links lead.
    pub endpoints: &'a Endpoints,
    /// Applications for which the process allows consent links, besides the catalog's.
    pub linkable: &'a [AppId],
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
}

impl Memory {
    /// Nothing is remembered yet.
    pub fn new(now: Timestamp) -> Self {
        Self { since: now, last_complete: None, failures: 0, doubts: Doubts::default() }
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

/// Something to tell once, as a Kubernetes event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Reason of the event.
    pub reason: &'static str,
    /// Whether it is bad news.
    pub is_warning: bool,
    /// The sentences.
    pub message: String,
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
    let mut memory = input.memory.clone();
    memory.doubts.retain(|application| desired.application(application).is_some());
    let is_new_generation = input.previous.observed_generation != Some(input.generation);
    let is_stale = obstacle.is_some() && is_stale(input, desired);
    let earlier = Earlier { status: input.previous, counts: !is_new_generation && !is_stale };

    let mut believed = Vec::new();
    let mut settles_at: Option<Timestamp> = None;
    for application in &desired.applications {
        let ctx = Context { desired, application, endpoints: input.endpoints, linkable: input.linkable };
        let seen = observed.and_then(|observed| Some((observed, observed.applications.get(&application.app_id)?)));
        let (belief, open) = believe(ctx, seen, &earlier, &mut memory.doubts, input);
        settles_at = settles_at.into_iter().chain(open).min();
        believed.push(belief);
    }

    let all_drift = drift_of(&believed);
    let situation = Situation {
        desired,
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
    };
    let drafts = ready::conditions(&situation);
    let mut status = WebexAzureIntegrationStatus {
        observed_generation: Some(input.generation),
        last_handled_reconcile_at: input.previous.last_handled_reconcile_at.clone(),
        last_observed_time: input.previous.last_observed_time.clone(),
        summary: Some(summary(&believed)),
        preset_revision: Some(catalog::PRESET_REVISION),
        applications: believed.iter().map(|believed| believed.entry.clone()).collect(),
        drift: all_drift.iter().take(DRIFT_MAX).cloned().collect(),
        drift_count: (!all_drift.is_empty()).then(|| i64::try_from(all_drift.len()).unwrap_or(i64::MAX)),
        drift_truncated: (all_drift.len() > DRIFT_MAX).then_some(true),
        conditions: ready::merged(&drafts, input.previous, input.generation, input.now),
    };
    echo_request(input, &mut status);

    if obstacle.is_none() {
        memory.last_complete = Some(input.now);
        memory.failures = 0;
        beat(input, &mut status);
    } else {
        memory.failures = memory.failures.saturating_add(1);
    }
    Decision {
        notices: notices(desired, input.previous, &status, &all_drift),
        next_look: Some(next_look(input, desired, &status, obstacle, settles_at, memory.failures)),
        settled_until: (obstacle.is_none() && settles_at.is_none()).then(|| settled_until(input, &status)),
        status,
        memory,
    }
}

/// The earlier status, and whether its verdict still counts.
struct Earlier<'a> {
    status: &'a WebexAzureIntegrationStatus,
    counts: bool,
}

impl Earlier<'_> {
    fn drift(&self, application: &str, facet: Facet) -> Vec<DriftEntry> {
        let of_facet = |entry: &&DriftEntry| {
            entry.application == application && reason_of(entry).and_then(Facet::of) == Some(facet)
        };
        self.status.drift.iter().filter(of_facet).cloned().collect()
    }

    fn belief(&self, application: &DesiredApplication, facet: Facet) -> Option<Belief> {
        let entry = self.entry(application)?;
        if !self.counts {
            return None;
        }
        let drift = self.drift(&application.name, facet);
        if !drift.is_empty() {
            return Some(Belief::Drifted(drift));
        }
        let lives = !matches!(entry.state.as_deref(), None | Some("Unknown" | "SoftDeleted" | "Missing" | "Ambiguous"));
        let was_read = match facet {
            Facet::Presence => lives,
            Facet::SignIn => lives && entry.sign_in_enabled == Some(true),
            Facet::Consent => entry.consent.as_ref().is_some_and(|consent| consent.granted.is_some()),
        };
        was_read.then_some(Belief::Good)
    }

    /// The entry of the same application; an entry of the same name with another application ID is not about it.
    fn entry(&self, application: &DesiredApplication) -> Option<&ApplicationStatus> {
        self.status.application(&application.name).filter(|entry| entry.app_id == application.app_id.to_string())
    }
}

fn believe<'a>(
    ctx: Context<'a>,
    seen: Option<(&Observed, &ObservedApplication)>,
    earlier: &Earlier<'_>,
    doubts: &mut Doubts,
    input: &Input<'_>,
) -> (Believed<'a>, Option<Timestamp>) {
    let application = ctx.application;
    let entry = earlier.entry(application);
    let last_observed = input.previous.last_observed_time.as_ref().map(|time| time.0);
    let mut settle = |facet: Facet, finding: &Finding| -> Outcome {
        let previous = earlier.belief(application, facet);
        let believed_absent = believed_absent(earlier, entry, application, facet);
        let question =
            Question { application: &application.name, facet, finding, previous, believed_absent, last_observed };
        doubts.settle(question, input.now, input.timing)
    };

    let presence = seen.map(|(_, seen)| presence::judge(ctx, input.now, entry, seen));
    let found = presence.as_ref().map_or(Finding::Unknown, |presence| presence.finding.clone());
    let presence_outcome = settle(Facet::Presence, &found);
    let mut status = ApplicationStatus {
        name: application.name.clone(),
        app_id: application.app_id.to_string(),
        ..ApplicationStatus::default()
    };
    match presence.filter(|_| presence_outcome.is_fresh) {
        Some(presence) => {
            status.service_principal_id = presence.service_principal_id;
            status.superseded_service_principal_id = presence.superseded;
            status.application_object_id = presence.application_object_id;
            status.display_name = presence.display_name;
            status.restore_before = presence.restore_before.map(Time);
        }
        None => keep_presence(&mut status, entry, &presence_outcome.belief),
    }

    let principal = seen.and_then(|(_, seen)| seen.service_principal.known());
    let is_gone = matches!(presence_outcome.belief, Belief::Drifted(_));
    let beyond = |outcome: Outcome| {
        if is_gone { Outcome { belief: Belief::NotApplicable, is_fresh: false, settles_at: None } } else { outcome }
    };
    let mut outcomes = vec![(Facet::Presence, presence_outcome.clone())];
    if application.sign_in == SignIn::Enabled {
        let finding =
            principal.filter(|_| !is_gone).map_or(Finding::Unknown, |principal| sign_in::judge(ctx, principal));
        outcomes.push((Facet::SignIn, beyond(settle(Facet::SignIn, &finding))));
    }
    let mut differs_from_published = false;
    if !application.required.is_empty() {
        let earlier_consent = entry.and_then(|entry| entry.consent.as_ref());
        let judged = seen
            .filter(|_| !is_gone && principal.is_some())
            .map(|(observed, seen)| consent::judge(ctx, earlier_consent, observed, seen));
        let finding = judged.as_ref().map_or(Finding::Unknown, |judged| judged.finding.clone());
        let outcome = beyond(settle(Facet::Consent, &finding));
        let (consent, differs) = match judged.filter(|_| outcome.is_fresh) {
            Some(judged) => (judged.status, judged.differs_from_published),
            None => kept_consent(application, earlier_consent, &outcome.belief),
        };
        status.consent = Some(consent);
        differs_from_published = differs;
        outcomes.push((Facet::Consent, outcome));
    }

    let settles_at = outcomes.iter().filter_map(|(_, outcome)| outcome.settles_at).min();
    let facets: Vec<(Facet, Belief)> = outcomes.into_iter().map(|(facet, outcome)| (facet, outcome.belief)).collect();
    status.state = Some(state(&facets).to_owned());
    status.sign_in_enabled =
        facets.iter().find(|(facet, _)| *facet == Facet::SignIn).and_then(|(_, belief)| match belief {
            Belief::Good => Some(true),
            Belief::Drifted(_) => Some(false),
            Belief::Unknown | Belief::Confirming | Belief::NotApplicable => None,
        });
    status.consent_url = consent_url(&facets);
    (Believed { ctx, entry: status, facets, differs_from_published }, settles_at)
}

fn believed_absent(
    earlier: &Earlier<'_>,
    entry: Option<&ApplicationStatus>,
    application: &DesiredApplication,
    facet: Facet,
) -> std::collections::BTreeSet<String> {
    let drift = earlier.drift(&application.name, facet);
    if drift.is_empty() || !earlier.counts {
        return std::collections::BTreeSet::new();
    }
    match facet {
        Facet::Presence if drift.iter().any(|entry| reason_of(entry) == Some(Reason::ServicePrincipalMissing)) => {
            std::collections::BTreeSet::from(["service principal".to_owned()])
        }
        Facet::Consent => entry
            .and_then(|entry| entry.consent.as_ref())
            .map(|consent| consent.missing.iter().cloned().collect())
            .unwrap_or_default(),
        Facet::Presence | Facet::SignIn => std::collections::BTreeSet::new(),
    }
}

/// The fields of presence as they were: identifiers are kept for good, because restore and audit log need them.
fn keep_presence(status: &mut ApplicationStatus, entry: Option<&ApplicationStatus>, belief: &Belief) {
    let Some(entry) = entry else { return };
    status.service_principal_id.clone_from(&entry.service_principal_id);
    status.superseded_service_principal_id.clone_from(&entry.superseded_service_principal_id);
    status.display_name.clone_from(&entry.display_name);
    if matches!(belief, Belief::Drifted(_)) {
        status.application_object_id.clone_from(&entry.application_object_id);
        status.restore_before.clone_from(&entry.restore_before);
    }
}

/// The permissions as they were, without figures where nothing is known now. The baseline is kept for good.
fn kept_consent(
    application: &DesiredApplication,
    earlier: Option<&ConsentStatus>,
    belief: &Belief,
) -> (ConsentStatus, bool) {
    match (earlier, belief) {
        (Some(earlier), Belief::Good | Belief::Drifted(_)) => {
            let differs = *belief == Belief::Good && !earlier.missing.is_empty();
            (earlier.clone(), differs)
        }
        (earlier, Belief::Good | Belief::Drifted(_) | Belief::Unknown | Belief::Confirming | Belief::NotApplicable) => {
            let baseline = earlier.map(|earlier| earlier.baseline.clone()).unwrap_or_default();
            let required = i64::try_from(application.required.len()).unwrap_or(i64::MAX);
            (ConsentStatus { granted: None, required, missing: Vec::new(), baseline }, false)
        }
    }
}

fn state(facets: &[(Facet, Belief)]) -> &'static str {
    let reasons = || {
        facets.iter().flat_map(|(_, belief)| match belief {
            Belief::Drifted(entries) => entries.as_slice(),
            Belief::Good | Belief::Unknown | Belief::Confirming | Belief::NotApplicable => &[],
        })
    };
    let gravest = reasons().filter_map(reason_of).filter(|reason| Facet::of(*reason) != Some(Facet::Consent)).min();
    let of_presence = facets.iter().find(|(facet, _)| *facet == Facet::Presence).map(|(_, belief)| belief);
    match gravest {
        Some(Reason::ServicePrincipalSoftDeleted | Reason::ApplicationSoftDeleted) => "SoftDeleted",
        Some(Reason::ServicePrincipalMissing) => "Missing",
        Some(Reason::AmbiguousServicePrincipal) => "Ambiguous",
        Some(Reason::ServicePrincipalDisabled) => "Disabled",
        Some(Reason::ApplicationDeactivated) => "Deactivated",
        Some(Reason::DisabledByMicrosoft) => "DisabledByMicrosoft",
        _ if of_presence == Some(&Belief::Good) => "Present",
        _ => "Unknown",
    }
}

fn consent_url(facets: &[(Facet, Belief)]) -> Option<String> {
    let entries = facets.iter().filter_map(|(_, belief)| match belief {
        Belief::Drifted(entries) => Some(entries),
        Belief::Good | Belief::Unknown | Belief::Confirming | Belief::NotApplicable => None,
    });
    entries
        .flatten()
        .filter_map(|entry| entry.remedy.as_ref())
        .find(|remedy| remedy.action == super::remedy::Action::Consent.as_str())
        .and_then(|remedy| remedy.url.clone())
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

fn summary(believed: &[Believed<'_>]) -> Summary {
    let consents: Vec<&ConsentStatus> =
        believed.iter().filter_map(|believed| believed.entry.consent.as_ref()).collect();
    let required: i64 = consents.iter().map(|consent| consent.required).sum();
    let granted: Option<i64> = consents.iter().map(|consent| consent.granted).sum();
    let granted = granted.map_or_else(|| "?".to_owned(), |granted| granted.to_string());
    let states: Vec<Option<&str>> = believed.iter().map(|believed| believed.entry.state.as_deref()).collect();
    let present = states.iter().filter(|state| **state == Some("Present")).count();
    let present = if states.contains(&Some("Unknown")) { "?".to_owned() } else { present.to_string() };
    Summary {
        consent: (!consents.is_empty()).then(|| format!("{granted}/{required}")),
        applications: Some(format!("{present}/{}", believed.len())),
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

/// Whether the last complete look is too old to rely on. A process that has just started counts from its start, but
/// not past what the status itself tells.
fn is_stale(input: &Input<'_>, desired: &Desired) -> bool {
    let patience = desired.interval.saturating_add(input.timing.stale_margin);
    let last_complete = input.memory.last_complete.unwrap_or(input.memory.since);
    let by_status = match (input.timing.heartbeat, &input.previous.last_observed_time) {
        (Some(heartbeat), Some(last)) => input.now > later(last.0, patience.saturating_add(heartbeat)),
        (None, _) | (_, None) => false,
    };
    input.now > later(last_complete, patience) || by_status
}

/// Moves `lastObservedTime` with any other change, else once per heartbeat.
fn beat(input: &Input<'_>, status: &mut WebexAzureIntegrationStatus) {
    let is_due = match (input.timing.heartbeat, &input.previous.last_observed_time) {
        (Some(heartbeat), Some(last)) => input.now >= later(last.0, heartbeat),
        (None, Some(_)) => false,
        (_, None) => true,
    };
    if is_due || status != input.previous {
        status.last_observed_time = Some(Time(whole_second(input.now)));
    }
}

/// The first moment at which time alone would change the status.
fn settled_until(input: &Input<'_>, status: &WebexAzureIntegrationStatus) -> Timestamp {
    let heartbeat = match (input.timing.heartbeat, &status.last_observed_time) {
        (Some(heartbeat), Some(last)) => Some(later(last.0, heartbeat)),
        (None, _) | (_, None) => None,
    };
    let deadlines = status.applications.iter().filter_map(|entry| entry.restore_before.as_ref().map(|time| time.0));
    heartbeat.into_iter().chain(deadlines).min().unwrap_or(Timestamp::MAX)
}

fn next_look(
    input: &Input<'_>,
    desired: &Desired,
    status: &WebexAzureIntegrationStatus,
    obstacle: Option<&Obstacle>,
    settles_at: Option<Timestamp>,
    failures: u32,
) -> SignedDuration {
    let timing = input.timing;
    let turned_bad = status
        .condition(ConditionType::Ready.as_str())
        .filter(|ready| ready.status == ConditionStatus::False.as_str())
        .map(|ready| ready.last_transition_time.0);
    let is_being_mended = turned_bad.is_some_and(|at| input.now < later(at, timing.relook_for));
    let interval = timing.interval(desired.interval);
    let regular = if is_being_mended { timing.relook.min(interval) } else { interval };
    let pause = match obstacle {
        Some(obstacle) if !obstacle.needs_person() => {
            let asked = SignedDuration::from_secs(obstacle.wait_seconds.unwrap_or(0).into());
            timing.retry_after(failures).min(interval).max(asked)
        }
        Some(_) | None => regular,
    };
    match settles_at {
        Some(at) => pause.min(at.duration_since(input.now)).max(SignedDuration::from_millis(1)),
        None => pause,
    }
}

fn notices(
    desired: &Desired,
    previous: &WebexAzureIntegrationStatus,
    status: &WebexAzureIntegrationStatus,
    drift: &[DriftEntry],
) -> Vec<Notice> {
    let is_same = |a: &DriftEntry, b: &DriftEntry| a.application == b.application && a.reason == b.reason;
    let mut notices: Vec<Notice> = drift
        .iter()
        .filter(|entry| !previous.drift.iter().any(|earlier| is_same(earlier, entry)))
        .map(|entry| {
            let is_consent = reason_of(entry).and_then(Facet::of) == Some(Facet::Consent);
            Notice {
                reason: if is_consent { "ConsentMissing" } else { "DriftDetected" },
                is_warning: true,
                message: super::text::capped(message::in_full(desired, entry)),
            }
        })
        .collect();
    let was_drifted =
        previous.condition(ConditionType::Drifted.as_str()).is_some_and(|drifted| drifted.status == "True");
    let is_resolved =
        status.condition(ConditionType::Drifted.as_str()).is_some_and(|drifted| drifted.status == "False");
    if was_drifted && is_resolved {
        notices.push(Notice { reason: "DriftResolved", is_warning: false, message: message::in_sync(desired) });
    }
    notices
}
