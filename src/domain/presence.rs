//! Whether the service principal of an application exists, and if not, whether it can be restored.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    belief::{Evidence, Finding},
    consent,
    drift::{Drift, Facet},
    message,
    observed::{DeletedObject, ObservedApplication, Reading},
    ready::Note,
    remedy::Context,
    text,
    timing::later,
};
use crate::api::{ObjectId, Reason, status::ApplicationStatus};

/// A deleted object can be restored for this long; not configurable.
/// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/delete-recover-faq>
pub const RESTORABLE_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a look tells about presence: the finding, and the fields of the status that go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The finding.
    pub finding: Finding,
    /// Object ID of the service principal, live or deleted.
    pub service_principal_id: Option<String>,
    /// Object ID of the one that the live one replaced.
    pub superseded: Option<String>,
    /// Object ID of the registration in this tenant: of a deleted one, or as it became known in a deactivation.
    pub application_object_id: Option<String>,
    /// Display name, safe to print.
    pub display_name: Option<String>,
    /// Deadline of a restore.
    pub restore_before: Option<Timestamp>,
}

impl Presence {
    fn carry(finding: Finding, previous: Option<&ApplicationStatus>) -> Self {
        Self {
            finding,
            service_principal_id: previous.and_then(|entry| entry.service_principal_id.clone()),
            superseded: previous.and_then(|entry| entry.superseded_service_principal_id.clone()),
            application_object_id: None,
            display_name: previous.and_then(|entry| entry.display_name.clone()),
            restore_before: None,
        }
    }
}

/// Judges the presence of one application.
pub fn judge(
    ctx: Context<'_>,
    now: Timestamp,
    previous: Option<&ApplicationStatus>,
    seen: &ObservedApplication,
) -> Presence {
    match &seen.service_principal {
        Reading::Known(principal) => {
            let id = principal.id.to_string();
            let known = previous.and_then(|entry| entry.service_principal_id.clone());
            let superseded = match known {
                Some(known) if known != id => Some(known),
                Some(_) | None => previous.and_then(|entry| entry.superseded_service_principal_id.clone()),
            };
            Presence {
                finding: Finding::Good,
                superseded: superseded.filter(|earlier| *earlier != id),
                service_principal_id: Some(id),
                application_object_id: registration_of(previous, seen),
                display_name: Some(text::safe(&principal.display_name)),
                restore_before: None,
            }
        }
        Reading::Absent => absent(ctx, now, previous, seen),
        Reading::Unreadable(_) | Reading::NotAsked => Presence::carry(Finding::Unknown, previous),
    }
}

/// It stays the same for as long as the application lives.
fn registration_of(previous: Option<&ApplicationStatus>, seen: &ObservedApplication) -> Option<String> {
    let known = seen.registration.known().map(ToString::to_string);
    known.or_else(|| previous.and_then(|entry| entry.application_object_id.clone()))
}

fn absent(
    ctx: Context<'_>,
    now: Timestamp,
    previous: Option<&ApplicationStatus>,
    seen: &ObservedApplication,
) -> Presence {
    let carried = |finding| Presence::carry(finding, previous);
    let restorable = |object: &&DeletedObject| object.deleted.is_none_or(|at| later(at, RESTORABLE_FOR) > now);
    let Reading::Known(registrations) = &seen.deleted_applications else {
        // A principal cannot be restored before its registration, so that has to be known first too.
        return carried(Finding::Unknown);
    };
    if let Some(registration) = registrations.iter().filter(restorable).max() {
        let deadline = registration.deleted.map(|at| later(at, RESTORABLE_FOR));
        return Presence {
            finding: registration_deleted(ctx, registration, deadline),
            application_object_id: Some(registration.id.to_string()),
            restore_before: deadline,
            ..carried(Finding::Unknown)
        };
    }
    let Reading::Known(deleted) = &seen.deleted_service_principals else {
        // Whether it can be restored decides what a person must do first, so nothing is said before that is known.
        return carried(Finding::Unknown);
    };
    let candidates: Vec<_> = deleted.iter().filter(restorable).collect();
    let remembered = previous.and_then(|entry| entry.service_principal_id.as_deref());
    let remembered_one = candidates.iter().find(|object| Some(object.id.to_string().as_str()) == remembered);
    match (remembered_one, candidates.as_slice()) {
        (Some(object), _) | (None, [object]) => {
            let deadline = object.deleted.map(|at| later(at, RESTORABLE_FOR));
            Presence {
                finding: deleted_one(ctx, object, deadline),
                service_principal_id: Some(object.id.to_string()),
                restore_before: deadline,
                display_name: Some(text::safe(&object.display_name)),
                ..carried(Finding::Unknown)
            }
        }
        (None, []) => carried(missing(ctx)),
        (None, several) => carried(ambiguous(ctx, several)),
    }
}

