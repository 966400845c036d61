//! App role assignments: application permissions that were granted, seen from the client or from the resource.
//! <https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignedto>

use http::Method;
use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{self, DEFAULT_ACCESS_ROLE_ID, Properties, elements, text, text_of};
use super::directory_audit::{Event, Target, set, unset};
use super::error::Refusal;
use super::graph::Key;
use super::permission::{self, Access};
use super::replica::View;
use super::{collection, is_read, schema, service_principal};

/// From which end an assignment is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `appRoleAssignments`: of the principal that was given the role.
    Principal,
    /// `appRoleAssignedTo`: of the resource whose role it is.
    Resource,
}

impl End {
    fn property(self) -> &'static str {
        match self {
            Self::Principal => "principalId",
            Self::Resource => "resourceId",
        }
    }
}

/// Answers the list at either end.
pub(super) fn answer_list(
    context: &mut Context<'_>,
    request: &GraphRequest,
    key: Key<'_>,
    end: End,
) -> Result<Answer, Refusal> {
    if is_read(&request.method) {
        let id = readable(context, key)?;
        let rows = context.tenant.assignments(context.view).filter(|(_, row)| text(row, end.property()) == id);
        let rows = rows.map(|(_, row)| row.clone()).collect();
        return collection::page(context, request, &schema::APP_ROLE_ASSIGNMENT, rows);
    }
    if request.method != Method::POST {
        return Err(Refusal::method_not_allowed());
    }
    permission::require(context, Access::WriteAssignments)?;
    let (id, _) = service_principal::find(context, key, context.view)?;
    let row = add(context, request.object()?, &id, end)?;
    Ok(collection::created(context, &schema::APP_ROLE_ASSIGNMENT, row))
}

/// Answers one assignment at either end.
pub(super) fn answer(
    context: &mut Context<'_>,
    request: &GraphRequest,
    key: Key<'_>,
    end: End,
    id: &str,
) -> Result<Answer, Refusal> {
    let belongs = |row: &&Properties, owner: &str| text(row, end.property()) == owner;
    if is_read(&request.method) {
        let owner = readable(context, key)?;
        let mut rows = context.tenant.assignments(context.view);
        let found = rows.find(|(own, row)| *own == id && belongs(row, &owner)).map(|(_, row)| row.clone());
        drop(rows);
        let row = found.ok_or_else(|| Refusal::not_found(id))?;
        return collection::single(context, request, &schema::APP_ROLE_ASSIGNMENT, row);
    }
    if request.method != Method::DELETE {
        return Err(Refusal::method_not_allowed());
    }
    permission::require(context, Access::WriteAssignments)?;
    let (owner, _) = service_principal::find(context, key, View::Truth)?;
    let row = context.tenant.app_role_assignments.get(View::Truth, id).filter(|row| belongs(row, &owner)).cloned();
    let row = row.ok_or_else(|| Refusal::not_found(id))?;
    remove(context, id, &row);
    Ok(Answer::no_content())
}

fn readable(context: &Context<'_>, key: Key<'_>) -> Result<String, Refusal> {
    let found = service_principal::find(context, key, context.view);
    if found.is_err() {
        permission::require(context, Access::ReadApplications)?;
    }
    let (id, row) = found?;
    permission::require_for(context, Access::ReadApplications, &id, text(&row, "appId"))?;
    Ok(id)
}

/// Grants a role on request, with the documented refusals.
fn add(context: &mut Context<'_>, body: &Properties, path_id: &str, end: End) -> Result<Properties, Refusal> {
    let [principal_id, resource_id, role_id] = ["principalId", "resourceId", "appRoleId"].map(|name| text(body, name));
    if principal_id.is_empty() || resource_id.is_empty() || role_id.is_empty() {
        let message = "One or more required properties (principalId, resourceId, appRoleId) are missing.";
        return Err(Refusal::bad_request(message));
    }
    if text(body, end.property()) != path_id {
        let message = format!("The {} of the request body differs from the object of the address.", end.property());
        return Err(Refusal::bad_request(message));
    }
    let is_person = principal_id == context.tenant.administrator.id;
    let knows = |id: &str| context.tenant.live_principal(context.view, id).is_some();
    if !(is_person || knows(principal_id)) || !knows(resource_id) {
        return Err(Refusal::bad_request("Not a valid reference update."));
    }
    let resource =
        context.tenant.live_principal(View::Truth, resource_id).ok_or_else(|| Refusal::not_found(resource_id))?;
    let is_default = role_id == DEFAULT_ACCESS_ROLE_ID && elements(resource, "appRoles").is_empty();
    if !is_default && !directory::role_by_id(resource, role_id).is_some_and(|role| may_be_given(role, is_person)) {
        let message = format!("Permission being assigned was not found on application '{}'", text(resource, "appId"));
        return Err(Refusal::bad_request(message));
    }
    if exists(context, principal_id, resource_id, role_id) {
        let message = "Permission being assigned already exists on the object";
        let details = json!([{"code": "InvalidUpdate", "message": message, "target": "permissions"}]);
        return Err(Refusal { details: Some(details), ..Refusal::bad_request(message) });
    }
    Ok(assign(context, principal_id, resource_id, role_id))
}

