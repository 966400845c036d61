//! A whole tenant as data: what a test writes down, and how it becomes a directory.

mod build;
mod incident;
mod setting;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::directory::{MICROSOFT_GRAPH_APP_ID, Properties, TenantState};
use super::synchronization::ProvisioningTarget;

/// A tenant, and the applications of other tenants that it uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// The tenant itself.
    pub tenant: Tenant,
    /// Applications registered in other tenants. Their properties may name `appOwnerOrganizationId` and `publisherName`.
    #[serde(default)]
    pub published_applications: Vec<Application>,
    /// Registrations of this tenant.
    #[serde(default)]
    pub applications: Vec<Application>,
    /// Principals. Microsoft Graph's own is added if it is not among them.
    #[serde(default)]
    pub service_principals: Vec<ServicePrincipal>,
    /// Application permissions that were granted.
    #[serde(default)]
    pub app_role_assignments: Vec<AppRoleAssignment>,
    /// Delegated permissions that were granted.
    #[serde(default)]
    pub oauth2_permission_grants: Vec<OAuth2PermissionGrant>,
    /// Client secrets that the token endpoint accepts.
    #[serde(default)]
    pub client_secrets: Vec<ClientSecret>,
    /// Certificates whose signatures the token endpoint accepts.
    #[serde(default)]
    pub client_certificates: Vec<ClientCertificate>,
    /// Whose tokens the token endpoint accepts in place of an application's own credential.
    #[serde(default)]
    pub federated_credentials: Vec<FederatedCredential>,
    /// The keys of those who issue such tokens.
    #[serde(default)]
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// appIds that a Conditional Access policy keeps from getting tokens.
    #[serde(default)]
    pub blocked_applications: Vec<String>,
    /// Who owns which principal or registration.
    #[serde(default)]
    pub owners: Vec<Ownership>,
    /// Audit records from before, in the shape of `directoryAudit`.
    #[serde(default)]
    pub directory_audits: Vec<Value>,
    /// appId to the provisioning jobs of its principal, in the shape of `synchronizationJob`.
    ///
    /// A job with a `status` is as it is told, whatever the time, until something is done to it: a start, a pause, a
    /// restart, a change, or `POST /synchronization` on the control surface. From then on it lives: its cycles run,
    /// fail and are counted as emulated time goes by. A job without a `status` lives from the start; with a `schedule`
    /// that is not `Active` it was never started.
    #[serde(default)]
    pub synchronization_jobs: BTreeMap<String, Vec<Value>>,
    /// appId to the health of what its jobs provision into; healthy if left out. Only living jobs notice; jobs of an
    /// application that stands here live on as if they always had, so that one that runs ran within its interval.
    #[serde(default)]
    pub provisioning_targets: BTreeMap<String, ProvisioningTarget>,
    /// appId of the application the operator signs in with; its credentials are what loading returns.
    #[serde(default)]
    pub operator_app_id: Option<String>,
}

/// A tenant's own data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tenant {
    /// A guid.
    pub id: String,
    /// Its name.
    pub display_name: String,
    /// Verified domains, the default one first.
    pub domains: Vec<String>,
    /// Who is signed in on the consent page.
    pub administrator: Person,
}

/// Someone who signs in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    /// Object id.
    pub id: String,
    /// `admin@contoso.com`
    pub user_principal_name: String,
    /// Full name.
    pub display_name: String,
}

/// An application registration: properties by their names in Graph, of which `appId` and `displayName` are needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Application(pub serde_json::Map<String, Value>);

/// A principal: properties by their names in Graph, of which `id` and `appId` are needed.
/// What is left out comes from its application. With a `deletedDateTime` it is soft-deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServicePrincipal(pub serde_json::Map<String, Value>);

/// An application permission, by names a person can read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppRoleAssignment {
    /// appId of the client, or the administrator's object id.
    pub client: String,
    /// appId of the resource; Microsoft Graph if left out.
    #[serde(default = "microsoft_graph")]
    pub resource: String,
    /// Value of the app role, such as `Group.Read.All`; empty for the default access role.
    pub role: String,
    /// When; long ago if left out.
    #[serde(default)]
    pub created: Option<Timestamp>,
}

