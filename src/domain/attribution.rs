//! Who made a difference, as far as the tenant's audit log tells. It comes minutes late, is kept for days only, and may not
//! be readable at all; nothing else depends on it.

mod cause;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    desired::Desired,
    drift::reason_of,
    observed::{AuditQuestion, AuditRecord, AuditSubject, Initiator, Observed, Reading},
    permission, text,
    timing::{later, whole_second},
};
use crate::api::{
    Reason,
    status::{ApplicationStatus, AttributionStatus, DriftEntry},
};

/// How long the audit log is asked about a difference: a record is visible after minutes, sometimes hours.
const ASKED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Records from this long before a difference can have made it, beside the pause between two looks: a status tells of
/// the last look only once per heartbeat, and two clocks are compared.
const MARGIN: SignedDuration = SignedDuration::from_mins(70);

/// A consent that was given less than this long ago may not show in all reads yet.
const CONSENT_SHOWS_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// How people and applications that made a difference are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Attribution {
    /// By sign-in name and display name.
    #[default]
    Names,
    /// By object ID and application ID.
    Ids,
    /// Not at all; the audit log is not read.
    Off,
}

/// What is asked and told about whom.
#[derive(Debug, Clone, Copy)]
pub struct Inquiry<'a> {
    /// What should be.
    pub desired: &'a Desired,
    /// What is believed of the applications.
    pub applications: &'a [ApplicationStatus],
    /// How actors are told.
    pub attribution: Attribution,
    /// When the audit log was first asked about a difference of an application.
    pub asked: &'a BTreeMap<(String, Reason), Timestamp>,
    /// When the look ended.
    pub now: Timestamp,
}