fn may_be_given(role: &Value, is_person: bool) -> bool {
    let wanted = if is_person { "User" } else { "Application" };
    let members = role.get("allowedMemberTypes").and_then(Value::as_array);
    role.get("isEnabled").and_then(Value::as_bool).unwrap_or(true)
        && members.is_some_and(|members| members.iter().any(|member| member.as_str() == Some(wanted)))
}

/// Whether this role was given already.
pub(super) fn exists(context: &Context<'_>, principal_id: &str, resource_id: &str, role_id: &str) -> bool {
    context.tenant.app_role_assignments.all(View::Truth).any(|(_, row)| {
        text(row, "principalId") == principal_id
            && text(row, "resourceId") == resource_id
            && text(row, "appRoleId").eq_ignore_ascii_case(role_id)
    })
}

/// Grants a role, and says so in the audit log.
pub(super) fn assign(context: &mut Context<'_>, principal_id: &str, resource_id: &str, role_id: &str) -> Properties {
    let id = context.identifiers.assignment(principal_id);
    let row = row(context.tenant, &id, principal_id, resource_id, role_id, &context.now.to_string());
    let moment = context.moment();
    context.tenant.app_role_assignments.put(moment, &id, Some(row.clone()));
    record(context, "Add app role assignment to service principal", "Assign", &row, set);
    row
}

/// An assignment as Graph shows it.
pub(super) fn row(
    tenant: &directory::TenantState,
    id: &str,
    principal_id: &str,
    resource_id: &str,
    role_id: &str,
    created: &str,
) -> Properties {
    let name = |id: &str| tenant.live_principal(View::Truth, id).map(|row| text(row, "displayName").to_owned());
    let is_person = principal_id == tenant.administrator.id;
    let principal = if is_person { Some(tenant.administrator.display_name.clone()) } else { name(principal_id) };
    let row = json!({
        "id": id,
        "deletedDateTime": null,
        "appRoleId": role_id,
        "createdDateTime": created,
        "principalDisplayName": principal,
        "principalId": principal_id,
        "principalType": if is_person { "User" } else { "ServicePrincipal" },
        "resourceDisplayName": name(resource_id),
        "resourceId": resource_id,
    });
    if let Value::Object(row) = row { row } else { Properties::new() }
}

/// Revokes a role, and says so in the audit log.
pub(super) fn remove(context: &mut Context<'_>, id: &str, row: &Properties) {
    let moment = context.moment();
    context.tenant.app_role_assignments.put(moment, id, None);
    record(context, "Remove app role assignment from service principal", "Unassign", row, unset);
}

/// The target of such a record is the resource; the client stands among the modified properties.
fn record(
    context: &mut Context<'_>,
    activity: &str,
    operation: &str,
    row: &Properties,
    property: fn(&str, &str) -> Value,
) {
    let resource_id = text(row, "resourceId");
    let Some(resource) = context.tenant.service_principals.get(View::Truth, resource_id) else {
        return;
    };
    let role = directory::role_by_id(resource, text(row, "appRoleId"));
    let of_role = |name: &str| role.map(|role| text_of(role, name)).unwrap_or_default();
    let changes = vec![
        property("AppRole.Id", text(row, "appRoleId")),
        property("AppRole.Value", of_role("value")),
        property("AppRole.DisplayName", of_role("displayName")),
        property("ServicePrincipal.ObjectID", text(row, "principalId")),
    ];
    let client = context.tenant.service_principals.get(View::Truth, text(row, "principalId"));
    let app_id = client.map(|client| text(client, "appId").to_owned()).unwrap_or_default();
    let target = Target { app_id, ..Target::of(resource_id, resource) };
    context.record(Event { activity, operation, target_type: "ServicePrincipal", target, changes });
}