/// Delegated permissions, by names a person can read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OAuth2PermissionGrant {
    /// appId of the client.
    pub client: String,
    /// appId of the resource; Microsoft Graph if left out.
    #[serde(default = "microsoft_graph")]
    pub resource: String,
    /// Object id of the one person it is for; everyone if left out.
    #[serde(default)]
    pub principal_id: Option<String>,
    /// Scopes with spaces between.
    pub scope: String,
}

/// A client secret.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientSecret {
    /// Whose.
    pub app_id: String,
    /// The value. Made up: nothing real belongs here.
    pub secret: String,
    /// Until when; for ever if left out.
    #[serde(default)]
    pub expires: Option<Timestamp>,
}

/// A certificate of an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientCertificate {
    /// Whose.
    pub app_id: String,
    /// The certificate in PEM, without its key. The key has to be an RSA key.
    pub certificate: String,
}

/// A federated identity credential: whose tokens an application may sign in with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FederatedCredential {
    /// Whose.
    pub app_id: String,
    /// What `iss` of the token has to be, to the letter.
    pub issuer: String,
    /// What `sub` of the token has to be, to the letter.
    pub subject: String,
    /// What `aud` of the token may be; Microsoft allows one.
    pub audiences: Vec<String>,
}

/// What the emulator would read from an issuer's address if it had a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustedIssuer {
    /// The issuer as it stands in tokens.
    pub issuer: String,
    /// Its keys as a JSON Web Key Set: `{"keys": […]}`.
    pub jwks: Value,
}

/// Who owns an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ownership {
    /// appId of what is owned: its principal and its registration.
    pub app_id: String,
    /// appId of the owner.
    pub owner: String,
}

/// What a client needs to sign in.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// appId.
    pub client_id: String,
    /// A made-up secret.
    pub client_secret: String,
}

/// What loading a scenario returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    /// The tenant.
    pub tenant_id: String,
    /// Credentials of the operator's application, if the scenario names one.
    pub operator: Option<Credentials>,
}

/// What is wrong with a scenario.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// An id that is no guid.
    #[error("{what} {value:?} is not a guid")]
    NotAGuid {
        /// Which id.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// A principal whose appId nobody registered.
    #[error("no application is registered with appId {app_id}")]
    NoApplication {
        /// The appId.
        app_id: String,
    },
    /// A permission of or for an application without a principal.
    #[error("no principal of application {app_id} is in the tenant")]
    NoPrincipal {
        /// The appId.
        app_id: String,
    },
    /// A role the resource does not have.
    #[error("application {resource} has no app role {role}")]
    NoRole {
        /// appId of the resource.
        resource: String,
        /// The value looked for.
        role: String,
    },
    /// An operator application without a secret.
    #[error("no client secret of operator application {app_id}")]
    NoSecret {
        /// The appId.
        app_id: String,
    },
    /// A client certificate that is none, or has another kind of key.
    #[error("the client certificate of {app_id} is not a certificate with an RSA key in PEM")]
    NotACertificate {
        /// The appId.
        app_id: String,
    },
    /// Keys of an issuer that are no key set.
    #[error("jwks of issuer {issuer} has no list of keys")]
    NoKeys {
        /// The issuer.
        issuer: String,
    },
}

/// A scenario as state.
pub(super) struct Built {
    pub(super) tenant: TenantState,
    pub(super) published: BTreeMap<String, Properties>,
    pub(super) loaded: Loaded,
}

fn microsoft_graph() -> String {
    MICROSOFT_GRAPH_APP_ID.to_owned()
}

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { app_id, secret: _, expires } = self;
        formatter.debug_struct("ClientSecret").field("app_id", app_id).field("expires", expires).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { client_id, client_secret: _ } = self;
        formatter.debug_struct("Credentials").field("client_id", client_id).finish_non_exhaustive()
    }
}

impl Scenario {
    /// The tenant of the incident before it happens: both Webex applications in order, an administrator, and a
    /// read-only application for the operator whose credentials are documented and worthless.
    pub fn incident() -> Self {
        incident::scenario()
    }
}
