//! How a scenario becomes a directory.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::certificate::Certificate;
use super::super::directory::{
    self, DEFAULT_ACCESS_ROLE_ID, MICROSOFT_GRAPH_APP_ID, Properties, TenantState, text, text_of,
};
use super::super::directory_audit::AuditLog;
use super::super::identifier::{self, Identifiers};
use super::super::key_credential::{self, KEY_CREDENTIALS};
use super::super::provisioning_log::ProvisioningLog;
use super::super::replica::{Moment, Shelf, View};
use super::super::{
    app_role_assignment, application, federated_identity_credential, oauth2_permission_grant, service_principal,
};
use super::{
    AppRoleAssignment, Application, Built, ClientCertificate, Credentials, Loaded, Ownership, Scenario, ScenarioError,
    ServicePrincipal, Tenant, TrustedIssuer, incident,
};

/// App roles and scopes of Microsoft Graph; the file names its source and licence.
const PERMISSIONS: &str = include_str!("../permissions.json");

/// Microsoft Graph as its publisher registered it.
pub(super) static MICROSOFT_GRAPH: LazyLock<Properties> = LazyLock::new(microsoft_graph_application);

/// Its principal, which all tenants share: by far the largest object of a small tenant.
static MICROSOFT_GRAPH_PRINCIPAL: LazyLock<Arc<Properties>> = LazyLock::new(|| {
    let tenant_id = incident::MICROSOFT_TENANT_ID;
    let id = incident::MICROSOFT_GRAPH_PRINCIPAL_ID;
    Arc::new(service_principal::from_application(&MICROSOFT_GRAPH, tenant_id, id))
});

impl Scenario {
    /// Turns the data into a directory in which everything has been seen by everyone.
    pub(in super::super) fn build(
        &self,
        now: Timestamp,
        identifiers: &mut Identifiers,
    ) -> Result<Built, ScenarioError> {
        let past = Moment { now: Timestamp::UNIX_EPOCH.min(now), lag: SignedDuration::ZERO };
        let mut published: BTreeMap<String, Properties> = self
            .published_applications
            .iter()
            .map(|application| (key(&application.0), application.0.clone()))
            .collect();
        published.entry(MICROSOFT_GRAPH_APP_ID.to_owned()).or_insert_with(|| MICROSOFT_GRAPH.clone());
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
        if tenant.principal_of(View::Truth, MICROSOFT_GRAPH_APP_ID).is_none() {
            let principal = Arc::clone(&MICROSOFT_GRAPH_PRINCIPAL);
            tenant.service_principals.put_shared(past, incident::MICROSOFT_GRAPH_PRINCIPAL_ID, Some(principal));
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
        self.add_certificates(&mut tenant, identifiers, past)?;
        for (number, credential) in (1..).zip(&self.federated_credentials) {
            federated_identity_credential::import(&mut tenant, past, &identifiers.guid(), number, credential);
        }
        for record in self.directory_audits.iter().filter_map(Value::as_object) {
            tenant.audit.import(record.clone());
        }
        for (app_id, jobs) in &self.synchronization_jobs {
            let id = principal_id(&tenant, app_id)?;
            tenant.synchronization.entry(id).or_default().bring(jobs, now, identifiers);
        }
        for (app_id, target) in &self.provisioning_targets {
            let id = principal_id(&tenant, app_id)?;
            let synchronization = tenant.synchronization.entry(id).or_default();
            synchronization.live_on(now);
            synchronization.set_target(target);
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
            permission_classifications: BTreeMap::new(),
            secrets: self.client_secrets.clone(),
            password_keys: BTreeMap::new(),
            federated_credentials: Shelf::default(),
            issuers: self.issuers()?,
            blocked: self.blocked_applications.iter().map(|app_id| app_id.to_ascii_lowercase()).collect(),
            revocations: BTreeMap::new(),
            throttle: None,
            synchronization: BTreeMap::new(),
            audit: AuditLog::default(),
            provisioning_log: ProvisioningLog::default(),
        })
    }

    /// Gives each certificate to the registration of its application, or to the principal if it is registered elsewhere.
    fn add_certificates(
        &self,
        tenant: &mut TenantState,
        identifiers: &mut Identifiers,
        past: Moment,
    ) -> Result<(), ScenarioError> {
        for ClientCertificate { app_id, certificate } in &self.client_certificates {
            let certificate = Certificate::from_pem(certificate)
                .ok_or_else(|| ScenarioError::NotACertificate { app_id: app_id.clone() })?;
            let credential = key_credential::of_scenario(&certificate, &identifiers.guid());
            let registration = tenant.application_of(View::Truth, app_id).map(|(id, _)| id.to_owned());
            let (shelf, id) = if let Some(id) = registration {
                (&mut tenant.applications, id)
            } else {
                let id = principal_id(tenant, app_id)?;
                (&mut tenant.service_principals, id)
            };
            shelf.update(past, &id, |row| {
                let all = directory::elements(row, KEY_CREDENTIALS).iter().cloned().chain([credential]).collect();
                row.insert(KEY_CREDENTIALS.to_owned(), Value::Array(all));
            });
        }
        Ok(())
    }

    fn issuers(&self) -> Result<BTreeMap<String, Vec<Value>>, ScenarioError> {
        let read = |TrustedIssuer { issuer, jwks }: &TrustedIssuer| {
            let keys = jwks.get("keys").and_then(Value::as_array);
            let keys = keys.ok_or_else(|| ScenarioError::NoKeys { issuer: issuer.clone() })?;
            Ok((issuer.clone(), keys.clone()))
        };
        self.trusted_issuers.iter().map(read).collect()
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
        let Some(app_id) = &self.operator_app_id else {
            return Ok(None);
        };
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
        let roles =
            tenant.service_principals.get(View::Truth, &resource_id).map(|row| directory::elements(row, "appRoles"));
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
    let found =
        principals.find(|(_, row)| text(row, "appId").eq_ignore_ascii_case(app_id)).map(|(id, _)| id.to_owned());
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
