//! A whole tenant as data: what a test writes down, and how it becomes a directory.

mod incident;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::directory::{self, DEFAULT_ACCESS_ROLE_ID, MICROSOFT_GRAPH_APP_ID, Properties, TenantState, text, text_of};
use super::directory_audit::AuditLog;
use super::identifier::{self, Identifiers};
use super::replica::{Moment, Shelf, View};
use super::{app_role_assignment, application, oauth2_permission_grant, service_principal};

/// App roles and scopes of Microsoft Graph; the file names its source and licence.
const PERMISSIONS: &str = include_str!("permissions.json");

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
    /// Who owns which principal or registration.
    #[serde(default)]
    pub owners: Vec<Ownership>,
    /// Audit records from before, in the shape of `directoryAudit`.
    #[serde(default)]
    pub directory_audits: Vec<Value>,
    /// appId to the provisioning jobs of its principal, in the shape of `synchronizationJob`.
    #[serde(default)]
    pub synchronization_jobs: BTreeMap<String, Vec<Value>>,
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

    /// Turns the data into a directory in which everything has been seen by everyone.
    pub(super) fn build(&self, now: Timestamp, identifiers: &mut Identifiers) -> Result<Built, ScenarioError> {
        let past = Moment { now: Timestamp::UNIX_EPOCH.min(now), lag: jiff::SignedDuration::ZERO };
        let mut published: BTreeMap<String, Properties> =
            self.published_applications.iter().map(|application| (key(&application.0), application.0.clone())).collect();
        published.entry(microsoft_graph()).or_insert_with(microsoft_graph_application);
        let mut tenant = self.empty_tenant()?;
        for Application(properties) in &self.applications {
            let id = checked("application id", text(properties, "id"))?;
            let mut properties = application::complete(properties.clone());
            properties.insert("id".to_owned(), id.clone().into());
            tenant.applications.put(past, &id, Some(properties));
        }
        for ServicePrincipal(properties) in &self.service_principals {
            add_principal(&mut tenant, &published, past, properties)?;
        }
        if !self.service_principals.iter().any(|principal| text(&principal.0, "appId") == MICROSOFT_GRAPH_APP_ID) {
            let graph = json!({"id": incident::MICROSOFT_GRAPH_PRINCIPAL_ID, "appId": MICROSOFT_GRAPH_APP_ID});
            add_principal(&mut tenant, &published, past, graph.as_object().unwrap_or(&Properties::new()))?;
        }
        for assignment in &self.app_role_assignments {
            add_assignment(&mut tenant, identifiers, past, assignment)?;
        }
        for grant in &self.oauth2_permission_grants {
            let client = principal_id(&tenant, &grant.client)?;
            let resource = principal_id(&tenant, &grant.resource)?;
            let row = oauth2_permission_grant::row(&client, &resource, grant.principal_id.as_deref(), &grant.scope);
            tenant.oauth2_permission_grants.put(past, text(&row, "id"), Some(row.clone()));
        }
        self.add_owners(&mut tenant)?;
        for record in self.directory_audits.iter().filter_map(Value::as_object) {
            tenant.audit.import(record.clone());
        }
        for (app_id, jobs) in &self.synchronization_jobs {
            let id = principal_id(&tenant, app_id)?;
            tenant.synchronization_jobs.insert(id, jobs.clone());
        }
        Ok(Built { loaded: Loaded { tenant_id: tenant.id.clone(), operator: self.credentials()? }, tenant, published })
    }

    fn empty_tenant(&self) -> Result<TenantState, ScenarioError> {
        let Tenant { id, display_name, domains, administrator } = self.tenant.clone();
        Ok(TenantState {
            id: checked("tenant id", &id)?,
            display_name,
            domains,
            administrator,
            service_principals: Shelf::default(),
            applications: Shelf::default(),
            app_role_assignments: Shelf::default(),
            oauth2_permission_grants: Shelf::default(),
            owners: BTreeMap::new(),
            secrets: self.client_secrets.clone(),
            synchronization_jobs: BTreeMap::new(),
            audit: AuditLog::default(),
        })
    }

    fn add_owners(&self, tenant: &mut TenantState) -> Result<(), ScenarioError> {
        for Ownership { app_id, owner } in &self.owners {
            let owner = principal_id(tenant, owner)?;
            let owned = [
                Some(principal_id(tenant, app_id)?),
                tenant.application_of(View::Truth, app_id).map(|(id, _)| id.to_owned()),
            ];
            for id in owned.into_iter().flatten() {
                tenant.owners.entry(id).or_default().insert(owner.clone());
            }
        }
        Ok(())
    }

    fn credentials(&self) -> Result<Option<Credentials>, ScenarioError> {
        let Some(app_id) = &self.operator_app_id else { return Ok(None) };
        let secret = self.client_secrets.iter().find(|secret| secret.app_id == *app_id);
        let secret = secret.ok_or_else(|| ScenarioError::NoSecret { app_id: app_id.clone() })?;
        Ok(Some(Credentials { client_id: app_id.clone(), client_secret: secret.secret.clone() }))
    }
}

