//! What is known without asking: Microsoft Graph's permissions that matter here, the presets, and the applications for
//! which a consent link may be given.
//!
//! Permission IDs: <https://learn.microsoft.com/en-us/graph/permissions-reference>.

pub use crate::api::validation::MICROSOFT_GRAPH_APP_ID;
use crate::api::{
    AppId, Cloud, Permission, PermissionKind, identifier::AppRoleId, validation::IDENTITY_INTEGRATION_APP_ID,
};

/// Revision of the list below, written to `status.presetRevision`.
pub const PRESET_REVISION: i64 = 1;

/// The permissions that Cisco's consent page showed in 2023, by value and kind.
///
/// The published text does not tell whether Group, Place and User.Read.All are application or delegated permissions;
/// for the others it does, because the two kinds are worded differently or only one exists.
/// <https://www.cisco.com/c/en/us/support/docs/conferencing/webex-control-hub/220476-clear-azure-ad-integration-error-reques.html>
const IDENTITY_INTEGRATION: [(&str, PermissionKind); 8] = [
    ("Application.ReadWrite.OwnedBy", PermissionKind::Application),
    ("AuditLog.Read.All", PermissionKind::Application),
    ("Domain.Read.All", PermissionKind::Application),
    ("Group.Read.All", PermissionKind::Either),
    ("GroupMember.Read.All", PermissionKind::Application),
    ("Place.Read.All", PermissionKind::Either),
    ("User.Read", PermissionKind::Delegated),
    ("User.Read.All", PermissionKind::Either),
];

/// IDs of the app roles of Microsoft Graph that need no lookup.
const APP_ROLES: [(&str, u128); 7] = [
    ("Application.ReadWrite.OwnedBy", 0x18a4_783c_866b_4cc7_a460_3d5e_5662_c884),
    ("AuditLog.Read.All", 0xb0af_ded3_3588_46d8_8b3d_9842_eff7_78da),
    ("Domain.Read.All", 0xdbb9_058a_0e50_45d7_ae91_6690_9b5d_4664),
    ("Group.Read.All", 0x5b56_7255_7703_4780_807c_7be8_301a_e99b),
    ("GroupMember.Read.All", 0x9883_0695_27a2_44f7_8c18_0c3e_bc96_98f6),
    ("Place.Read.All", 0x913b_9306_0ce1_42b8_9137_6a7d_f690_a760),
    ("User.Read.All", 0xdf02_1288_bdef_4463_88db_98f2_2de8_9214),
];

/// The permissions of the preset "Cisco Webex Identity Integration".
pub fn identity_integration_permissions() -> Vec<Permission> {
    IDENTITY_INTEGRATION
        .map(|(value, kind)| Permission { value: Some(value.to_owned()), id: None, kind, resource_app_id: None })
        .to_vec()
}

/// ID of the app role of Microsoft Graph with this value, where it is known without a lookup.
pub fn app_role(value: &str) -> Option<AppRoleId> {
    APP_ROLES.iter().find(|(known, _)| *known == value).map(|(_, id)| AppRoleId::from_u128(*id))
}

/// Value of the app role of Microsoft Graph with this ID, where it is known without a lookup.
pub fn app_role_value(id: AppRoleId) -> Option<&'static str> {
    APP_ROLES.iter().find(|(_, known)| AppRoleId::from_u128(*known) == id).map(|(value, _)| *value)
}

/// Whether a consent link for this application may appear in a status.
///
/// The author of an object must not be able to make our status advertise an application of their choice: only the
/// applications compiled in here and those named by the process qualify.
pub fn may_link(cloud: Cloud, application: AppId, named_by_process: &[AppId]) -> bool {
    (cloud == Cloud::Global && application == IDENTITY_INTEGRATION_APP_ID) || named_by_process.contains(&application)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_link_needs_cloud_and_application_of_the_catalog_or_the_process() {
        let other = AppId::from_u128(7);
        assert!(may_link(Cloud::Global, IDENTITY_INTEGRATION_APP_ID, &[]));
        assert!(!may_link(Cloud::China, IDENTITY_INTEGRATION_APP_ID, &[]));
        assert!(!may_link(Cloud::Global, other, &[]));
        assert!(may_link(Cloud::China, other, &[other]));
    }

    #[test]
    fn every_application_permission_of_the_preset_is_known_by_id() {
        for (value, kind) in IDENTITY_INTEGRATION {
            assert_eq!(app_role(value).is_some(), kind != PermissionKind::Delegated, "{value}");
        }
    }
}
