//! From facets to conditions: the table "from facets to Ready", first match wins.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{
    belief::Belief,
    desired::{Desired, Role},
    drift::{Facet, reason_of},
    identity::Unsettled,
    message,
    obstacle::Obstacle,
    remedy::{self, Context},
    timing::whole_second,
};
use crate::api::{
    ConditionType, DriftPolicy, Reason, WebexAzureIntegrationStatus,
    reason::ConditionStatus::{self, False, True, Unknown},
    status::{ApplicationStatus, DriftEntry},
};

/// What is believed about one application.
#[derive(Debug, Clone)]
pub struct Believed<'a> {
    /// Words about it.
    pub ctx: Context<'a>,
    /// Its entry in the status.
    pub entry: ApplicationStatus,
    /// Each facet that is required, in the order of gravity.
    pub facets: Vec<(Facet, Belief)>,
    /// Those of them that are believed to be good from an earlier look: this one could not read them, or has found
    /// something that another look has to confirm.
    pub unproved: Vec<Facet>,
    /// What is told of facets that are in order.
    pub notes: Vec<Note>,
    /// Set while something is not believed yet: when a further look can settle it.
    pub settles_at: Option<Timestamp>,
    /// When time alone will change what is believed.
    pub changes_at: Option<Timestamp>,
}

/// Something to tell of a facet that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The facet.
    pub facet: Facet,
    /// The reason that its condition gives.
    pub reason: Reason,
    /// A full sentence.
    pub sentence: String,
}

/// What the conditions are made from.
#[derive(Debug)]
pub struct Situation<'a> {
    /// What should be.
    pub desired: &'a Desired,
    /// What is published.
    pub previous: &'a WebexAzureIntegrationStatus,
    /// The generation that is spoken of.
    pub generation: i64,
    /// What is believed.
    pub believed: &'a [Believed<'a>],
    /// All differences, the gravest first.
    pub drift: &'a [DriftEntry],
    /// What stood in the way of this look.
    pub obstacle: Option<&'a Obstacle>,
    /// What the published verdict is worth if this look is incomplete.
    pub standing: Standing,
    /// Whether this is the first look at this generation.
    pub is_new_generation: bool,
    /// Set while it is not known which application is "Cisco Webex Identity".
    pub unsettled: Option<&'a Unsettled>,
}

impl Situation<'_> {
    /// Whether the condition says True already. One that does keeps saying so while something cannot be read; one that
    /// does not begins to only when this look has read everything under it.
    fn was_true(&self, condition: ConditionType) -> bool {
        self.previous.condition(condition.as_str()).is_some_and(|published| published.status == True.as_str())
    }
}

/// What a published verdict is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This generation has none.
    None,
    /// It can still be relied on.
    Stands,
    /// The last complete look is too old to rely on it.
    Stale,
}

/// A condition before it is merged with what is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its type.
    pub condition: ConditionType,
    /// Its status.
    pub status: ConditionStatus,
    /// Its reason.
    pub reason: Reason,
    /// Its message.
    pub message: String,
}

fn draft(condition: ConditionType, status: ConditionStatus, reason: Reason, message: impl Into<String>) -> Draft {
    Draft { condition, status, reason, message: message.into() }
}

/// All conditions of a look.
pub fn conditions(situation: &Situation<'_>) -> Vec<Draft> {
    let mut drafts = ready(situation);
    drafts.push(observed(situation.obstacle));
    drafts.push(drifted(situation));
    for facet in Facet::ALL {
        drafts.extend(facet_condition(situation, facet));
    }
    drafts
}

