//! Permissions: who offers them, who holds them, who is assigned to whom.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::lenient;
use crate::{
    api::{
        AppId, ObjectId,
        identifier::{AppRoleId, ScopeId},
    },
    domain::observed::ConsentType,
};

/// A service principal that offers permissions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireResourcePrincipal {
    /// Its object ID.
    pub id: ObjectId,
    /// Its application, where asked for.
    #[serde(default, deserialize_with = "lenient")]
    pub app_id: Option<AppId>,
    /// Its display name.
    #[serde(default, deserialize_with = "lenient")]
    pub display_name: Option<String>,
    app_roles: Option<Vec<WireAppRole>>,
    oauth2_permission_scopes: Option<Vec<WireScope>>,
}

#[derive(Debug, Deserialize)]
struct WireAppRole {
    id: AppRoleId,
    value: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireScope {
    id: ScopeId,
    value: Option<String>,
}

impl WireResourcePrincipal {
    /// IDs of the app roles that are wanted, by value.
    pub fn app_roles(&self, is_wanted: impl Fn(&str, AppRoleId) -> bool) -> BTreeMap<String, AppRoleId> {
        let named = self.app_roles.iter().flatten().filter_map(|role| Some((role.value.as_deref()?, role.id)));
        named.filter(|(value, id)| is_wanted(value, *id)).map(|(value, id)| (value.to_owned(), id)).collect()
    }

    /// IDs of the delegated permissions that are wanted, by value.
    pub fn scopes(&self, is_wanted: impl Fn(ScopeId) -> bool) -> BTreeMap<String, ScopeId> {
        let scopes = self.oauth2_permission_scopes.iter().flatten();
        let named = scopes.filter_map(|scope| Some((scope.value.as_deref()?, scope.id)));
        named.filter(|(_, id)| is_wanted(*id)).map(|(value, id)| (value.to_owned(), id)).collect()
    }
}

/// An app role assignment.
/// <https://learn.microsoft.com/en-us/graph/api/resources/approleassignment>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireAppRoleAssignment {
    /// The permission.
    pub app_role_id: AppRoleId,
    /// Service principal that offers it.
    pub resource_id: ObjectId,
}

/// An app role assignment as the resource sees it: somebody is assigned to it.
/// <https://learn.microsoft.com/en-us/graph/api/serviceprincipal-list-approleassignedto>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireAssigned {
    #[serde(default, deserialize_with = "lenient")]
    principal_type: Option<String>,
}

impl WireAssigned {
    /// Whether it is a person or a group of them; none if it does not say.
    pub fn is_person(&self) -> Option<bool> {
        match self.principal_type.as_deref() {
            Some("User" | "Group") => Some(true),
            Some("ServicePrincipal") => Some(false),
            Some(_) | None => None,
        }
    }
}

/// A delegated permission grant.
/// <https://learn.microsoft.com/en-us/graph/api/resources/oauth2permissiongrant>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireOAuth2PermissionGrant {
    /// Service principal that offers the permissions.
    pub resource_id: ObjectId,
    consent_type: Option<String>,
    /// Values separated by spaces, often with one in front.
    pub scope: Option<String>,
}

impl WireOAuth2PermissionGrant {
    /// For whom it is granted.
    pub fn consent(&self) -> ConsentType {
        match self.consent_type.as_deref() {
            Some("AllPrincipals") => ConsentType::AllPrincipals,
            _ => ConsentType::OnePrincipal,
        }
    }
}
