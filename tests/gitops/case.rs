//! The table: what can be so with an object, and what each pipeline has to make of it.
//!
//! Which case an object is in follows from its spec, its generation, `status.drift` and the reason of `Ready`, as the
//! table "from facets to Ready" has them; never from `Stalled`, `Reconciling` or the status of `Ready`, which is what the
//! pipelines read.

use std::fmt::Write as _;

use serde_json::Value;
use webex_azure_operator::api::{ConditionType, Reason, reason::ConditionStatus};

use super::judge::Judgement;

/// What can be so with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    Fresh,
    Edited,
    FirstVerdict,
    InSync,
    Tolerated,
    Unread,
    Outdated,
    Drifted,
    NotProved,
    NotReadable,
    InvalidSpec,
    InternalError,
    SuspendedInSync,
    SuspendedOtherwise,
    SuspendedUnseen,
    Deleting,
}

/// What each of them has to say.
#[derive(Debug, PartialEq, Eq)]
pub struct Expected {
    /// kstatus.
    pub kstatus: &'static str,
    /// Argo CD.
    pub argo: &'static str,
    /// Flux with `healthCheckExprs`.
    pub exprs: &'static str,
}

/// All is well, and what waits for it goes on.
const GOOD: Expected = Expected { kstatus: "Current", argo: "Healthy", exprs: "Current" };
/// Wait: it gets better or worse by itself.
const WAIT: Expected = Expected { kstatus: "InProgress", argo: "Progressing", exprs: "InProgress" };
/// Stop waiting: a person is needed.
const FAIL: Expected = Expected { kstatus: "Failed", argo: "Degraded", exprs: "Failed" };

impl Case {
    /// All, in the order in which the documents have them.
    pub const ALL: [Self; 16] = [
        Self::Fresh,
        Self::Edited,
        Self::FirstVerdict,
        Self::InSync,
        Self::Tolerated,
        Self::Unread,
        Self::Outdated,
        Self::Drifted,
        Self::NotProved,
        Self::NotReadable,
        Self::InvalidSpec,
        Self::InternalError,
        Self::SuspendedInSync,
        Self::SuspendedOtherwise,
        Self::SuspendedUnseen,
        Self::Deleting,
    ];

    /// What pipelines have to make of it.
    pub const fn expected(self) -> Expected {
        match self {
            Self::InSync | Self::Tolerated | Self::Unread => GOOD,
            Self::Fresh | Self::Edited | Self::FirstVerdict | Self::Outdated => WAIT,
            Self::Drifted | Self::NotProved | Self::NotReadable | Self::InvalidSpec | Self::InternalError => FAIL,
            // For kstatus Ready is as it was, and it knows nothing of suspension.
            Self::SuspendedInSync => Expected { argo: "Suspended", ..GOOD },
            Self::SuspendedOtherwise | Self::SuspendedUnseen => Expected { argo: "Suspended", ..WAIT },
            Self::Deleting => Expected { kstatus: "Terminating", ..WAIT },
        }
    }

    /// What is so, for the documents.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fresh => "just created",
            Self::Edited => "edited, and not looked at since",
            Self::FirstVerdict => "first look, or the second one that confirms it",
            Self::InSync => "everything is as declared",
            Self::Tolerated => "something drifted, `driftPolicy: Warn`",
            Self::Unread => "all was well, and the tenant cannot be read for the moment",
            Self::Outdated => "the tenant could not be read for longer than the interval and 15 minutes",
            Self::Drifted => "something drifted",
            Self::NotProved => "nothing proves which application is \"Cisco Webex Identity\"",
            Self::NotReadable => "the tenant cannot be read until a person helps: credential, permission, policy",
            Self::InvalidSpec => "the spec breaks a rule",
            Self::InternalError => "the operator made a mistake of its own",
            Self::SuspendedInSync => "suspended when everything was as declared",
            Self::SuspendedOtherwise => "suspended when it was not",
            Self::SuspendedUnseen => "just suspended",
            Self::Deleting => "being deleted, and held back by someone's finalizer",
        }
    }

    /// The case of an object that has a status.
    pub fn of(object: &Value) -> Self {
        let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
        let is_suspended = spec["suspend"] == true;
        if !metadata["deletionTimestamp"].is_null() {
            return Self::Deleting;
        }
        if status["observedGeneration"] != metadata["generation"] {
            return match (is_suspended, status["observedGeneration"].as_i64()) {
                (true, _) => Self::SuspendedUnseen,
                (false, Some(-1)) => Self::Fresh,
                (false, _) => Self::Edited,
            };
        }
        let Some(reason) = reason_of(object, ConditionType::Ready) else { panic!("Ready is not there: {object}") };
        let is_good = reason == Reason::InSync;
        let has_drift = status["drift"].as_array().is_some_and(|drift| !drift.is_empty());
        let is_read = || reason_of(object, ConditionType::Observed) == Some(Reason::ObservationComplete);
        let first_that_holds = [
            (Self::InvalidSpec, reason == Reason::InvalidSpec),
            (Self::InternalError, reason == Reason::InternalError),
            (Self::SuspendedInSync, is_suspended && is_good),
            (Self::SuspendedOtherwise, is_suspended),
            (Self::Drifted, has_drift && spec["driftPolicy"] != "Warn"),
            (Self::Tolerated, is_good && has_drift),
            (Self::InSync, is_good && is_read()),
            (Self::Unread, is_good),
            (Self::FirstVerdict, [Reason::Progressing, Reason::Confirming].contains(&reason)),
            (Self::Outdated, reason == Reason::ObservationStale),
            (Self::NotProved, reason == Reason::IdentityNotProved),
            (Self::NotReadable, reason.fits(ConditionType::Observed, ConditionStatus::False)),
        ];
        let found = first_that_holds.into_iter().find_map(|(case, holds)| holds.then_some(case));
        found.unwrap_or_else(|| panic!("{reason} decides nothing where nothing drifted: {object}"))
    }
}