/// `Ready`, and `Stalled` or `Reconciling` with it.
fn ready(situation: &Situation<'_>) -> Vec<Draft> {
    let Situation { desired, obstacle, standing, .. } = situation;
    if let (Some(first), DriftPolicy::Fail) = (situation.drift.first(), desired.drift_policy) {
        let reason = reason_of(first).unwrap_or(Reason::DriftDetected);
        let brief = message::stalled_drifted(situation.drift);
        return stalled(reason, brief, message::ready_drifted(desired, situation.drift));
    }
    let lacks = |wanted: &[Belief]| {
        situation.believed.iter().flat_map(|believed| &believed.facets).any(|(_, belief)| wanted.contains(belief))
    };
    let is_half_proved = !situation.was_true(ConditionType::Ready)
        && situation.believed.iter().any(|believed| !believed.unproved.is_empty());
    let keeps_verdict = *standing == Standing::Stands
        && !lacks(&[Belief::Unknown, Belief::Confirming])
        && !is_half_proved
        && situation.unsettled.is_none();
    match obstacle {
        Some(obstacle) if obstacle.needs_person() && !keeps_verdict => {
            return stalled(obstacle.reason, obstacle.message.clone(), obstacle.message.clone());
        }
        Some(obstacle) if *standing == Standing::Stale => {
            return reconciling(Reason::ObservationStale, Reason::ProgressingWithRetry, stale(obstacle));
        }
        Some(_) | None => {}
    }
    if let Some(Unsettled::NotProved { message }) = situation.unsettled {
        return stalled(Reason::IdentityNotProved, message.clone(), message.clone());
    }
    if lacks(&[Belief::Confirming]) {
        let sentence = "Something that is required was not found at the first look; a second look will tell whether it is missing.";
        return reconciling(Reason::Confirming, Reason::Confirming, sentence.to_owned());
    }
    if lacks(&[Belief::Unknown]) || is_half_proved || situation.unsettled.is_some() {
        let going_on = match (obstacle, situation.is_new_generation) {
            (Some(_), _) | (None, false) => Reason::ProgressingWithRetry,
            (None, true) => Reason::NewGeneration,
        };
        let sentence = obstacle.map_or_else(
            || "The tenant has not been read completely yet.".to_owned(),
            |obstacle| format!("The tenant has not been read completely yet. {}", obstacle.message),
        );
        return reconciling(Reason::Progressing, going_on, sentence);
    }
    let sentence = match situation.drift.len() {
        0 => message::in_sync(desired),
        count => message::tolerated(count),
    };
    vec![draft(ConditionType::Ready, True, Reason::InSync, sentence)]
}

fn stale(obstacle: &Obstacle) -> String {
    format!("The last complete look at the tenant is too old to rely on. {}", obstacle.message)
}

fn stalled(reason: Reason, brief: String, message: String) -> Vec<Draft> {
    vec![draft(ConditionType::Stalled, True, reason, brief), draft(ConditionType::Ready, False, reason, message)]
}

fn reconciling(reason: Reason, going_on: Reason, message: String) -> Vec<Draft> {
    vec![
        draft(ConditionType::Reconciling, True, going_on, message.clone()),
        draft(ConditionType::Ready, Unknown, reason, message),
    ]
}

fn observed(obstacle: Option<&Obstacle>) -> Draft {
    match obstacle {
        None => draft(
            ConditionType::Observed,
            True,
            Reason::ObservationComplete,
            "Everything that was asked could be read.",
        ),
        Some(obstacle) => {
            let status = if obstacle.needs_person() { False } else { Unknown };
            draft(ConditionType::Observed, status, obstacle.reason, obstacle.message.clone())
        }
    }
}

fn drifted(situation: &Situation<'_>) -> Draft {
    if !situation.drift.is_empty() {
        return draft(ConditionType::Drifted, True, Reason::DriftDetected, message::drifted(situation.drift));
    }
    let is_settled = situation.unsettled.is_none();
    let is_known = is_settled
        && situation.believed.iter().flat_map(|believed| &believed.facets).all(|(_, belief)| match belief {
            Belief::Good | Belief::Drifted(_) | Belief::NotApplicable => true,
            Belief::Unknown | Belief::Confirming => false,
        });
    if is_known {
        draft(ConditionType::Drifted, False, Reason::NoDriftDetected, "The tenant is as declared.")
    } else {
        draft(ConditionType::Drifted, Unknown, Reason::NotObserved, "The tenant has not been read completely.")
    }
}

