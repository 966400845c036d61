//! What the operator's own application needs in order to look for what is declared, against what its token says it has.
//!
//! A token is opaque to its user by contract, so that its `roles` are a hint: they make a refusal that Microsoft Graph
//! gave more exact and tell what could be taken away; they never cause a refusal.
//!
//! <https://learn.microsoft.com/en-us/graph/permissions-reference>

use std::collections::BTreeSet;

use super::desired::{Desired, Sought};
use crate::api::{Cloud, PermissionKind};

/// Something that a look reads, and what opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Service principals, by application ID.
    ServicePrincipals,
    /// Application permissions that they hold.
    AppRoleAssignments,
    /// Delegated permissions that they hold.
    OAuth2PermissionGrants,
    /// Deleted service principals and registrations.
    DeletedItems,
    /// Provisioning jobs.
    SynchronizationJobs,
    /// The audit log; nothing that is declared depends on it.
    AuditLog,
}

/// Application permissions that read applications, the least privileged first. Only `Directory.Read.All` and what is
/// above it read grants as well.
const APPLICATIONS: [&str; 5] = [
    "Application.Read.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "Application.ReadWrite.All",
    "Directory.ReadWrite.All",
];

/// Application permissions that read delegated permission grants. The first exists and no reference page lists it for
/// these paths; it is used where the service accepts it.
/// <https://learn.microsoft.com/en-us/graph/api/serviceprincipal-list-oauth2permissiongrants>
const GRANTS: [&str; 4] = [
    "DelegatedPermissionGrant.Read.All",
    "Directory.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.ReadWrite.All",
];

/// Application permissions that read provisioning jobs.
/// <https://learn.microsoft.com/en-us/graph/api/synchronization-synchronization-list-jobs>
const JOBS: [&str; 2] = ["Synchronization.Read.All", "Synchronization.ReadWrite.All"];

/// Application permissions that read the audit log.
/// <https://learn.microsoft.com/en-us/graph/api/directoryaudit-list>
const AUDITS: [&str; 3] = ["AuditLog.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"];

impl Need {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ServicePrincipals,
        Self::AppRoleAssignments,
        Self::OAuth2PermissionGrants,
        Self::DeletedItems,
        Self::SynchronizationJobs,
        Self::AuditLog,
    ];

    /// The permission to ask for: the least privileged one that is documented.
    pub const fn least(self) -> &'static str {
        match self {
            Self::ServicePrincipals | Self::AppRoleAssignments | Self::DeletedItems => "Application.Read.All",
            Self::OAuth2PermissionGrants => "Directory.Read.All",
            Self::SynchronizationJobs => "Synchronization.Read.All",
            Self::AuditLog => "AuditLog.Read.All",
        }
    }

    /// What it is needed for.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::ServicePrincipals => "reading service principals",
            Self::AppRoleAssignments => "reading app role assignments",
            Self::OAuth2PermissionGrants => "reading delegated permission grants",
            Self::DeletedItems => "reading deleted service principals",
            Self::SynchronizationJobs => "reading provisioning jobs",
            Self::AuditLog => "reading the audit log",
        }
    }

    /// Every permission that opens it, the least privileged first.
    pub const fn openers(self) -> &'static [&'static str] {
        match self {
            Self::ServicePrincipals | Self::AppRoleAssignments | Self::DeletedItems => &APPLICATIONS,
            Self::OAuth2PermissionGrants => &GRANTS,
            Self::SynchronizationJobs => &JOBS,
            Self::AuditLog => &AUDITS,
        }
    }

    fn is_met_by(self, roles: &BTreeSet<String>) -> bool {
        self.openers().iter().any(|opener| roles.contains(*opener))
    }
}

/// What looking for this needs, in order.
pub fn needs(desired: &Desired) -> Vec<Need> {
    let reads = |kind: PermissionKind| desired.applications.iter().any(|application| application.reads(kind));
    let mut needs = vec![Need::ServicePrincipals];
    if reads(PermissionKind::Application) {
        needs.push(Need::AppRoleAssignments);
    }
    if reads(PermissionKind::Delegated) {
        needs.push(Need::OAuth2PermissionGrants);
    }
    needs.push(Need::DeletedItems);
    let is_sought = desired.sought.as_ref().is_some_and(Sought::provisioning);
    if offers_jobs(desired.cloud) && (is_sought || desired.applications.iter().any(|one| one.provisioning)) {
        needs.push(Need::SynchronizationJobs);
    }
    needs
}

/// Whether provisioning jobs can be read in this cloud.
/// <https://learn.microsoft.com/en-us/graph/api/synchronization-synchronizationjob-get>
pub fn offers_jobs(cloud: Cloud) -> bool {
    cloud != Cloud::China
}

/// Whether the audit log can be read in this cloud.
/// <https://learn.microsoft.com/en-us/graph/api/directoryaudit-list>
pub fn offers_audits(cloud: Cloud) -> bool {
    cloud != Cloud::China
}

