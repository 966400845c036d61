//! What is read of Microsoft Graph's and the token endpoint's answers: only what is used; unknown fields, unknown
//! values and nulls are tolerated, because the service adds them at any time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    api::{AppId, ObjectId, identifier::AppRoleId},
    domain::observed::{ConsentType, DeletedObject, ServicePrincipal, Switch},
};

/// How Microsoft Graph writes that something never happened: 0001-01-01T00:00:00Z.
const NEVER: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// Answer of the token endpoint.
/// <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
#[derive(Deserialize)]
pub struct TokenAnswer {
    /// The token.
    pub access_token: String,
    expires_in: Value,
}

impl TokenAnswer {
    /// Its lifetime in seconds. The endpoint writes a number; its relatives write the same in quotes.
    pub fn lifetime_seconds(&self) -> Option<u64> {
        self.expires_in.as_u64().or_else(|| self.expires_in.as_str()?.parse().ok())
    }
}

/// Refusal of the token endpoint.
/// <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>
#[derive(Debug, Deserialize)]
pub struct TokenRefusal {
    /// The contract: `invalid_client`, `unauthorized_client`, …
    pub error: String,
    /// Hints: the numbers behind AADSTS.
    error_codes: Option<Value>,
}

impl TokenRefusal {
    /// The first number behind AADSTS.
    pub fn number(&self) -> Option<u64> {
        self.error_codes.as_ref()?.get(0)?.as_u64()
    }
}

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
}

impl WireServicePrincipal {
    /// Properties that are asked for.
    pub const SELECT: &str =
        "id,appId,displayName,accountEnabled,isDisabled,disabledByMicrosoftStatus,appOwnerOrganizationId";

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
            assignment_required: false,
            signing_thumbprint: None,
        })
    }
}

/// A service principal that offers permissions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireResourcePrincipal {
    /// Its object ID.
    pub id: ObjectId,
    app_roles: Option<Vec<WireAppRole>>,
}

#[derive(Debug, Deserialize)]
struct WireAppRole {
    id: AppRoleId,
    value: Option<String>,
}

impl WireResourcePrincipal {
    /// IDs of the app roles with these values.
    pub fn app_roles(&self, is_wanted: impl Fn(&str) -> bool) -> BTreeMap<String, AppRoleId> {
        let named = self.app_roles.iter().flatten().filter_map(|role| Some((role.value.clone()?, role.id)));
        named.filter(|(value, _)| is_wanted(value)).collect()
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
            deleted: self.deleted_date_time.and_then(|text| text.parse().ok()).filter(|at| *at != NEVER),
            id: self.id,
            display_name: self.display_name.unwrap_or_default(),
        })
    }
}

/// A page of a list.
/// <https://learn.microsoft.com/en-us/graph/paging>
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    /// Its items.
    pub value: Vec<T>,
    /// Where the list goes on; may follow an empty page.
    #[serde(rename = "@odata.nextLink")]
    pub next_link: Option<String>,
}

/// An error of Microsoft Graph.
/// <https://learn.microsoft.com/en-us/graph/errors>
#[derive(Debug, Deserialize)]
pub struct ErrorAnswer {
    /// Its content.
    pub error: ErrorBody,
}

/// Content of an error.
#[derive(Debug, Deserialize)]
pub struct ErrorBody {
    /// The contract; the message beside it is for people and changes.
    pub code: String,
}
