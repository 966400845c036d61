//! The verdict: what a look at the tenant has to say to a complaint, and what a person does next.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{Complaint, Fault, advice::by_fault};
use crate::{
    api::{ConditionType, Reason, WebexAzureIntegrationStatus, status::DriftEntry},
    domain::{
        desired::{Desired, IDENTITY_NAME, Role},
        drift::{Facet, reason_of},
        message,
    },
};

/// An error older than this may have had a cause that is mended by now.
const OLD: SignedDuration = SignedDuration::from_hours(24);

/// Clocks of people's machines are trusted this far.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// An object and what is known of its tenant.
#[derive(Debug, Clone, Copy)]
pub struct Examined<'a> {
    /// Name of the object, made safe.
    pub name: &'a str,
    /// What should be.
    pub desired: &'a Desired,
    /// What was found.
    pub status: &'a WebexAzureIntegrationStatus,
    /// What that comes to.
    pub state: State,
    /// Whether it was looked at for this, or the operator told it earlier.
    pub is_published: bool,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The tenant is as declared.
    AsDeclared,
    /// Something differs.
    Differs,
    /// The tenant could not be read.
    Unread,
}

/// What follows for a complaint from one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// In one word.
    pub verdict: Verdict,
    /// In paragraphs; the last tells what to do.
    pub paragraphs: Vec<String>,
}

/// What follows, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// What differs explains the error.
    Explained,
    /// What differs may be behind the error.
    Possible,
    /// Something differs that has nothing to do with the error.
    Unrelated,
    /// The tenant is as declared.
    TenantFine,
    /// The application that matters is not declared.
    NotCovered,
    /// The tenant could not be read.
    TenantUnread,
}

impl Verdict {
    /// Its name in the output for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Explained => "Explained",
            Self::Possible => "Possible",
            Self::Unrelated => "Unrelated",
            Self::TenantFine => "TenantFine",
            Self::NotCovered => "NotCovered",
            Self::TenantUnread => "TenantUnread",
        }
    }

    /// Whether Cisco has to be asked, at once or if the error stays.
    pub const fn is_for_support(self) -> bool {
        match self {
            Self::Possible | Self::Unrelated | Self::TenantFine => true,
            Self::Explained | Self::NotCovered | Self::TenantUnread => false,
        }
    }
}

/// How far a difference explains an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Explains,
    Possible,
    Unrelated,
}

/// What follows for this complaint from this object.
pub fn conclude(complaint: &Complaint, examined: Examined<'_>, now: Timestamp) -> Conclusion {
    let mut paragraphs = caveats(complaint, examined, now);
    let (verdict, told) = match examined.state {
        State::Differs => differs(complaint, examined),
        State::AsDeclared => as_declared(complaint, examined),
        State::Unread => unread(examined),
    };
    paragraphs.extend(told);
    Conclusion { verdict, paragraphs }
}

/// What limits the verdict.
fn caveats(complaint: &Complaint, examined: Examined<'_>, now: Timestamp) -> Vec<String> {
    let Examined { name, desired, status, is_published, .. } = examined;
    let mut caveats = Vec::new();
    if let Some(consented) = complaint.consented.filter(|tenant| *tenant != desired.tenant) {
        caveats.push(format!(
            "An administrator came back from consenting in tenant {consented}, but {name} declares tenant {}: either consent was given \
             in the wrong tenant, or the declaration is wrong.",
            desired.tenant
        ));
    }
    let Some(time) = complaint.time else {
        return caveats;
    };
    let last = status.last_observed_time.as_ref().map(|last| last.0).filter(|_| is_published);
    if let Some(last) = last.filter(|last| *last < time) {
        caveats.push(format!(
            "The operator last wrote this status at {last}, before the error. Have it look now: kubectl annotate --overwrite {} \
             reconcile.fluxcd.io/requestedAt=\"$(date -Is)\"",
            resource(name)
        ));
    }
    if time > now + SKEW {
        caveats.push(format!(
            "The error's time, {time}, is ahead of this machine's clock; one of the two clocks is wrong."
        ));
    } else if now - OLD > time {
        caveats.push("The error is more than a day old; the tenant is judged as it is now.".to_owned());
    }
    caveats
}

