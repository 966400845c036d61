//! Audit records about jobs. The activity reference lists them under "Account provisioning", category
//! `ProvisioningManagement`; which object they name is not documented.
//! <https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities#account-provisioning>

use super::super::context::Context;
use super::super::directory::{Properties, TenantState, text};
use super::super::directory_audit::{ACCOUNT_PROVISIONING, Event, Stamp, Target};
use super::super::identifier::Identifiers;
use super::super::knob::JobChangesTarget;

/// Writes that this request did something to a job.
pub(super) fn record(context: &mut Context<'_>, activity: &str, principal: &Properties, job_id: &str) {
    let Context { now, knobs, tenant, identifiers, caller, correlation_id, user_agent, .. } = context;
    let stamp = Stamp { now: *now, knobs, caller, correlation_id, user_agent };
    write(tenant, identifiers, stamp, activity, principal, job_id);
}

/// Writes that something happened to a job. Without a job it is about the principal.
pub(super) fn write(
    tenant: &mut TenantState,
    identifiers: &mut Identifiers,
    stamp: Stamp<'_>,
    activity: &str,
    principal: &Properties,
    job_id: &str,
) {
    let of_principal = Target::of(text(principal, "id"), principal);
    let (target_type, target) = match stamp.knobs.job_changes_target {
        JobChangesTarget::Job if !job_id.is_empty() => {
            ("Other", Target { id: job_id.to_owned(), display_name: job_id.to_owned(), ..of_principal })
        }
        JobChangesTarget::Job | JobChangesTarget::ServicePrincipal => ("ServicePrincipal", of_principal),
    };
    let operation = match activity.split_whitespace().next() {
        Some("Add") => "Add",
        Some("Delete") => "Delete",
        _ => "Update",
    };
    let event = Event { activity, operation, target_type, target, changes: Vec::new() };
    tenant.audit.append_from(ACCOUNT_PROVISIONING, stamp, identifiers, event);
}
