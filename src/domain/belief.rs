//! When a look is believed. Reads of Microsoft Graph lag its writes and replicas disagree, so one look that finds
//! something missing proves little.
//!
//! - Absence is believed when it is proved (the deletion is listed, and is younger than the last good look) or when two
//!   looks at least the confirmation window apart agree, three times as long for a whole service principal.
//! - A facet whose belief changed less than the window ago does not change back before the window has passed, unless
//!   the change is proved: a stale replica must not make conditions flap.
//! - What could not be read keeps the earlier belief until that is stale.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    drift::{Drift, Facet, reason_of},
    timing::{Timing, later},
};
use crate::api::status::DriftEntry;

/// What one look tells about one facet of one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// As declared.
    Good,
    /// Not as declared.
    Drifted {
        /// The differences.
        drifts: Vec<Drift>,
        /// How far the look is to be trusted.
        evidence: Evidence,
    },
    /// Not readable.
    Unknown,
}

/// How far a look that finds a difference is to be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Something says so itself, such as a switch that is off.
    Explicit,
    /// A record of the change was found, dated so.
    Proved {
        /// When the change happened, where told.
        at: Option<Timestamp>,
    },
    /// These things were not found.
    Absence(BTreeSet<String>),
}

/// What is believed about one facet of one application.
#[derive(Debug, Clone, PartialEq)]
pub enum Belief {
    /// As declared.
    Good,
    /// Not as declared.
    Drifted(Vec<DriftEntry>),
    /// Not known.
    Unknown,
    /// Not known, and the first look found something missing that a second look has to confirm.
    Confirming,
    /// The facet does not exist, because the service principal does not.
    NotApplicable,
}

/// What is remembered between two looks of one process, by application and facet. Losing it costs a second look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubts {
    absent_since: BTreeMap<(String, Facet, String), Timestamp>,
    changed: BTreeMap<(String, Facet), Timestamp>,
}

/// The belief that follows from a look, and when it will be worth looking again because of a doubt.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What is believed now.
    pub belief: Belief,
    /// Whether the fields that belong to the facet are to be taken from this look.
    pub is_fresh: bool,
    /// Set while the look is not believed: when a further look can settle it.
    pub settles_at: Option<Timestamp>,
}

/// What is needed to judge one facet.
#[derive(Debug)]
pub struct Question<'a> {
    /// Name of the application in the object.
    pub application: &'a str,
    /// The facet.
    pub facet: Facet,
    /// What the look found.
    pub finding: &'a Finding,
    /// What was believed before, if it still counts.
    pub previous: Option<Belief>,
    /// Items that were already believed absent.
    pub believed_absent: BTreeSet<String>,
    /// Time of the last complete look in the status.
    pub last_observed: Option<Timestamp>,
}

impl Doubts {
    /// Forgets the applications that are no longer declared.
    pub fn retain(&mut self, is_declared: impl Fn(&str) -> bool) {
        self.absent_since.retain(|(application, ..), _| is_declared(application));
        self.changed.retain(|(application, _), _| is_declared(application));
    }

    /// What to believe of one facet after this look.
    pub fn settle(&mut self, question: Question<'_>, now: Timestamp, timing: &Timing) -> Outcome {
        let Question { application, facet, finding, previous, believed_absent, last_observed } = question;
        let key = (application.to_owned(), facet);
        let was_good = previous == Some(Belief::Good);
        let was_drifted = matches!(previous, Some(Belief::Drifted(_)));
        let held_until =
            self.changed.get(&key).map(|changed| later(*changed, timing.confirmation)).filter(|until| *until > now);
        let settles_at = match finding {
            Finding::Unknown => {
                return Outcome { belief: previous.unwrap_or(Belief::Unknown), is_fresh: false, settles_at: None };
            }
            Finding::Good => {
                self.confirmed_at(&key, &BTreeSet::new(), now, timing);
                held_until.filter(|_| was_drifted)
            }
            Finding::Drifted { evidence, .. } => {
                let open = open_items(evidence, was_good, last_observed, &believed_absent);
                let confirmed_at = self.confirmed_at(&key, &open, now, timing);
                let is_switch = *evidence == Evidence::Explicit;
                confirmed_at.or(held_until.filter(|_| was_good && is_switch))
            }
        };
        if settles_at.is_some() {
            return Outcome { belief: previous.unwrap_or(Belief::Confirming), is_fresh: false, settles_at };
        }
        let belief = match finding {
            Finding::Good => Belief::Good,
            Finding::Drifted { drifts, .. } => Belief::Drifted(entries(drifts, previous.as_ref(), now)),
            Finding::Unknown => Belief::Unknown,
        };
        let turned = match &belief {
            Belief::Good => !was_good,
            Belief::Drifted(_) => !was_drifted,
            Belief::Unknown | Belief::Confirming | Belief::NotApplicable => false,
        };
        if turned {
            self.changed.insert(key, now);
        }
        Outcome { belief, is_fresh: true, settles_at: None }
    }

    /// Notes that exactly these items of the facet were not found, and tells when to look again if the last of them has
    /// not been absent for long enough; none if all have.
    fn confirmed_at(
        &mut self,
        key: &(String, Facet),
        items: &BTreeSet<String>,
        now: Timestamp,
        timing: &Timing,
    ) -> Option<Timestamp> {
        let (application, facet) = key;
        let window = if *facet == Facet::Presence { timing.disappearance } else { timing.confirmation };
        self.absent_since
            .retain(|(of, in_facet, item), _| of != application || in_facet != facet || items.contains(item));
        items
            .iter()
            .map(|item| *self.absent_since.entry((application.clone(), *facet, item.clone())).or_insert(now))
            .map(|since| later(since, window))
            .filter(|confirmed| *confirmed > now)
            .max()
            .map(|confirmed| confirmed.min(later(now, timing.confirmation)))
    }
}

/// What a second look has to confirm.
fn open_items(
    evidence: &Evidence,
    was_good: bool,
    last_observed: Option<Timestamp>,
    believed_absent: &BTreeSet<String>,
) -> BTreeSet<String> {
    match evidence {
        Evidence::Explicit => BTreeSet::new(),
        Evidence::Absence(items) => items.difference(believed_absent).cloned().collect(),
        Evidence::Proved { at } => {
            // A deletion that is older than the last good look was undone since; finding it again is a stale read.
            let is_news = at.is_some_and(|at| last_observed.is_none_or(|good| at >= good));
            if was_good && !is_news { BTreeSet::from(["service principal".to_owned()]) } else { BTreeSet::new() }
        }
    }
}

/// The entries for the status; one that was there before keeps its time.
fn entries(drifts: &[Drift], previous: Option<&Belief>, now: Timestamp) -> Vec<DriftEntry> {
    let earlier: &[DriftEntry] = match previous {
        Some(Belief::Drifted(entries)) => entries,
        Some(Belief::Good | Belief::Unknown | Belief::Confirming | Belief::NotApplicable) | None => &[],
    };
    drifts
        .iter()
        .map(|drift| {
            let mut entry = drift.entry(now);
            let same = earlier.iter().find(|earlier| reason_of(earlier) == Some(drift.reason));
            if let Some(same) = same {
                if drift.since.is_none() {
                    entry.since.clone_from(&same.since);
                }
                // Whoever made another difference of the same kind, such as a second deletion, is asked for anew.
                if entry.actual == same.actual {
                    entry.attribution.clone_from(&same.attribution);
                }
            }
            entry
        })
        .collect()
}
