//! Which records of the audit log can tell who made a difference. Others of the same target, such as Microsoft Graph's own
//! principal or a change of another property, are about something else.
//!
//! Names of activities: <https://learn.microsoft.com/en-us/entra/identity/monitoring-health/reference-audit-activities>.

use jiff::SignedDuration;

use super::super::{
    drift::{Facet, reason_of},
    observed::{AuditRecord, AuditSubject, Change},
    obstacle::Obstacle,
    presence::RESTORABLE_FOR,
    remedy::Action,
    timing::later,
};
use crate::api::{
    ObjectId, Reason,
    status::{ApplicationStatus, DriftEntry},
};

const ROLE_REMOVED: &str = "Remove app role assignment from service principal";
const ROLE_ADDED: &str = "Add app role assignment to service principal";
const GRANT_REMOVED: &str = "Remove delegated permission grant";
const GRANT_ADDED: &str = "Add delegated permission grant";
const SCOPE: &str = "DelegatedPermissionGrant.Scope";
const ROLE: [&str; 2] = ["AppRole.Value", "AppRole.Id"];
const CONSENT: &str = "Consent to application";
/// The audit log and the directory give one deletion times that are no further apart than this.
const CLOCKS_AGREE: SignedDuration = SignedDuration::from_mins(1);

const PROVISIONING_SERVICE: &str = "Account Provisioning";

/// What somebody did to make a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Deletion,
    RegistrationDeletion,
    Deactivation,
    SwitchOff,
    AssignmentLoss,
    PermissionLoss,
    PermissionGain,
    ProvisioningStop,
    JobDeletion,
    ScopeLoss,
}

/// Differences that somebody makes. Of the others, time, Microsoft or the publisher made them, or nobody did.
const CAUSES: [(Reason, Cause); 14] = [
    (Reason::ServicePrincipalSoftDeleted, Cause::Deletion),
    (Reason::ServicePrincipalMissing, Cause::Deletion),
    (Reason::AmbiguousServicePrincipal, Cause::Deletion),
    (Reason::ApplicationSoftDeleted, Cause::RegistrationDeletion),
    (Reason::ApplicationDeactivated, Cause::Deactivation),
    (Reason::ServicePrincipalDisabled, Cause::SwitchOff),
    (Reason::AssignmentMissing, Cause::AssignmentLoss),
    (Reason::ConsentMissing, Cause::PermissionLoss),
    (Reason::ConsentIncomplete, Cause::PermissionLoss),
    (Reason::ExtraPermissions, Cause::PermissionGain),
    (Reason::ProvisioningPaused, Cause::ProvisioningStop),
    (Reason::ProvisioningDisabled, Cause::ProvisioningStop),
    (Reason::ProvisioningJobMissing, Cause::JobDeletion),
    (Reason::ProvisioningScopeEmpty, Cause::ScopeLoss),
];

fn cause_of(reason: Reason) -> Option<Cause> {
    CAUSES.iter().find(|(of, _)| *of == reason).map(|(_, cause)| *cause)
}

/// What to ask about a difference; nothing where nobody made it.
///
/// Records about grants name the resource that offers the permission as their target, so that they are asked for by
/// their activity and told apart by what they changed.
pub fn subjects(reason: Reason, application: &ApplicationStatus) -> Vec<AuditSubject> {
    let target = |id: &Option<String>| -> Vec<AuditSubject> {
        let id: Option<ObjectId> = id.as_deref().and_then(|id| id.parse().ok());
        id.map(AuditSubject::Target).into_iter().collect()
    };
    match cause_of(reason) {
        Some(Cause::Deletion | Cause::SwitchOff | Cause::AssignmentLoss | Cause::ScopeLoss) => {
            target(&application.service_principal_id)
        }
        Some(Cause::RegistrationDeletion | Cause::Deactivation) => target(&application.application_object_id),
        Some(Cause::PermissionLoss) => {
            let mut subjects = vec![AuditSubject::Activity(ROLE_REMOVED), AuditSubject::Activity(GRANT_REMOVED)];
            subjects.extend(target(&application.service_principal_id));
            subjects
        }
        Some(Cause::PermissionGain) => vec![AuditSubject::Activity(ROLE_ADDED), AuditSubject::Activity(GRANT_ADDED)],
        Some(Cause::ProvisioningStop | Cause::JobDeletion) => {
            vec![AuditSubject::Service(PROVISIONING_SERVICE)]
        }
        None => Vec::new(),
    }
}