/// How kubectl names an object.
fn resource(name: &str) -> String {
    match name.split_once('/') {
        Some((namespace, name)) => format!("-n {namespace} wai/{name}"),
        None => format!("wai/{name}"),
    }
}

fn differs(complaint: &Complaint, examined: Examined<'_>) -> (Verdict, Vec<String>) {
    let Examined { desired, status, .. } = examined;
    let mut drift: Vec<(Fit, &DriftEntry)> =
        status.drift.iter().map(|entry| (fit(complaint, desired, entry), entry)).collect();
    // Stable: within a fit the gravest comes first, as the status has it.
    drift.sort_by_key(|(fit, _)| *fit);
    let verdict = match drift.first().map(|(fit, _)| *fit) {
        Some(Fit::Explains) => Verdict::Explained,
        Some(Fit::Possible) => Verdict::Possible,
        Some(Fit::Unrelated) | None => Verdict::Unrelated,
    };
    let mut told = Vec::new();
    for (fit, entry) in &drift {
        let kind = format!("{} ({})", entry.reason, entry.application);
        told.push(match fit {
            Fit::Explains => format!("{kind} explains the error.{}", deleted_before(complaint, entry)),
            Fit::Possible => format!("{kind} may be behind the error.{}", deleted_before(complaint, entry)),
            Fit::Unrelated => format!("{kind} does not explain the error, but needs mending all the same."),
        });
        let full = message::in_full(desired, entry);
        // A message of bounded length leaves out who did it, or that nobody knows.
        let actor = entry.attribution.as_ref().map(|attribution| attribution.text.clone());
        told.extend(actor.filter(|actor| !full.contains(actor)));
        told.push(full);
    }
    let more =
        status.drift_count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0).saturating_sub(drift.len());
    if more > 0 {
        told.push(format!("{more} more differences are not listed."));
    }
    told.extend(match verdict {
        Verdict::Explained => Some(
            "When it is mended, sign out of Control Hub and in again and open the page once more. If the error stays, run this again."
                .to_owned(),
        ),
        Verdict::Possible => {
            Some("When it is mended, try again in Control Hub. If the error stays, give this to Cisco support.".to_owned())
        }
        Verdict::Unrelated => {
            Some(format!("{} If the error stays, give this to Cisco support.", by_fault(complaint, desired)))
        }
        Verdict::TenantFine | Verdict::NotCovered | Verdict::TenantUnread => None,
    });
    (verdict, told)
}

fn fit(complaint: &Complaint, desired: &Desired, entry: &DriftEntry) -> Fit {
    let found = || (entry.application == IDENTITY_NAME).then_some(Role::Identity);
    let role = desired.application(&entry.application).map(|application| application.role).or_else(found);
    let fit = match (complaint.fault, role) {
        (Fault::DirectoryRefused | Fault::Unauthorized, Some(Role::IdentityIntegration))
        | (Fault::ScimUnauthenticated, Some(Role::Identity)) => Fit::Explains,
        (Fault::Unpublished | Fault::Untold, Some(Role::IdentityIntegration | Role::Identity))
        | (Fault::CalendarUnauthorized, Some(Role::Additional)) => Fit::Possible,
        (Fault::DirectoryRefused | Fault::Unauthorized, Some(Role::Identity | Role::Additional) | None)
        | (Fault::ScimUnauthenticated, Some(Role::IdentityIntegration | Role::Additional) | None)
        | (Fault::CalendarUnauthorized, Some(Role::IdentityIntegration | Role::Identity) | None)
        | (Fault::Unpublished | Fault::Untold, Some(Role::Additional) | None)
        | (Fault::TenantUnknown, _) => Fit::Unrelated,
    };
    let reason = reason_of(entry);
    // With a part of its permissions Webex is let in, and an application's own certificates are not what Webex presents.
    let is_weak = reason == Some(Reason::ConsentIncomplete)
        || reason.and_then(Facet::of) == Some(Facet::Certificates)
        || is_later(complaint, entry);
    match fit {
        _ if reason == Some(Reason::ExtraPermissions) => Fit::Unrelated,
        Fit::Explains if is_weak => Fit::Possible,
        Fit::Explains | Fit::Possible | Fit::Unrelated => fit,
    }
}

