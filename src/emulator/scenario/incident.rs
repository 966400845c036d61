//! The incident's tenant, built from the values of the published case.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::directory::{MICROSOFT_GRAPH_APP_ID, text_of};
use super::{
    AppRoleAssignment, Application, ClientSecret, OAuth2PermissionGrant, Person, ProvisioningTarget, Scenario,
    ServicePrincipal, Tenant,
};

/// Values of the published case; the README beside the file says where they come from and how far to trust them.
const SEED: &str = include_str!("../../../tests/fixtures/incident/seed-incident.json");

/// When things happened that no scenario dates: the day both applications were created in the published case.
pub(super) const LONG_AGO: Timestamp = Timestamp::constant(1_681_257_600, 0);

/// Object id of Microsoft Graph's principal where a scenario names none. Invented; it differs in each real tenant.
pub(super) const MICROSOFT_GRAPH_PRINCIPAL_ID: &str = "00000000-0000-4000-8000-000000000041";

/// The tenant that owns Microsoft's own applications.
pub(super) const MICROSOFT_TENANT_ID: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// The tenant that owns Cisco's application. Invented.
const CISCO_TENANT_ID: &str = "00000000-0000-4000-8000-0000000000c1";

/// appId of the operator's own application. Invented, and worthless outside the emulator.
const OPERATOR_APP_ID: &str = "00000000-0000-4000-8000-000000000031";
const OPERATOR_PRINCIPAL_ID: &str = "00000000-0000-4000-8000-000000000032";
const OPERATOR_APPLICATION_ID: &str = "00000000-0000-4000-8000-000000000033";

/// Its client secret: a constant that everyone may read.
const OPERATOR_SECRET: &str = "emulator-only-secret";

const IDENTITY_APPLICATION_ID: &str = "00000000-0000-4000-8000-000000000013";
const ADMINISTRATOR_ID: &str = "00000000-0000-4000-8000-000000000051";

/// What the operator needs for looking.
const OPERATOR_ROLES: [&str; 4] =
    ["Application.Read.All", "AuditLog.Read.All", "Directory.Read.All", "Synchronization.Read.All"];

/// The tenant before the incident.
pub(super) fn scenario() -> Scenario {
    let seed: Value = serde_json::from_str(SEED).unwrap_or_default();
    let at = |pointer: &str| seed.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let integration = Names {
        app_id: at("/requiredApplications/0/appId"),
        principal_id: at("/enterpriseApplicationsScreenshot/usableRows/1/servicePrincipalId/value"),
        display_name: at("/requiredApplications/0/displayName"),
    };
    let identity = Names {
        app_id: at("/requiredApplications/1/appId/value"),
        principal_id: at("/enterpriseApplicationsScreenshot/usableRows/0/servicePrincipalId/value"),
        display_name: at("/requiredApplications/1/displayNameInScreenshot"),
    };
    let permissions = seed.pointer("/consentDialog/permissions").and_then(Value::as_array).cloned().unwrap_or_default();
    let values = |kind: &str| -> Vec<String> {
        let of_kind = permissions.iter().filter(|permission| text_of(permission, "kind") == kind);
        of_kind.map(|permission| text_of(permission, "value").to_owned()).collect()
    };
    let assignment = |client: &str, role: &str| AppRoleAssignment {
        client: client.to_owned(),
        resource: MICROSOFT_GRAPH_APP_ID.to_owned(),
        role: role.to_owned(),
        created: None,
    };
    let webex = values("application").into_iter().map(|role| assignment(&integration.app_id, &role));
    let operator = OPERATOR_ROLES.into_iter().map(|role| assignment(OPERATOR_APP_ID, role));
    Scenario {
        tenant: tenant(&at),
        published_applications: vec![Application(integration_manifest(&integration, &permissions))],
        applications: vec![
            Application(identity_registration(&identity, &integration)),
            Application(operator_registration()),
        ],
        service_principals: vec![
            ServicePrincipal(integration_principal(&integration)),
            ServicePrincipal(identity_principal(
                &identity,
                &at("/enterpriseApplicationsScreenshot/usableRows/0/homepage/value"),
            )),
            ServicePrincipal(object(json!({"id": OPERATOR_PRINCIPAL_ID, "appId": OPERATOR_APP_ID}))),
        ],
        app_role_assignments: webex.chain(operator).collect(),
        oauth2_permission_grants: vec![OAuth2PermissionGrant {
            client: integration.app_id.clone(),
            resource: MICROSOFT_GRAPH_APP_ID.to_owned(),
            principal_id: None,
            scope: values("delegated").join(" "),
        }],
        client_secrets: vec![ClientSecret {
            app_id: OPERATOR_APP_ID.to_owned(),
            secret: OPERATOR_SECRET.to_owned(),
            expires: None,
        }],
        client_certificates: Vec::new(),
        federated_credentials: Vec::new(),
        trusted_issuers: Vec::new(),
        blocked_applications: Vec::new(),
        owners: vec![super::Ownership { app_id: identity.app_id.clone(), owner: integration.app_id.clone() }],
        directory_audits: Vec::new(),
        provisioning_targets: [(identity.app_id.clone(), ProvisioningTarget::default())].into(),
        synchronization_jobs: [(identity.app_id, vec![provisioning_job()])].into(),
        operator_app_id: Some(OPERATOR_APP_ID.to_owned()),
    }
}