fn condition(object: &Value, of: ConditionType) -> Option<&Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == of.as_str())
}

fn reason_of(object: &Value, of: ConditionType) -> Option<Reason> {
    Reason::from_name(condition(object, of)?["reason"].as_str()?)
}

/// What is wrong with what they say of the object.
pub fn complaints(object: &Value, judgement: &Judgement) -> Vec<String> {
    let case = Case::of(object);
    let Expected { kstatus, argo, exprs } = case.expected();
    let mut found = Vec::new();
    for (who, said, expected) in [
        ("kstatus", &judgement.kstatus, kstatus),
        ("Argo CD", &judgement.argo, argo),
        ("Flux with healthCheckExprs", &judgement.exprs, exprs),
    ] {
        if said.status != expected || !said.error.is_empty() {
            found.push(format!("{case:?}: {who} says {said:?}, not {expected}"));
        }
    }
    found.extend(wrong_words(object, case, judgement));
    found.extend(harm(judgement).map(|harm| format!("{case:?}: {harm}")));
    found
}

/// Argo CD shows what the condition that decided says.
fn wrong_words(object: &Value, case: Case, judgement: &Judgement) -> Option<String> {
    let says = |of: ConditionType| condition(object, of).map(|condition| condition["message"].clone());
    let expected = match case {
        Case::Fresh | Case::Edited | Case::SuspendedUnseen | Case::Deleting => return None,
        Case::FirstVerdict | Case::InSync | Case::Tolerated | Case::Unread | Case::Outdated => {
            says(ConditionType::Ready)
        }
        Case::Drifted | Case::NotProved | Case::NotReadable | Case::InvalidSpec | Case::InternalError => {
            says(ConditionType::Stalled)
        }
        Case::SuspendedInSync | Case::SuspendedOtherwise => says(ConditionType::Suspended),
    };
    let message = &judgement.argo.message;
    if expected.as_ref().and_then(Value::as_str) != Some(message) {
        return Some(format!("{case:?}: Argo CD shows {message:?}, not {expected:?}"));
    }
    let is_silent = case == Case::Tolerated && !message.contains("driftPolicy Warn tolerates");
    is_silent.then(|| format!("{case:?}: Argo CD does not say that something drifted: {message:?}"))
}

/// A disagreement by which one pipeline goes on where another one fails.
pub fn harm(judgement: &Judgement) -> Option<String> {
    let Judgement { kstatus, argo, exprs, .. } = judgement;
    let fails = [kstatus.status == "Failed", argo.status == "Degraded", exprs.status == "Failed"];
    let is_split = fails.contains(&true) && fails.contains(&false);
    let goes_on = argo.status == "Healthy" && (kstatus.status != "Current" || exprs.status != "Current");
    let holds_back = kstatus.status == "Current" && !["Healthy", "Suspended"].contains(&argo.status.as_str());
    let differs_in_flux = (kstatus.status == "Current") != (exprs.status == "Current");
    (is_split || goes_on || holds_back || differs_in_flux)
        .then(|| format!("they disagree: {kstatus:?}, {argo:?}, {exprs:?}"))
}

/// The rules of Flux that the object breaks after a write of its status.
pub fn broken_rules(object: &Value, judgement: &Judgement) -> Vec<String> {
    // Between an edit and the write that answers it, nobody but the API server could keep them.
    if object["status"]["observedGeneration"] != object["metadata"]["generation"] {
        return Vec::new();
    }
    let is_midway = condition(object, ConditionType::Reconciling).is_some();
    let broken = if is_midway { &judgement.midway } else { &judgement.settled };
    broken.fail.iter().chain(&broken.warn).cloned().collect()
}

/// The table for the documents.
pub fn table() -> String {
    let mut text =
        "| what is so | Argo CD | kstatus: Flux, Helm | Flux with `healthCheckExprs` |\n| --- | --- | --- | --- |\n"
            .to_owned();
    for case in Case::ALL {
        let Expected { kstatus, argo, exprs } = case.expected();
        let _ = writeln!(text, "| {} | {argo} | {kstatus} | {exprs} |", case.words());
    }
    text
}