fn facet_condition(situation: &Situation<'_>, facet: Facet) -> Option<Draft> {
    let of_facet: Vec<(&Believed<'_>, &Belief)> = situation
        .believed
        .iter()
        .filter_map(|believed| Some((believed, &believed.facets.iter().find(|(of, _)| *of == facet)?.1)))
        .collect();
    let seeks = situation.unsettled.is_some() && is_sought(facet, situation.desired);
    if of_facet.is_empty() && !seeks {
        return None;
    }
    let condition = facet.condition();
    let drift: Vec<&DriftEntry> =
        situation.drift.iter().filter(|entry| reason_of(entry).and_then(Facet::of) == Some(facet)).collect();
    if let Some(reason) = drift.first().and_then(|entry| reason_of(entry)) {
        return Some(draft(condition, False, reason, message::facet_drifted(&drift)));
    }
    if let (Facet::Presence, Some(Unsettled::NotProved { message })) = (facet, situation.unsettled) {
        return Some(draft(condition, Unknown, Reason::IdentityNotProved, message.clone()));
    }
    let titles = |is_meant: &dyn Fn(&Believed<'_>, &Belief) -> bool| -> Vec<String> {
        let meant = of_facet.iter().filter(|(believed, belief)| is_meant(believed, belief));
        meant.map(|(believed, _)| believed.ctx.title()).collect()
    };
    let mut unknown = titles(&|_, belief| *belief != Belief::Good);
    if unknown.is_empty() && !situation.was_true(condition) {
        unknown = titles(&|believed, _| believed.unproved.contains(&facet));
    }
    if seeks {
        unknown.push(remedy::title(Role::Identity, ""));
    }
    if !unknown.is_empty() {
        if let Some(sentences) = not_supported(facet, &of_facet) {
            return Some(draft(condition, Unknown, Reason::NotSupportedInCloud, sentences));
        }
        let why = if seeks {
            "it is not clear which application that is"
        } else if of_facet.iter().any(|(_, belief)| **belief == Belief::NotApplicable) {
            "its service principal is not there"
        } else {
            "the tenant has not been read completely"
        };
        return Some(draft(
            condition,
            Unknown,
            Reason::NotObserved,
            format!("Not known for {}: {why}.", unknown.join(", ")),
        ));
    }
    Some(good(facet, &of_facet))
}

/// Whether this facet is required of "Cisco Webex Identity", whichever application that is.
fn is_sought(facet: Facet, desired: &Desired) -> bool {
    match facet {
        Facet::Presence | Facet::SignIn => true,
        Facet::Provisioning => desired.seeks_provisioning(),
        Facet::Consent | Facet::Certificates => false,
    }
}

/// What is told where the cloud is what keeps the facet from being known, and nothing else is.
fn not_supported(facet: Facet, of_facet: &[(&Believed<'_>, &Belief)]) -> Option<String> {
    let unknown = of_facet.iter().filter(|(_, belief)| **belief != Belief::Good);
    let sentences = unknown.map(|(believed, _)| {
        let mut notes = believed.notes.iter().filter(|note| note.facet == facet);
        notes.find(|note| note.reason == Reason::NotSupportedInCloud).map(|note| note.sentence.as_str())
    });
    let sentences = sentences.collect::<Option<Vec<&str>>>().filter(|sentences| !sentences.is_empty());
    sentences.map(|sentences| super::text::capped(sentences.join(" ")))
}

fn good(facet: Facet, of_facet: &[(&Believed<'_>, &Belief)]) -> Draft {
    let notes: Vec<&Note> =
        of_facet.iter().flat_map(|(believed, _)| &believed.notes).filter(|note| note.facet == facet).collect();
    let (reason, sentence) = match facet {
        Facet::Presence => (Reason::Present, "Every application has its service principal."),
        Facet::SignIn => (Reason::Enabled, "Every application may sign in."),
        Facet::Consent => (Reason::Granted, "Every required permission is granted."),
        Facet::Provisioning => (Reason::Healthy, "Every required provisioning job runs."),
        Facet::Certificates => (Reason::Current, "No certificate or client secret ends soon."),
    };
    let reason = notes.iter().map(|note| note.reason).max().unwrap_or(reason);
    let sentences: Vec<&str> = notes.iter().map(|note| note.sentence.as_str()).collect();
    let message = if sentences.is_empty() { sentence.to_owned() } else { super::text::capped(sentences.join(" ")) };
    draft(facet.condition(), True, reason, message)
}

/// The conditions as they are written: in the order of the table, and with the time of the last transition carried over
/// where the status did not change.
pub fn merged(
    drafts: &[Draft],
    previous: &WebexAzureIntegrationStatus,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let in_order =
        ConditionType::ALL.iter().filter_map(|condition| drafts.iter().find(|draft| draft.condition == *condition));
    in_order
        .map(|draft| {
            let earlier =
                previous.condition(draft.condition.as_str()).filter(|earlier| earlier.status == draft.status.as_str());
            Condition {
                type_: draft.condition.as_str().to_owned(),
                status: draft.status.as_str().to_owned(),
                reason: draft.reason.as_str().to_owned(),
                message: draft.message.clone(),
                observed_generation: Some(generation),
                last_transition_time: earlier
                    .map_or_else(|| Time(whole_second(now)), |earlier| earlier.last_transition_time.clone()),
            }
        })
        .collect()
}