/// The tenant and who administers it; `at` reads a value of the published case.
fn tenant(at: &dyn Fn(&str) -> String) -> Tenant {
    let administrator = at("/entraTenant/consentDialogAccount");
    let domain = administrator.split_once('@').map(|(_, domain)| domain.to_owned()).unwrap_or_default();
    Tenant {
        id: at("/entraTenant/tenantId/value"),
        display_name: at("/entraTenant/displayName/value"),
        domains: vec![domain],
        administrator: Person {
            id: ADMINISTRATOR_ID.to_owned(),
            user_principal_name: administrator,
            display_name: "Example Administrator".to_owned(),
        },
    }
}

struct Names {
    app_id: String,
    principal_id: String,
    display_name: String,
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value { object } else { Map::new() }
}

/// Cisco's application as its publisher registered it: what it asks for is what the consent dialog shows.
fn integration_manifest(names: &Names, permissions: &[Value]) -> Map<String, Value> {
    let access: Vec<Value> = permissions
        .iter()
        .map(|permission| match permission.get("appRoleId") {
            Some(id) if text_of(permission, "kind") == "application" => {
                json!({"id": id, "type": "Role"})
            }
            _ => json!({"id": permission.get("delegatedScopeId"), "type": "Scope"}),
        })
        .collect();
    object(json!({
        "appId": names.app_id,
        "displayName": names.display_name,
        "appOwnerOrganizationId": CISCO_TENANT_ID,
        "publisherName": "Cisco (example data)",
        "signInAudience": "AzureADMultipleOrgs",
        "requiredResourceAccess": [{"resourceAppId": MICROSOFT_GRAPH_APP_ID, "resourceAccess": access}],
        "web": {"redirectUris": ["https://admin.webex.example/consent"]},
    }))
}

fn integration_principal(names: &Names) -> Map<String, Value> {
    object(json!({
        "id": names.principal_id,
        "appId": names.app_id,
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
    }))
}

/// The application for provisioning, registered in the tenant itself by the integration.
fn identity_registration(names: &Names, creator: &Names) -> Map<String, Value> {
    object(json!({
        "id": IDENTITY_APPLICATION_ID,
        "appId": names.app_id,
        "displayName": names.display_name,
        "createdByAppId": creator.app_id,
        "createdDateTime": "2023-04-12T00:00:00Z",
        "signInAudience": "AzureADMyOrg",
        "publisherDomain": "contoso.com",
    }))
}

fn identity_principal(names: &Names, homepage: &str) -> Map<String, Value> {
    object(json!({
        "id": names.principal_id,
        "appId": names.app_id,
        "homepage": homepage,
        "preferredSingleSignOnMode": "saml",
        "preferredTokenSigningKeyThumbprint": "0000000000000000000000000000000000000000",
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp", "WindowsAzureActiveDirectoryCustomSingleSignOnApplication"],
        "keyCredentials": [{
            "customKeyIdentifier": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "displayName": "CN=Microsoft Azure Federated SSO Certificate",
            "endDateTime": "2033-04-12T00:00:00Z",
            "key": "AAAA",
            "keyId": "00000000-0000-4000-8000-000000000014",
            "startDateTime": "2023-04-12T00:00:00Z",
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
        }],
    }))
}

fn operator_registration() -> Map<String, Value> {
    let roles: Vec<Value> = super::build::MICROSOFT_GRAPH
        .get("appRoles")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|role| OPERATOR_ROLES.contains(&text_of(role, "value")))
        .map(|role| json!({"id": text_of(role, "id"), "type": "Role"}))
        .collect();
    object(json!({
        "id": OPERATOR_APPLICATION_ID,
        "appId": OPERATOR_APP_ID,
        "displayName": "Webex operator (read only)",
        "createdDateTime": "2023-04-12T00:00:00Z",
        "signInAudience": "AzureADMyOrg",
        "publisherDomain": "contoso.com",
        "requiredResourceAccess": [{"resourceAppId": MICROSOFT_GRAPH_APP_ID, "resourceAccess": roles}],
    }))
}

/// A provisioning job that runs well.
fn provisioning_job() -> Value {
    let execution = json!({
        "activityIdentifier": "00000000-0000-4000-8000-000000000061",
        "countEntitled": 10, "countEntitledForProvisioning": 10, "countEscrowed": 0, "countEscrowedRaw": 0,
        "countExported": 0, "countExports": 0, "countImported": 10, "countImportedDeltas": 0,
        "countImportedReferenceDeltas": 0,
        "state": "Succeeded",
        "error": null,
        "timeBegan": "2023-05-21T22:00:00Z",
        "timeEnded": "2023-05-21T22:00:05Z",
    });
    json!({
        "id": "CiscoWebex.00000000000040008000000000000001.00000000-0000-4000-8000-000000000062",
        "templateId": "CiscoWebex",
        "schedule": {"expiration": null, "interval": "PT40M", "state": "Active"},
        "status": {
            "countSuccessiveCompleteFailures": 0,
            "escrowsPruned": false,
            "code": "Active",
            "lastExecution": execution,
            "lastSuccessfulExecution": execution,
            "lastSuccessfulExecutionWithExports": null,
            "quarantine": null,
            "steadyStateFirstAchievedTime": "2023-04-12T08:00:00Z",
            "steadyStateLastAchievedTime": "2023-05-21T22:00:05Z",
            "troubleshootingUrl": "",
            "progress": [],
            "synchronizedEntryCountByType": [{"key": "User to urn:ietf:params:scim:schemas:core:2.0:User", "value": 10}],
        },
        "synchronizationJobSettings": [],
    })
}