/// The permissions to grant: what was refused, if something was, and everything else that these roles lack for what is
/// declared. Each stands once, with everything that it is needed for.
pub fn lacking(desired: &Desired, refused: Option<Need>, roles: &BTreeSet<String>) -> Vec<(&'static str, String)> {
    let is_lacking = |need: &Need| Some(*need) == refused || !need.is_met_by(roles);
    let mut lacking: Vec<(&str, String)> = Vec::new();
    let mut needs = needs(desired);
    // Some lists are read for more than one purpose, so that one may be refused which no permission asks for.
    needs.extend(refused.filter(|refused| !needs.contains(refused)));
    for need in needs.into_iter().filter(is_lacking) {
        match lacking.iter_mut().find(|(permission, _)| *permission == need.least()) {
            Some((_, purposes)) => {
                purposes.push_str(" and ");
                purposes.push_str(need.purpose().trim_start_matches("reading "));
            }
            None => lacking.push((need.least(), need.purpose().to_owned())),
        }
    }
    lacking
}

/// What these roles hold beyond what looking for this needs, sorted. The permission that tells who did something is not
/// counted as too many.
pub fn excess(desired: &Desired, roles: &BTreeSet<String>) -> Vec<String> {
    let mut used: BTreeSet<&str> = BTreeSet::from(["AuditLog.Read.All"]);
    for need in needs(desired) {
        // Of several that open it, the least privileged is the one that is used. Whether the first of those for grants
        // is taken is not known, so that the documented one may stand beside it.
        used.extend(need.openers().iter().find(|opener| roles.contains(**opener)));
        used.insert(need.least());
    }
    roles.iter().filter(|role| !used.contains(role.as_str())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn desired(permissions: &serde_json::Value) -> Desired {
        let id = "00000000-0000-4000-8000-000000000001";
        let spec = json!({
            "tenantId": id,
            "credentials": {"clientId": id, "operatorIdentity": {}},
            "identityIntegration": {"permissions": permissions},
            "identity": {"check": false},
        });
        Desired::from_spec(&serde_json::from_value(spec).unwrap()).unwrap()
    }

    fn roles(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn only_declared_kinds_of_permissions_are_needed() {
        let application = desired(&json!([{"value": "Group.Read.All", "kind": "Application"}]));
        assert_eq!(needs(&application), [Need::ServicePrincipals, Need::AppRoleAssignments, Need::DeletedItems]);
        let delegated = desired(&json!([{"value": "User.Read", "kind": "Delegated"}]));
        assert_eq!(needs(&delegated), [Need::ServicePrincipals, Need::OAuth2PermissionGrants, Need::DeletedItems]);
    }

    #[test]
    fn both_kinds_of_permissions_are_needed_where_more_than_the_declared_ones_is_drift() {
        let id = "00000000-0000-4000-8000-000000000001";
        let needs_under = |policy: &str| {
            let spec = json!({
                "tenantId": id,
                "credentials": {"clientId": id, "operatorIdentity": {}},
                "identityIntegration": {
                    "permissions": [{"value": "Group.Read.All", "kind": "Application"}], "extraPermissions": policy,
                },
                "identity": {"check": false},
            });
            needs(&Desired::from_spec(&serde_json::from_value(spec).unwrap()).unwrap())
        };
        for (policy, expected) in [("Ignore", false), ("Report", true), ("Drift", true)] {
            assert_eq!(needs_under(policy).contains(&Need::OAuth2PermissionGrants), expected, "{policy}");
        }
    }

    #[test]
    fn everything_that_is_lacking_is_named_once_and_nothing_else() {
        let both = desired(&json!([{"value": "Group.Read.All", "kind": "Either"}]));
        let names = |refused, held: &[&str]| {
            lacking(&both, refused, &roles(held)).into_iter().map(|(permission, _)| permission).collect::<Vec<_>>()
        };
        assert_eq!(names(Some(Need::ServicePrincipals), &[]), ["Application.Read.All", "Directory.Read.All"]);
        assert_eq!(names(Some(Need::OAuth2PermissionGrants), &["Application.Read.All"]), ["Directory.Read.All"]);
        // Roles that should do, and do not: only what was refused is certain.
        assert_eq!(names(Some(Need::OAuth2PermissionGrants), &["Directory.Read.All"]), ["Directory.Read.All"]);
        assert!(names(None, &["Directory.Read.All"]).is_empty());
        let all = lacking(&both, None, &roles(&[]));
        assert_eq!(all[0].1, "reading service principals and app role assignments and deleted service principals");
    }

    #[test]
    fn what_nothing_declared_needs_is_too_much() {
        let application = desired(&json!([{"value": "Group.Read.All", "kind": "Application"}]));
        for (held, too_much) in [
            (&["Application.Read.All", "AuditLog.Read.All"][..], &[][..]),
            (&["Directory.Read.All"], &[]),
            (&["Application.Read.All", "Directory.Read.All"], &["Directory.Read.All"]),
            (&["Application.Read.All", "Mail.Read", "User.ReadWrite.All"], &["Mail.Read", "User.ReadWrite.All"]),
            (&["Synchronization.Read.All"], &["Synchronization.Read.All"]),
            (&[], &[]),
        ] {
            assert_eq!(excess(&application, &roles(held)), too_much, "{held:?}");
        }
        let delegated = desired(&json!([{"value": "User.Read", "kind": "Delegated"}]));
        let held = roles(&["Application.Read.All", "DelegatedPermissionGrant.Read.All", "Directory.Read.All"]);
        assert!(excess(&delegated, &held).is_empty());
    }
}