/// When it was deleted, where that is what differs: Microsoft Graph tells it.
fn deleted(entry: &DriftEntry) -> Option<Timestamp> {
    let is_deletion =
        matches!(reason_of(entry), Some(Reason::ServicePrincipalSoftDeleted | Reason::ApplicationSoftDeleted));
    entry.since.as_ref().map(|since| since.0).filter(|_| is_deletion)
}

fn is_later(complaint: &Complaint, entry: &DriftEntry) -> bool {
    deleted(entry).zip(complaint.time).is_some_and(|(deleted, time)| deleted > time + SKEW)
}

fn deleted_before(complaint: &Complaint, entry: &DriftEntry) -> String {
    match deleted(entry).zip(complaint.time) {
        Some((deleted, time)) if is_later(complaint, entry) => {
            format!(" It was deleted at {deleted}, after the error of {time}, which must have had another cause then.")
        }
        Some((deleted, time)) => format!(" It was deleted at {deleted}; Control Hub showed the error at {time}."),
        None => String::new(),
    }
}

fn as_declared(complaint: &Complaint, examined: Examined<'_>) -> (Verdict, Vec<String>) {
    let Examined { name, desired, status, .. } = examined;
    let needed = match complaint.fault {
        Fault::DirectoryRefused | Fault::Unauthorized => {
            Some((Role::IdentityIntegration, "Cisco Webex Identity Integration", "spec.identityIntegration.check"))
        }
        Fault::ScimUnauthenticated => Some((Role::Identity, "Cisco Webex Identity", "spec.identity.check")),
        Fault::TenantUnknown | Fault::CalendarUnauthorized | Fault::Unpublished | Fault::Untold => None,
    };
    // "Cisco Webex Identity" may have been found without being declared.
    let is_known = |role| {
        desired.applications.iter().any(|application| application.role == role)
            || (role == Role::Identity && status.application(IDENTITY_NAME).is_some())
    };
    if let Some((Role::Identity, _, _)) = needed
        && let Some(unproved) = condition_with(status, Reason::IdentityNotProved)
    {
        return (Verdict::NotCovered, vec![format!("{} Then run this again.", unproved.message)]);
    }
    if let Some((role, title, field)) = needed
        && !is_known(role)
    {
        return (
            Verdict::NotCovered,
            vec![format!(
                "{name} leaves \"{title}\" out, on which this error depends, so that the tenant was not asked about it. Take \
                 {field}: false out of it and run this again."
            )],
        );
    }
    let beside =
        [Reason::ConsentDiffersFromPublished, Reason::Settling, Reason::ExpiringSoon, Reason::IdentityNotProved];
    let beside = beside.into_iter().filter_map(|reason| condition_with(status, reason));
    let fine = format!(
        "The tenant is fine: everything that {name} declares is in order. {} If the error stays, give this to Cisco support.",
        by_fault(complaint, desired)
    );
    (Verdict::TenantFine, beside.map(|condition| condition.message.clone()).chain([fine]).collect())
}

/// The condition of a facet that gives this reason.
fn condition_with(status: &WebexAzureIntegrationStatus, reason: Reason) -> Option<&Condition> {
    let of_facet =
        |condition: &&Condition| Facet::ALL.iter().any(|facet| facet.condition().as_str() == condition.type_);
    status.conditions.iter().filter(of_facet).find(|condition| condition.reason == reason.as_str())
}

fn unread(examined: Examined<'_>) -> (Verdict, Vec<String>) {
    let Examined { name, status, is_published, .. } = examined;
    let sentence = match (unread_part(status), is_published) {
        (Some(why), _) => {
            format!("The tenant could not be read, so that nothing is known of it. {why} Then run this again.")
        }
        (None, true) => {
            format!(
                "The operator has not told anything of {name} yet; is it running? Run this again when it has looked."
            )
        }
        (None, false) => "The tenant could not be read completely; run this again.".to_owned(),
    };
    (Verdict::TenantUnread, vec![sentence])
}

/// Why something could not be read.
fn unread_part(status: &WebexAzureIntegrationStatus) -> Option<&str> {
    let observed = status.condition(ConditionType::Observed.as_str())?;
    (observed.status != "True").then_some(observed.message.as_str())
}

#[cfg(test)]
mod tests;
