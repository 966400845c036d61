//! A tenant as it is, whatever its readers still see.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::directory::{self, Properties, TenantState, flag, text};
use super::super::replica::View;

/// A tenant as it is. Holds no secret.
pub(super) fn truth(tenant: &TenantState, now: Timestamp) -> Value {
    let owners = |id: &str| tenant.owners.get(id).cloned().unwrap_or_default();
    let principal = |(id, row): (&str, &Properties)| {
        json!({
            "id": id,
            "appId": text(row, "appId"),
            "displayName": text(row, "displayName"),
            "accountEnabled": flag(row, "accountEnabled"),
            "isDisabled": row.get("isDisabled"),
            "deletedDateTime": row.get("deletedDateTime"),
            "appRoleAssignmentRequired": flag(row, "appRoleAssignmentRequired"),
            "createdByAppId": row.get("createdByAppId"),
            "preferredTokenSigningKeyThumbprint": row.get("preferredTokenSigningKeyThumbprint"),
            "keyCredentials": credentials(row, "keyCredentials"),
            "passwordCredentials": credentials(row, "passwordCredentials"),
            "owners": owners(id),
        })
    };
    let application = |(id, row): (&str, &Properties)| {
        json!({
            "id": id,
            "appId": text(row, "appId"),
            "displayName": text(row, "displayName"),
            "isDisabled": row.get("isDisabled"),
            "deletedDateTime": row.get("deletedDateTime"),
            "createdByAppId": row.get("createdByAppId"),
            "owners": owners(id),
        })
    };
    let jobs: Map<String, Value> =
        tenant.synchronization.iter().map(|(id, synchronization)| (id.clone(), synchronization.shown(now))).collect();
    let assignments: Vec<Value> =
        tenant.assignments(View::Truth).map(|(_, row)| shown_assignment(tenant, row)).collect();
    json!({
        "tenantId": tenant.id,
        "displayName": tenant.display_name,
        "servicePrincipals": directory::live(&tenant.service_principals, View::Truth).map(principal).collect::<Vec<_>>(),
        "deletedServicePrincipals":
            directory::soft_deleted(&tenant.service_principals, View::Truth).map(principal).collect::<Vec<_>>(),
        "applications": directory::live(&tenant.applications, View::Truth).map(application).collect::<Vec<_>>(),
        "deletedApplications":
            directory::soft_deleted(&tenant.applications, View::Truth).map(application).collect::<Vec<_>>(),
        "appRoleAssignments": assignments,
        "oauth2PermissionGrants": tenant.grants(View::Truth).map(|(_, row)| row).collect::<Vec<_>>(),
        "synchronizationJobs": jobs,
    })
}

/// Credentials without what is secret in them.
fn credentials(row: &Properties, name: &str) -> Vec<Value> {
    let shown = |credential: &Value| {
        let names = ["keyId", "customKeyIdentifier", "displayName", "endDateTime", "type", "usage"];
        let member = |name: &str| credential.get(name).map(|value| (name.to_owned(), value.clone()));
        Value::Object(names.into_iter().filter_map(member).collect())
    };
    directory::elements(row, name).iter().map(shown).collect()
}

/// An assignment with the value of its role, which Graph itself does not show.
fn shown_assignment(tenant: &TenantState, row: &Properties) -> Value {
    let resource = tenant.service_principals.get(View::Truth, text(row, "resourceId"));
    let role = resource.and_then(|resource| directory::role_by_id(resource, text(row, "appRoleId")));
    let mut row = row.clone();
    row.insert("role".to_owned(), role.map(|role| directory::text_of(role, "value")).into());
    Value::Object(row)
}
