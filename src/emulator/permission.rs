//! Which app roles of Microsoft Graph open which path, from the permission tables of the reference pages.

use super::context::{Caller, Context};
use super::error::Refusal;
use super::knob::Knobs;

/// What a caller wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    ReadApplications,
    WriteApplications,
    ReadGrants,
    WriteGrants,
    WriteAssignments,
    ReadAudits,
    ReadOrganization,
    ReadDomains,
    ReadSynchronization,
    WriteSynchronization,
    ReadProvisioningLog,
    ReadAssignedPolicies,
    WritePermissionClassifications,
}

/// Refuses a caller without a role for it. People may do everything here: the emulator has no directory roles.
pub(super) fn require(context: &Context<'_>, access: Access) -> Result<(), Refusal> {
    if is_allowed(context.caller, context.knobs, access) { Ok(()) } else { Err(Refusal::denied()) }
}

/// As [`require`], and an application may also do it to itself or to what it owns.
pub(super) fn require_for(context: &Context<'_>, access: Access, id: &str, app_id: &str) -> Result<(), Refusal> {
    if is_allowed(context.caller, context.knobs, access) {
        return Ok(());
    }
    let Caller::Application { app_id: own, principal_id, roles, .. } = context.caller else {
        return Err(Refusal::denied());
    };
    let is_self = own.eq_ignore_ascii_case(app_id);
    let is_owner = roles.contains("Application.ReadWrite.OwnedBy") && context.tenant.is_owned(id, principal_id);
    let allowed = match access {
        Access::ReadApplications => is_self || is_owner,
        Access::WriteApplications | Access::ReadSynchronization | Access::WriteSynchronization => is_owner,
        Access::ReadGrants
        | Access::WriteGrants
        | Access::WriteAssignments
        | Access::ReadAudits
        | Access::ReadOrganization
        | Access::ReadDomains
        | Access::ReadProvisioningLog
        | Access::ReadAssignedPolicies
        | Access::WritePermissionClassifications => false,
    };
    if allowed { Ok(()) } else { Err(Refusal::denied()) }
}

fn is_allowed(caller: &Caller, knobs: &Knobs, access: Access) -> bool {
    let Caller::Application { roles, .. } = caller else {
        return true;
    };
    let any = |names: &[&str]| names.iter().any(|name| roles.contains(*name));
    let reads_applications = any(&[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ]);
    match access {
        Access::ReadApplications => reads_applications,
        Access::WriteApplications => any(&["Application.ReadWrite.All", "Directory.ReadWrite.All"]),
        Access::ReadGrants => {
            any(&["Directory.Read.All", "Directory.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"])
                || (knobs.delegated_permission_grant_read_all_suffices && any(&["DelegatedPermissionGrant.Read.All"]))
        }
        Access::WriteGrants => any(&["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"]),
        Access::WriteAssignments => any(&["AppRoleAssignment.ReadWrite.All"]) && reads_applications,
        Access::ReadAudits => any(&["AuditLog.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"]),
        Access::ReadOrganization => any(&["Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"]),
        Access::ReadDomains => {
            any(&["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"])
        }
        Access::ReadSynchronization => any(&["Synchronization.Read.All", "Synchronization.ReadWrite.All"]),
        Access::WriteSynchronization => any(&["Synchronization.ReadWrite.All"]),
        Access::ReadProvisioningLog => any(&["AuditLog.Read.All", "ProvisioningLog.Read.All"]),
        // Two permissions together: https://learn.microsoft.com/graph/api/serviceprincipal-list-claimsmappingpolicies
        Access::ReadAssignedPolicies => {
            any(&["Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"])
                && any(&["Application.ReadWrite.OwnedBy", "Application.ReadWrite.All"])
        }
        Access::WritePermissionClassifications => any(&["Policy.ReadWrite.PermissionGrant"]),
    }
}