impl Inquiry<'_> {
    /// What the next look is to ask the audit log.
    pub fn questions(&self, drift: &[DriftEntry]) -> BTreeSet<AuditQuestion> {
        let mut questions = BTreeSet::new();
        if !self.is_possible() {
            return questions;
        }
        for (entry, application, reason) in self.known(drift) {
            let since = self.since(entry);
            if is_open(entry) && !self.is_given_up(entry, reason) {
                let subjects = cause::subjects(reason, application);
                questions.extend(subjects.into_iter().map(|subject| AuditQuestion { since, subject }));
            }
            questions.extend(self.consent_question(entry, application));
        }
        questions
    }

    /// A later consent may show that consenting again is no remedy, however long after the loss.
    fn consent_question(&self, entry: &DriftEntry, application: &ApplicationStatus) -> Option<AuditQuestion> {
        let target = application.service_principal_id.as_deref()?.parse().ok()?;
        let subject = AuditSubject::Target(target);
        cause::is_consent_awaited(entry).then(|| AuditQuestion { since: self.since(entry), subject })
    }

    /// Adds to each difference who made it, from what this look read.
    pub fn attribute(&self, drift: &mut [DriftEntry], observed: Option<&Observed>) {
        if self.attribution == Attribution::Off {
            return;
        }
        for entry in drift.iter_mut().filter(|entry| is_open(entry)) {
            let Some(reason) = reason_of(entry) else { continue };
            let name = &entry.application;
            let Some(application) = self.applications.iter().find(|application| application.name == *name) else {
                continue;
            };
            if cause::is_made_elsewhere(reason, entry) {
                entry.attribution = Some(unknown(ELSEWHERE));
                continue;
            }
            let subjects = cause::subjects(reason, application);
            if subjects.is_empty() {
                let why = self.without_subject(entry, reason, application, observed);
                entry.attribution = why.map(unknown).or_else(|| entry.attribution.take());
                continue;
            }
            if !permission::offers_audits(self.desired.cloud) {
                entry.attribution = Some(unknown(NOT_OFFERED));
                continue;
            }
            let readings: Vec<&Reading<Vec<AuditRecord>>> =
                observed.into_iter().flat_map(|observed| answers(observed, &subjects, self.since(entry))).collect();
            let records = readings.iter().filter_map(|reading| reading.known()).flatten();
            let causes = records.filter(|record| {
                record.succeeded
                    && record.at <= later(self.now, MARGIN)
                    && cause::is_cause(reason, entry, application, record)
            });
            let refusal = readings.iter().find_map(|reading| reading.obstacle());
            if let Some(record) = causes.max_by_key(|record| record.at) {
                entry.attribution = Some(self.told(record));
            } else if let Some(why) = refusal.and_then(cause::refusal) {
                entry.attribution = Some(unknown(why));
            } else if self.is_given_up(entry, reason) {
                entry.attribution = Some(unknown(NOBODY));
            }
        }
    }

    /// Why the audit log cannot be asked who deactivated an application of this tenant: its records name the registration,
    /// which was not read.
    fn without_subject(
        &self,
        entry: &DriftEntry,
        reason: Reason,
        application: &ApplicationStatus,
        observed: Option<&Observed>,
    ) -> Option<&'static str> {
        if reason != Reason::ApplicationDeactivated {
            return None;
        }
        if !permission::offers_audits(self.desired.cloud) {
            return Some(NOT_OFFERED);
        }
        let app_id = application.app_id.as_deref()?.parse().ok()?;
        let seen = observed.and_then(|observed| observed.applications.get(&app_id));
        let is_refused = seen
            .and_then(|seen| seen.registration.obstacle())
            .is_some_and(|obstacle| obstacle.reason == Reason::PermissionMissing);
        if is_refused {
            return Some("the operator's application may not read the registration, which records of it name");
        }
        self.is_given_up(entry, reason).then_some("its registration, which records of it name, could not be read")
    }

    /// Whether a consent was given after this difference arose, or brought the present principal into being, long enough
    /// ago that all reads show what it granted.
    pub fn is_consent_in_vain(&self, entry: &DriftEntry, observed: Option<&Observed>) -> bool {
        let application = self.applications.iter().find(|application| application.name == entry.application);
        let question = application.and_then(|application| self.consent_question(entry, application));
        let (Some(application), Some(question), Some(observed)) = (application, question, observed) else {
            return false;
        };
        let since = match (&application.superseded_service_principal_id, &entry.since) {
            (None, Some(since)) => since.0,
            (Some(_), _) | (None, None) => question.since,
        };
        let records = observed.audits.get(&question).and_then(Reading::known);
        records.into_iter().flatten().any(|record| {
            record.succeeded
                && record.at > since
                && later(record.at, CONSENT_SHOWS_AFTER) <= self.now
                && cause::is_consent(application, record)
        })
    }

    fn is_possible(&self) -> bool {
        self.attribution != Attribution::Off && permission::offers_audits(self.desired.cloud)
    }

    fn known<'d>(
        &'d self,
        drift: &'d [DriftEntry],
    ) -> impl Iterator<Item = (&'d DriftEntry, &'d ApplicationStatus, Reason)> {
        drift.iter().filter_map(|entry| {
            let application = self.applications.iter().find(|application| application.name == entry.application)?;
            Some((entry, application, reason_of(entry)?))
        })
    }

    fn since(&self, entry: &DriftEntry) -> Timestamp {
        let since = entry.since.as_ref().map_or(self.now, |since| since.0);
        let earlier = self.desired.interval.saturating_add(MARGIN);
        whole_second(since.checked_sub(earlier).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    fn is_given_up(&self, entry: &DriftEntry, reason: Reason) -> bool {
        let asked = self.asked.get(&(entry.application.clone(), reason));
        asked.is_some_and(|asked| self.now >= later(*asked, ASKED_FOR))
    }

    fn told(&self, record: &AuditRecord) -> AttributionStatus {
        let (actor, kind) = self.actor(&record.initiator);
        let activity = text::safe(&record.activity);
        let at = whole_second(record.at);
        let sentence = match &actor {
            Some(actor) => format!("By {actor} on {at} (audit log: {activity})."),
            None => format!("On {at}, by someone whom the audit log does not name ({activity})."),
        };
        AttributionStatus {
            actor,
            kind: Some(kind.to_string()),
            activity: Some(activity),
            time: Some(Time(at)),
            correlation_id: record.correlation_id.as_deref().map(text::safe),
            text: sentence,
        }
    }

    fn actor(&self, initiator: &Initiator) -> (Option<String>, Kind) {
        let by_name = self.attribution == Attribution::Names;
        let safe = |text: &String| text::safe(text);
        match initiator {
            Initiator::User { id, name } => {
                let name = name.as_ref().filter(|_| by_name).map(safe);
                (name.or_else(|| id.as_ref().map(|id| format!("user {}", safe(id)))), Kind::User)
            }
            Initiator::Application { app_id, principal_id, name } => {
                let id = match (app_id, principal_id) {
                    (Some(app_id), _) => Some(format!("appId {}", safe(app_id))),
                    (None, Some(id)) => Some(format!("service principal {}", safe(id))),
                    (None, None) => None,
                };
                let kind = if id.is_some() { Kind::Application } else { Kind::Service };
                let name = name
                    .as_ref()
                    .filter(|_| by_name || kind == Kind::Service)
                    .map(|name| format!("\"{}\"", safe(name)));
                let actor = match (name, id) {
                    (Some(name), Some(id)) => Some(format!("{name} ({id})")),
                    (Some(name), None) => Some(name),
                    (None, id) => id,
                };
                (actor, kind)
            }
            Initiator::Unknown => (None, Kind::Service),
        }
    }
}

/// What is told when the audit log stays silent.
const NOBODY: &str = "the audit log has no record of it";

/// What is told where there is no audit log.
const NOT_OFFERED: &str = "Microsoft does not offer the audit log in this cloud";

/// What is told of an application that is registered in another tenant.
const ELSEWHERE: &str = "it is not visible in this tenant, only in the publisher's";

/// What kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Application,
    Service,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::User => "User",
            Self::Application => "Application",
            Self::Service => "Service",
        })
    }
}

/// Whether it is still worth asking who made this difference.
fn is_open(entry: &DriftEntry) -> bool {
    match &entry.attribution {
        None => true,
        Some(attribution) => attribution.time.is_none() && !attribution.text.contains(NOBODY),
    }
}

fn unknown(why: &str) -> AttributionStatus {
    AttributionStatus { text: format!("Who did it is not known: {why}."), ..AttributionStatus::default() }
}

fn answers<'a>(
    observed: &'a Observed,
    subjects: &'a [AuditSubject],
    since: Timestamp,
) -> impl Iterator<Item = &'a Reading<Vec<AuditRecord>>> {
    subjects.iter().filter_map(move |subject| observed.audits.get(&AuditQuestion { since, subject: subject.clone() }))
}