/// Whether this record tells who made the difference.
pub fn is_cause(reason: Reason, entry: &DriftEntry, application: &ApplicationStatus, record: &AuditRecord) -> bool {
    let Some(cause) = cause_of(reason) else { return false };
    let is_called = |activity: &str| record.activity.eq_ignore_ascii_case(activity);
    let is_of_principal = is_target(record, application.service_principal_id.as_deref());
    let is_of_registration = is_target(record, application.application_object_id.as_deref());
    let is_of_client = is_of_client(record, application.service_principal_id.as_deref());
    match cause {
        Cause::Deletion => {
            let is_called_so = is_called("Remove service principal") || is_called("Hard delete service principal");
            is_of_principal && is_called_so && is_this_deletion(application, record)
        }
        Cause::RegistrationDeletion => {
            is_of_registration && is_called("Delete application") && is_this_deletion(application, record)
        }
        Cause::Deactivation => {
            is_of_registration && is_called("Update application") && became(record, "IsDisabled", "true")
        }
        Cause::SwitchOff => {
            is_of_principal && is_called("Update service principal") && became(record, "AccountEnabled", "false")
        }
        Cause::AssignmentLoss => {
            let is_requirement =
                is_called("Update service principal") && became(record, "AppRoleAssignmentRequired", "true");
            is_of_principal && (is_requirement || starts_with(&record.activity, "Remove app role assignment"))
        }
        Cause::PermissionLoss => {
            let is_removal = is_called(ROLE_REMOVED) || is_called(GRANT_REMOVED);
            (is_removal && is_of_client && takes_away(application, record)) || is_narrowing(entry, application, record)
        }
        Cause::PermissionGain => {
            (is_called(ROLE_ADDED) || is_called(GRANT_ADDED)) && is_of_client && concerns(application, record)
        }
        Cause::ProvisioningStop => is_of_job(application, record) && starts_with(&record.activity, "Disable"),
        Cause::JobDeletion => is_of_job(application, record) && starts_with(&record.activity, "Delete"),
        // Nobody is in scope because nobody is assigned any more; other changes of the job are about something else.
        Cause::ScopeLoss => {
            is_of_principal && starts_with(&record.activity, "Remove app role assignment") && !is_called(ROLE_REMOVED)
        }
    }
}

/// Whether somebody of another tenant made it, whose audit log nobody here can read. The remedy tells: it is the
/// publisher's.
/// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/deactivate-app-registration>
pub fn is_made_elsewhere(reason: Reason, entry: &DriftEntry) -> bool {
    let is_publishers = entry.remedy.as_ref().is_some_and(|remedy| remedy.action == Action::ContactPublisher.as_str());
    cause_of(reason) == Some(Cause::Deactivation) && is_publishers
}

/// Whether this is consent to the application; it names the client as its target.
pub fn is_consent(application: &ApplicationStatus, record: &AuditRecord) -> bool {
    record.activity.eq_ignore_ascii_case(CONSENT) && is_target(record, application.service_principal_id.as_deref())
}

/// Whether consent is advised, so that it matters whether it was given.
pub fn is_consent_awaited(entry: &DriftEntry) -> bool {
    let is_consent = reason_of(entry).and_then(Facet::of) == Some(Facet::Consent);
    is_consent && entry.remedy.as_ref().is_some_and(|remedy| remedy.action == Action::Consent.as_str())
}

/// Why the audit log cannot be read, where that will not pass by itself.
pub fn refusal(obstacle: &Obstacle) -> Option<&'static str> {
    if obstacle.is_not_offered() {
        return Some(super::NOT_OFFERED);
    }
    let why = [
        (Reason::PermissionMissing, "the operator's application lacks AuditLog.Read.All"),
        (Reason::NotObserved, "the tenant's licence does not include the audit log"),
    ];
    why.into_iter().find(|(reason, _)| *reason == obstacle.reason).map(|(_, why)| why)
}

/// Whether this may be the deletion that can be undone, and not an earlier one that was undone: Microsoft Graph tells when
/// that happened, and the two times are close to each other.
fn is_this_deletion(application: &ApplicationStatus, record: &AuditRecord) -> bool {
    let restore_before = application.restore_before.as_ref().map(|deadline| deadline.0);
    restore_before.is_none_or(|deadline| later(deadline, -(RESTORABLE_FOR + CLOCKS_AGREE)) <= record.at)
}

