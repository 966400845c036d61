//! What was seen in the tenant. Each question has three answers: known, absent, unreadable; the last is never taken for
//! the second.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::obstacle::Obstacle;
use crate::api::{AppId, ObjectId, TenantId, identifier::AppRoleId};

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reading<T> {
    /// The tenant has it.
    Known(T),
    /// The tenant does not have it.
    Absent,
    /// The tenant did not tell.
    Unreadable(Obstacle),
    /// Nobody asked, because nothing depended on it.
    NotAsked,
}

impl<T> Reading<T> {
    /// The value, if it is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unreadable(_) | Self::NotAsked => None,
        }
    }

    /// What stood in the way, if something did.
    pub const fn obstacle(&self) -> Option<&Obstacle> {
        match self {
            Self::Unreadable(obstacle) => Some(obstacle),
            Self::Known(_) | Self::Absent | Self::NotAsked => None,
        }
    }
}

/// One look at a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Observation {
    /// The tenant could not be asked anything.
    Blocked(Obstacle),
    /// What it told.
    Looked(Observed),
}

/// What the tenant told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Observed {
    /// Microsoft Graph's own service principal, which permissions are granted on.
    pub microsoft_graph: Reading<ResourcePrincipal>,
    /// Each application that was asked about.
    pub applications: BTreeMap<AppId, ObservedApplication>,
}

impl Observed {
    /// The gravest obstacle that was met; among equals the first in order of the questions.
    pub fn obstacle(&self) -> Option<&Obstacle> {
        let of_applications = self.applications.values().flat_map(ObservedApplication::obstacles);
        self.microsoft_graph.obstacle().into_iter().chain(of_applications).min_by_key(|obstacle| obstacle.gravity())
    }
}

/// A service principal that offers permissions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourcePrincipal {
    /// Its object ID in this tenant.
    pub id: ObjectId,
    /// IDs of the app roles that had to be looked up, by value.
    pub app_roles: BTreeMap<String, AppRoleId>,
}

/// What the tenant told about one application.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObservedApplication {
    /// Its service principal.
    pub service_principal: Reading<ServicePrincipal>,
    /// Application permissions granted to it.
    pub app_role_assignments: Reading<BTreeSet<AppRoleAssignment>>,
    /// Delegated permissions granted to it.
    pub oauth2_permission_grants: Reading<BTreeSet<OAuth2PermissionGrant>>,
    /// Its deleted service principals; asked only when none is present.
    pub deleted_service_principals: Reading<Vec<DeletedObject>>,
    /// Its deleted registrations in this tenant; asked only when no service principal is present.
    pub deleted_applications: Reading<Vec<DeletedObject>>,
}

impl ObservedApplication {
    fn obstacles(&self) -> impl Iterator<Item = &Obstacle> {
        [
            self.service_principal.obstacle(),
            self.app_role_assignments.obstacle(),
            self.oauth2_permission_grants.obstacle(),
            self.deleted_service_principals.obstacle(),
            self.deleted_applications.obstacle(),
        ]
        .into_iter()
        .flatten()
    }
}

/// A service principal, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServicePrincipal {
    /// Object ID in this tenant.
    pub id: ObjectId,
    /// Display name as the tenant has it; foreign text.
    pub display_name: String,
    /// Tenant in which the application is registered.
    pub owner: Option<TenantId>,
    /// Sign-in switch of this tenant.
    pub account_enabled: Switch,
    /// Whether the owner deactivated the application.
    pub is_disabled: Switch,
    /// Whether Microsoft disabled it.
    pub disabled_by_microsoft: Switch,
}

/// A switch as Microsoft Graph reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
    /// A value that this version does not know.
    Unrecognised,
}

/// An application permission that is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppRoleAssignment {
    /// Service principal that offers the permission.
    pub resource: ObjectId,
    /// The permission.
    pub app_role: AppRoleId,
}

/// A delegated permission that is granted, one value of a grant's scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OAuth2PermissionGrant {
    /// Service principal that offers the permission.
    pub resource: ObjectId,
    /// For whom.
    pub consent: ConsentType,
    /// Value of the permission.
    pub scope: String,
}

/// For whom a delegated permission is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsentType {
    /// For everyone: an administrator's consent.
    AllPrincipals,
    /// For one user only, or a value that this version does not know: not an administrator's consent.
    OnePrincipal,
}

/// An object in the tenant's deleted items.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeletedObject {
    /// When it was deleted, where told.
    pub deleted: Option<Timestamp>,
    /// Object ID.
    pub id: ObjectId,
    /// Display name; foreign text.
    pub display_name: String,
}
