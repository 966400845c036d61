//! Whether an application may sign in: the three switches that others than a deletion can throw.

use super::{
    belief::{Evidence, Finding},
    drift::Drift,
    observed::{Assigned, Reading, ServicePrincipal, Switch},
    remedy::{Context, Remedy},
};
use crate::api::Reason;

/// Judges the sign-in switches of a live service principal.
pub fn judge(ctx: Context<'_>, principal: &ServicePrincipal, _assigned: &Reading<Assigned>) -> Finding {
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
    if switches.contains(&Switch::Unrecognised) { Finding::Unknown } else { Finding::Good }
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