fn until(deadline: Option<Timestamp>) -> String {
    deadline.map_or_else(|| "for 30 days after the deletion".to_owned(), |at| format!("until {at}"))
}

fn drifted(
    ctx: Context<'_>,
    reason: Reason,
    actual: String,
    since: Option<Timestamp>,
    remedy: super::remedy::Remedy,
) -> Vec<Drift> {
    vec![Drift {
        application: ctx.application.name.clone(),
        reason,
        expected: "its service principal is present",
        actual,
        since,
        remedy,
    }]
}

fn registration_deleted(ctx: Context<'_>, registration: &DeletedObject, deadline: Option<Timestamp>) -> Finding {
    let actual = format!(
        "The registration of {} (appId {}, object ID {}) was deleted in tenant {} and can be restored {}.",
        ctx.title(),
        ctx.application.app_id,
        registration.id,
        ctx.desired.tenant,
        until(deadline)
    );
    Finding::Drifted {
        drifts: drifted(
            ctx,
            Reason::ApplicationSoftDeleted,
            actual,
            registration.deleted,
            ctx.restore_application(deadline),
        ),
        evidence: Evidence::Proved { at: registration.deleted },
    }
}

fn deleted_one(ctx: Context<'_>, object: &DeletedObject, deadline: Option<Timestamp>) -> Finding {
    let actual = format!(
        "The service principal of {} (appId {}, object ID {}) was deleted in tenant {} and can be restored {}.",
        ctx.title(),
        ctx.application.app_id,
        object.id,
        ctx.desired.tenant,
        until(deadline)
    );
    let remedy = ctx.restore(object.id, deadline);
    Finding::Drifted {
        drifts: drifted(ctx, Reason::ServicePrincipalSoftDeleted, actual, object.deleted, remedy),
        evidence: Evidence::Proved { at: object.deleted },
    }
}

fn missing(ctx: Context<'_>) -> Finding {
    let actual = format!(
        "Tenant {} has no service principal of {} (appId {}), and none that could be restored.",
        ctx.desired.tenant,
        ctx.title(),
        ctx.application.app_id
    );
    Finding::Drifted {
        drifts: drifted(ctx, Reason::ServicePrincipalMissing, actual, None, ctx.bring_back()),
        evidence: Evidence::Absence(BTreeSet::from(["service principal".to_owned()])),
    }
}

fn ambiguous(ctx: Context<'_>, several: &[&DeletedObject]) -> Finding {
    let mut ids: Vec<ObjectId> = several.iter().map(|object| object.id).collect();
    ids.sort();
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let actual = format!(
        "Tenant {} has no service principal of {} (appId {}), but {} deleted ones that could be restored: {}.",
        ctx.desired.tenant,
        ctx.title(),
        ctx.application.app_id,
        ids.len(),
        text::listed(&ids, 5)
    );
    Finding::Drifted {
        drifts: drifted(ctx, Reason::AmbiguousServicePrincipal, actual, None, ctx.choose()),
        evidence: Evidence::Proved { at: several.iter().filter_map(|object| object.deleted).max() },
    }
}

/// What is told of a recreated service principal: the earlier one, and what went with it.
pub fn superseded(ctx: Context<'_>, status: &ApplicationStatus) -> Option<Note> {
    let present = status.service_principal_id.as_deref()?;
    let earlier = status.superseded_service_principal_id.as_deref()?;
    let consent = status.consent.as_ref();
    let lost: Vec<String> = consent
        .map(|consent| {
            let missing = consent.missing.iter().filter(|label| consent.baseline.contains(label)).cloned();
            missing.chain(consent::vanished(ctx.application, consent)).collect()
        })
        .unwrap_or_default();
    let sentence = message::superseded(ctx, present, earlier, &lost);
    Some(Note { facet: Facet::Presence, reason: Reason::Present, sentence })
}