/// Consent can take away what the application no longer asks for. Its record tells what was granted before and
/// afterwards, as `[…] => […]`; one that took nothing away is no cause.
fn is_narrowing(entry: &DriftEntry, application: &ApplicationStatus, record: &AuditRecord) -> bool {
    let is_before = entry.since.as_ref().is_none_or(|since| record.at <= since.0);
    let missing = names(application.consent.iter().flat_map(|consent| &consent.missing));
    let took_away = values(record, "ConsentAction.Permissions").filter_map(|text| text.split_once("=>")).any(
        |(before, afterwards)| {
            missing.iter().any(|name| words(before).contains(name) && !words(afterwards).contains(name))
        },
    );
    is_consent(application, record) && is_before && took_away
}

fn is_target(record: &AuditRecord, id: Option<&str>) -> bool {
    id.is_some_and(|id| record.targets.iter().any(|target| target.eq_ignore_ascii_case(id)))
}

/// Records about grants name the client among what they changed.
fn is_of_client(record: &AuditRecord, client: Option<&str>) -> bool {
    let names = |change: &Change| {
        let sides = [&change.old, &change.new];
        sides.into_iter().flatten().any(|value| client.is_some_and(|client| value.eq_ignore_ascii_case(client)))
    };
    changes(record, "ServicePrincipal.ObjectID").any(names)
}

/// A job is named by its service principal or by its own ID, which begins with its template; which of them is not
/// published.
fn is_of_job(application: &ApplicationStatus, record: &AuditRecord) -> bool {
    let template = application.provisioning.as_ref().and_then(|provisioning| provisioning.template_id.as_deref());
    let is_job = template.is_some_and(|template| record.targets.iter().any(|target| starts_with(target, template)));
    is_job || is_target(record, application.service_principal_id.as_deref())
}

/// Whether the record takes away something that is missing. A change of a grant's scopes is recorded twice, as added and as
/// removed, each time with the scopes before and afterwards, whether they became more or fewer.
fn takes_away(application: &ApplicationStatus, record: &AuditRecord) -> bool {
    let missing = application.consent.iter().flat_map(|consent| &consent.missing);
    let lost_scopes = changes(record, SCOPE).flat_map(|change| beyond(change.old.as_deref(), change.new.as_deref()));
    is_about_any(record, &names(missing), lost_scopes)
}

/// Whether the record gives something that is too much.
fn concerns(application: &ApplicationStatus, record: &AuditRecord) -> bool {
    let extra = application.consent.iter().flat_map(|consent| &consent.extra);
    let new_scopes = changes(record, SCOPE).flat_map(|change| beyond(change.new.as_deref(), change.old.as_deref()));
    is_about_any(record, &names(extra), new_scopes)
}

/// The scopes of the one list that are not in the other.
fn beyond<'a>(list: Option<&'a str>, other: Option<&'a str>) -> Vec<&'a str> {
    let others: Vec<&str> = other.unwrap_or_default().split_whitespace().collect();
    list.unwrap_or_default().split_whitespace().filter(|scope| !others.contains(scope)).collect()
}

/// Whether one of these scopes, or an app role that the record names, is meant. A record that names no permission at all is
/// taken for one that is about what is meant.
fn is_about_any<'a>(record: &'a AuditRecord, meant: &[&str], scopes: impl Iterator<Item = &'a str>) -> bool {
    let mut roles = ROLE.into_iter().flat_map(|name| values(record, name)).filter(|role| !role.is_empty()).peekable();
    let names_none = roles.peek().is_none() && values(record, SCOPE).all(|scopes| scopes.trim().is_empty());
    names_none || roles.chain(scopes).any(|name| meant.contains(&name))
}

/// The permissions that these labels name, without their kind.
fn names<'a>(labels: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    labels.filter_map(|label| words(label).into_iter().next()).collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split([' ', ',', ';', ':', '[', ']']).filter(|word| !word.is_empty()).collect()
}

fn became(record: &AuditRecord, property: &str, value: &str) -> bool {
    changes(record, property).any(|change| {
        let new = change.new.as_deref().unwrap_or_default();
        new.trim_matches(['[', ']', '"']).eq_ignore_ascii_case(value)
    })
}

fn changes<'a>(record: &'a AuditRecord, property: &'a str) -> impl Iterator<Item = &'a Change> {
    record.changes.iter().filter(move |change| change.property.eq_ignore_ascii_case(property))
}

fn values<'a>(record: &'a AuditRecord, property: &'a str) -> impl Iterator<Item = &'a str> {
    changes(record, property).flat_map(|change| [&change.old, &change.new]).flatten().map(String::as_str)
}

fn starts_with(text: &str, beginning: &str) -> bool {
    text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}
