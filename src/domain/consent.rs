//! Whether an application holds the permissions that it needs.
//!
//! Application permissions are compared by the ID of the app role, delegated ones by value: trimmed, case-sensitive, as
//! a set, and only where granted for the whole organization.

use std::collections::BTreeSet;

use super::{
    belief::{Evidence, Finding},
    desired::{PermissionList, RequiredPermission},
    drift::{Drift, Facet},
    message,
    observed::{
        AppRoleAssignment, ConsentType, OAuth2PermissionGrant, Observed, ObservedApplication, ResourcePrincipal,
    },
    ready::Note,
    remedy::Context,
    text,
};
use crate::api::{PermissionKind, Reason, status::ConsentStatus};

/// Most entries of `consent.baseline`: the largest list of required permissions, twice over.
const BASELINE_MAX: usize = 128;

/// What a look tells about the permissions of one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The finding.
    pub finding: Finding,
    /// How it is written to the status.
    pub status: ConsentStatus,
}

/// Judges the permissions of a live service principal.
pub fn judge(
    ctx: Context<'_>,
    previous: Option<&ConsentStatus>,
    observed: &Observed,
    seen: &ObservedApplication,
) -> Consent {
    let answers: Vec<(String, Option<bool>)> = ctx
        .application
        .required
        .iter()
        .map(|permission| (permission.label(), is_granted(permission, observed, seen)))
        .collect();
    let with = |wanted: Option<bool>| -> Vec<String> {
        answers.iter().filter(|(_, answer)| *answer == wanted).map(|(label, _)| label.clone()).collect()
    };
    let (granted, missing, unknown) = (with(Some(true)), with(Some(false)), with(None));
    let earlier: BTreeSet<String> =
        previous.map(|consent| consent.baseline.iter().cloned().collect()).unwrap_or_default();
    let baseline: BTreeSet<String> = earlier.iter().chain(&granted).take(BASELINE_MAX).cloned().collect();

    let nothing_granted = granted.is_empty() && unknown.is_empty() && !missing.is_empty();
    let lost_some = missing.iter().any(|label| earlier.contains(label));
    let counts = ctx.application.list == PermissionList::Spec || nothing_granted || lost_some;
    let finding = if !missing.is_empty() && counts {
        Finding::Drifted {
            drifts: vec![drift(ctx, &missing, nothing_granted)],
            evidence: Evidence::Absence(missing.iter().cloned().collect()),
        }
    } else if unknown.is_empty() {
        Finding::Good
    } else {
        Finding::Unknown
    };
    Consent {
        finding,
        status: ConsentStatus {
            granted: unknown.is_empty().then_some(i64::try_from(granted.len()).unwrap_or(i64::MAX)),
            required: i64::try_from(answers.len()).unwrap_or(i64::MAX),
            missing,
            extra: Vec::new(),
            baseline: baseline.into_iter().collect(),
            before: previous.map(|consent| consent.before.clone()).unwrap_or_default(),
        },
    }
}

/// What is told of permissions that are in order.
pub fn notes(ctx: Context<'_>, consent: &ConsentStatus) -> Vec<Note> {
    let differs = (!consent.missing.is_empty()).then(|| Note {
        facet: Facet::Consent,
        reason: Reason::ConsentDiffersFromPublished,
        sentence: message::differs_from_published(ctx, &consent.missing),
    });
    differs.into_iter().collect()
}

fn drift(ctx: Context<'_>, missing: &[String], nothing_granted: bool) -> Drift {
    let (title, app_id, tenant) = (ctx.title(), ctx.application.app_id, ctx.desired.tenant);
    let required = ctx.application.required.len();
    let listed = text::listed(missing, 10);
    let (reason, actual) = if nothing_granted {
        let actual =
            format!("{title} (appId {app_id}) holds none of its {required} permissions in tenant {tenant}: {listed}.");
        (Reason::ConsentMissing, actual)
    } else {
        let count = missing.len();
        let actual = format!(
            "{title} (appId {app_id}) lacks {count} of its {required} permissions in tenant {tenant}: {listed}."
        );
        (Reason::ConsentIncomplete, actual)
    };
    Drift {
        application: ctx.application.name.clone(),
        reason,
        expected: "every required permission is granted for the whole organization",
        actual,
        since: None,
        remedy: ctx.consent(),
    }
}

/// Whether this permission is granted; none if what was read does not tell.
fn is_granted(permission: &RequiredPermission, observed: &Observed, seen: &ObservedApplication) -> Option<bool> {
    let resource = observed.resources.get(&permission.resource)?.known()?;
    let application = || Some(holds_app_role(permission, resource, seen.app_role_assignments.known()?));
    let delegated = || Some(holds_scope(permission, resource, seen.oauth2_permission_grants.known()?));
    match permission.kind {
        PermissionKind::Application => application(),
        PermissionKind::Delegated => delegated(),
        PermissionKind::Either => match (application(), delegated()) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            (None, _) | (_, None) => None,
        },
    }
}

fn holds_app_role(
    permission: &RequiredPermission,
    graph: &ResourcePrincipal,
    assignments: &BTreeSet<AppRoleAssignment>,
) -> bool {
    let looked_up = || graph.app_roles.get(&permission.name.to_string()).copied();
    permission
        .app_role
        .or_else(looked_up)
        .is_some_and(|app_role| assignments.contains(&AppRoleAssignment { resource: graph.id, app_role }))
}

fn holds_scope(
    permission: &RequiredPermission,
    graph: &ResourcePrincipal,
    grants: &BTreeSet<OAuth2PermissionGrant>,
) -> bool {
    grants.contains(&OAuth2PermissionGrant {
        resource: graph.id,
        consent: ConsentType::AllPrincipals,
        scope: permission.name.to_string(),
    })
}
