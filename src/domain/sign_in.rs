//! Whether an application may sign in: the three switches that others than a deletion can throw, and whether anybody is
//! let in where only the assigned are.

use std::collections::BTreeSet;

use super::{
    belief::{Evidence, Finding},
    drift::Drift,
    observed::{Assigned, Reading, ServicePrincipal, Switch},
    remedy::{Context, Remedy},
};
use crate::api::Reason;

/// What is absent where an assignment is required and there is none.
pub const ASSIGNMENT: &str = "assignment";

/// Judges the sign-in switches of a live service principal.
pub fn judge(ctx: Context<'_>, principal: &ServicePrincipal, assigned: &Reading<Assigned>) -> Finding {
    let switches = [principal.account_enabled, principal.is_disabled, principal.disabled_by_microsoft];
    let mut drifts = Vec::new();
    if principal.account_enabled == Switch::Off {
        let actual = format!(
            "Sign-in of {} (appId {}, object ID {}) is switched off in tenant {}.",
            ctx.title(),
            ctx.application.app_id,
            principal.id,
            ctx.desired.tenant
        );
        drifts.push(drift(ctx, Reason::ServicePrincipalDisabled, actual, ctx.enable_sign_in()));
    }
    if principal.is_disabled == Switch::On {
        let actual =
            format!("The application {} (appId {}) was deactivated by its owner.", ctx.title(), ctx.application.app_id);
        let registered_here = principal.owner == Some(ctx.desired.tenant);
        drifts.push(drift(ctx, Reason::ApplicationDeactivated, actual, ctx.reactivate(registered_here)));
    }
    if principal.disabled_by_microsoft == Switch::On {
        let actual = format!("Microsoft disabled the application {} (appId {}).", ctx.title(), ctx.application.app_id);
        drifts.push(drift(ctx, Reason::DisabledByMicrosoft, actual, ctx.ask_microsoft()));
    }
    if !drifts.is_empty() {
        return Finding::Drifted { drifts, evidence: Evidence::Explicit };
    }
    // A switch says so itself and a list that is empty may be late, so that the two cannot be told with one evidence; an
    // assignment that is missing is told once the switches are right.
    let is_locked = principal.assignment_required.then_some(assigned);
    match is_locked {
        Some(Reading::Known(Assigned { any: false, .. })) => Finding::Drifted {
            drifts: vec![assignment_missing(ctx, principal)],
            evidence: Evidence::Absence(BTreeSet::from([ASSIGNMENT.to_owned()])),
        },
        Some(Reading::Absent | Reading::Unreadable(_) | Reading::NotAsked) => Finding::Unknown,
        Some(Reading::Known(Assigned { any: true, .. })) | None if switches.contains(&Switch::Unrecognised) => {
            Finding::Unknown
        }
        Some(Reading::Known(Assigned { any: true, .. })) | None => Finding::Good,
    }
}

fn assignment_missing(ctx: Context<'_>, principal: &ServicePrincipal) -> Drift {
    let actual = format!(
        "{} (appId {}, object ID {}) gets tokens only for whoever is assigned to it in tenant {}, and nobody is.",
        ctx.title(),
        ctx.application.app_id,
        principal.id,
        ctx.desired.tenant
    );
    let expected = "somebody is assigned, or no assignment is required";
    Drift { expected, ..drift(ctx, Reason::AssignmentMissing, actual, ctx.assign()) }
}

fn drift(ctx: Context<'_>, reason: Reason, actual: String, remedy: Remedy) -> Drift {
    Drift {
        application: ctx.application.name.clone(),
        reason,
        expected: "sign-in is enabled",
        actual,
        since: None,
        remedy,
    }
}
