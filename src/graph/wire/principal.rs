//! Service principals: those that are declared, those that may be sought, those that were deleted.

use serde::Deserialize;
use serde_json::Value;

use super::{credential::thumbprint, lenient, moment};
use crate::{
    api::{AppId, ObjectId},
    domain::observed::{Candidate, DeletedObject, ServicePrincipal, Switch},
};

/// A service principal.
/// <https://learn.microsoft.com/en-us/graph/api/resources/serviceprincipal>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireServicePrincipal {
    id: ObjectId,
    app_id: Option<AppId>,
    display_name: Option<String>,
    account_enabled: Option<bool>,
    is_disabled: Option<bool>,
    disabled_by_microsoft_status: Option<String>,
    app_owner_organization_id: Option<String>,
    app_role_assignment_required: Option<bool>,
    preferred_token_signing_key_thumbprint: Option<String>,
}

impl WireServicePrincipal {
    /// Properties that are asked for.
    pub const SELECT: &str = "id,appId,displayName,accountEnabled,isDisabled,disabledByMicrosoftStatus,\
                              appOwnerOrganizationId,appRoleAssignmentRequired,preferredTokenSigningKeyThumbprint";

    /// As `domain` sees it, if it is the one that was asked for.
    pub fn observed(self, asked: AppId) -> Option<ServicePrincipal> {
        if self.app_id != Some(asked) {
            return None;
        }
        Some(ServicePrincipal {
            id: self.id,
            display_name: self.display_name.unwrap_or_default(),
            // It only sharpens the remedy, so an unreadable one is none.
            owner: self.app_owner_organization_id.and_then(|text| text.parse().ok()),
            account_enabled: match self.account_enabled {
                Some(true) => Switch::On,
                Some(false) => Switch::Off,
                None => Switch::Unrecognised,
            },
            is_disabled: if self.is_disabled == Some(true) { Switch::On } else { Switch::Off },
            disabled_by_microsoft: match self.disabled_by_microsoft_status.as_deref() {
                None | Some("" | "NotDisabled") => Switch::Off,
                Some("DisabledDueToViolationOfServicesAgreement") => Switch::On,
                Some(_) => Switch::Unrecognised,
            },
            assignment_required: self.app_role_assignment_required == Some(true),
            signing_thumbprint: self.preferred_token_signing_key_thumbprint.as_deref().and_then(thumbprint),
        })
    }
}

/// The registration of an application, in the tenant that owns it.
/// <https://learn.microsoft.com/en-us/graph/api/application-get>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireRegistration {
    id: ObjectId,
    app_id: Option<AppId>,
}

impl WireRegistration {
    /// Properties that are asked for.
    pub const SELECT: &str = "id,appId";

    /// Its object ID, if it is the one that was asked for.
    pub fn observed(self, asked: AppId) -> Option<ObjectId> {
        (self.app_id == Some(asked)).then_some(self.id)
    }
}

/// An object in the deleted items.
/// <https://learn.microsoft.com/en-us/graph/api/directory-deleteditems-list>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireDeletedObject {
    id: ObjectId,
    app_id: AppId,
    display_name: Option<String>,
    deleted_date_time: Option<String>,
}

impl WireDeletedObject {
    /// As `domain` sees it, if it is of the application that was asked for.
    pub fn observed(self, asked: AppId) -> Option<DeletedObject> {
        if self.app_id != asked {
            return None;
        }
        Some(DeletedObject {
            // An unreadable date is no date; the object is there all the same.
            deleted: moment(self.deleted_date_time.as_deref()),
            id: self.id,
            display_name: self.display_name.unwrap_or_default(),
        })
    }
}

/// An object that may be the service principal that is sought, or its registration: of any type that a service principal
/// may own or create.
/// <https://learn.microsoft.com/en-us/graph/api/serviceprincipal-list-ownedobjects>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireCandidate {
    #[serde(rename = "@odata.type", default, deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    id: Option<ObjectId>,
    /// The application; other types have none.
    #[serde(default, deserialize_with = "lenient")]
    pub app_id: Option<AppId>,
    #[serde(default, deserialize_with = "lenient")]
    display_name: Option<String>,
    /// The application that created it, where told.
    #[serde(default, deserialize_with = "lenient")]
    pub created_by_app_id: Option<AppId>,
    deleted_date_time: Option<Value>,
}

impl WireCandidate {
    /// Properties that are asked for.
    pub const SELECT: &str = "id,appId,displayName,createdByAppId,deletedDateTime";

    /// Whether it is there, rather than among the deleted items; some lists may go on showing those.
    pub const fn is_live(&self) -> bool {
        self.deleted_date_time.is_none()
    }

    /// Whether the list says that it is a service principal.
    pub fn is_principal(&self) -> bool {
        self.kind.as_deref() == Some("#microsoft.graph.servicePrincipal")
    }

    /// As `domain` sees it, if it is a service principal.
    pub fn observed(self) -> Option<Candidate> {
        Some(Candidate { id: self.id?, display_name: self.display_name.unwrap_or_default() })
    }
}