fn key(properties: &Properties) -> String {
    text(properties, "appId").to_ascii_lowercase()
}

fn checked(what: &'static str, value: &str) -> Result<String, ScenarioError> {
    if identifier::is_guid(value) {
        return Ok(value.to_ascii_lowercase());
    }
    Err(ScenarioError::NotAGuid { what, value: value.to_owned() })
}

fn add_principal(
    tenant: &mut TenantState,
    published: &BTreeMap<String, Properties>,
    past: Moment,
    properties: &Properties,
) -> Result<(), ScenarioError> {
    let id = checked("principal id", text(properties, "id"))?;
    let app_id = text(properties, "appId");
    let here = tenant.applications.all(View::Truth).find(|(_, row)| text(row, "appId") == app_id).map(|(_, row)| row);
    let application = here
        .or_else(|| published.get(&key(properties)))
        .ok_or_else(|| ScenarioError::NoApplication { app_id: app_id.to_owned() })?;
    let mut row = service_principal::from_application(application, &tenant.id, &id);
    row.extend(properties.clone());
    row.insert("id".to_owned(), id.clone().into());
    tenant.service_principals.put(past, &id, Some(row));
    Ok(())
}

fn add_assignment(
    tenant: &mut TenantState,
    identifiers: &mut Identifiers,
    past: Moment,
    assignment: &AppRoleAssignment,
) -> Result<(), ScenarioError> {
    let AppRoleAssignment { client, resource, role, created } = assignment;
    let client_id = if *client == tenant.administrator.id { client.clone() } else { principal_id(tenant, client)? };
    let resource_id = principal_id(tenant, resource)?;
    let role_id = if role.is_empty() {
        DEFAULT_ACCESS_ROLE_ID.to_owned()
    } else {
        let roles = tenant.service_principals.get(View::Truth, &resource_id).map(|row| directory::elements(row, "appRoles"));
        let found = roles.unwrap_or_default().iter().find(|known| text_of(known, "value") == role);
        let found = found.ok_or_else(|| ScenarioError::NoRole { resource: resource.clone(), role: role.clone() })?;
        text_of(found, "id").to_owned()
    };
    let created = created.unwrap_or(incident::LONG_AGO).to_string();
    let id = identifiers.assignment(&client_id);
    let row = app_role_assignment::row(tenant, &id, &client_id, &resource_id, &role_id, &created);
    tenant.app_role_assignments.put(past, &id, Some(row));
    Ok(())
}

/// The principal of an application, live or soft-deleted.
fn principal_id(tenant: &TenantState, app_id: &str) -> Result<String, ScenarioError> {
    let mut principals = tenant.service_principals.all(View::Truth);
    let found = principals.find(|(_, row)| text(row, "appId").eq_ignore_ascii_case(app_id)).map(|(id, _)| id.to_owned());
    found.ok_or_else(|| ScenarioError::NoPrincipal { app_id: app_id.to_owned() })
}

/// Microsoft Graph as an application, with the permissions this emulator knows.
fn microsoft_graph_application() -> Properties {
    let permissions: Value = serde_json::from_str(PERMISSIONS).unwrap_or_default();
    let application = json!({
        "appId": MICROSOFT_GRAPH_APP_ID,
        "displayName": "Microsoft Graph",
        "appOwnerOrganizationId": incident::MICROSOFT_TENANT_ID,
        "publisherName": "Microsoft Services",
        "signInAudience": "AzureADMultipleOrgs",
        "appRoles": permissions.get("appRoles"),
        "api": {"oauth2PermissionScopes": permissions.get("oauth2PermissionScopes")},
    });
    if let Value::Object(application) = application { application } else { Properties::new() }
}
