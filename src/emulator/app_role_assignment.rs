//! App role assignments: application permissions that were granted, seen from the client or from the resource.
//! <https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignedto>

use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{self, DEFAULT_ACCESS_ROLE_ID, Properties, elements, text, text_of};
use super::directory_audit::{CORE_DIRECTORY, Event, Target, USER_MANAGEMENT, set, unset};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::permission::{self, Access};
use super::replica::View;
use super::{collection, schema, service_principal};

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

/// The operations at both ends.
pub(super) const ROUTES: &[Route] = &[
    Route::get("serviceprincipals/{}/approleassignments", |context, request, named| {
        list(context, request, named, End::Principal)
    }),
    Route::post("serviceprincipals/{}/approleassignments", |context, request, named| {
        post(context, request, named, End::Principal)
    }),
    Route::get("serviceprincipals/{}/approleassignments/{}", |context, request, named| {
        get(context, request, named, End::Principal)
    }),
    Route::delete("serviceprincipals/{}/approleassignments/{}", |context, _, named| {
        delete(context, named, End::Principal)
    }),
    Route::get("serviceprincipals/{}/approleassignedto", |context, request, named| {
        list(context, request, named, End::Resource)
    }),
    Route::post("serviceprincipals/{}/approleassignedto", |context, request, named| {
        post(context, request, named, End::Resource)
    }),
    Route::get("serviceprincipals/{}/approleassignedto/{}", |context, request, named| {
        get(context, request, named, End::Resource)
    }),
    Route::delete("serviceprincipals/{}/approleassignedto/{}", |context, _, named| {
        delete(context, named, End::Resource)
    }),
];

fn list(context: &Context<'_>, request: &GraphRequest, named: &Named<'_>, end: End) -> Result<Answer, Refusal> {
    let (id, _) = service_principal::readable(context, named.key(0))?;
    collection::page(context, request, &schema::APP_ROLE_ASSIGNMENT, at(context, &id, end))
}

/// The assignments of an object, looked at from this end.
pub(super) fn at(context: &Context<'_>, id: &str, end: End) -> Vec<Properties> {
    let rows = context.tenant.assignments(context.view).filter(|(_, row)| text(row, end.property()) == id);
    rows.map(|(_, row)| row.clone()).collect()
}

fn post(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>, end: End) -> Result<Answer, Refusal> {
    permission::require(context, Access::WriteAssignments)?;
    let (id, _) = service_principal::find(context, named.key(0), context.view)?;
    let row = add(context, request.object()?, &id, end)?;
    Ok(collection::created(context, &schema::APP_ROLE_ASSIGNMENT, row))
}

fn get(context: &Context<'_>, request: &GraphRequest, named: &Named<'_>, end: End) -> Result<Answer, Refusal> {
    let id = named.key(1).value;
    let (owner, _) = service_principal::readable(context, named.key(0))?;
    let mut rows = context.tenant.assignments(context.view);
    let found = rows.find(|(own, row)| *own == id && text(row, end.property()) == owner).map(|(_, row)| row.clone());
    let row = found.ok_or_else(|| Refusal::not_found(id))?;
    collection::single(context, request, &schema::APP_ROLE_ASSIGNMENT, row)
}

fn delete(context: &mut Context<'_>, named: &Named<'_>, end: End) -> Result<Answer, Refusal> {
    let id = named.key(1).value;
    permission::require(context, Access::WriteAssignments)?;
    let (owner, _) = service_principal::find(context, named.key(0), View::Truth)?;
    let row = context.tenant.app_role_assignments.get(View::Truth, id);
    let row = row.filter(|row| text(row, end.property()) == owner).cloned();
    let row = row.ok_or_else(|| Refusal::not_found(id))?;
    remove(context, id, &row);
    Ok(Answer::no_content())
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
        return Err(Refusal { details: Some(details), ..Refusal::duplicate(context.knobs, message) });
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
    record(context, true, &row);
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
    record(context, false, row);
}

/// The target of such a record is the resource; whoever has the role stands among the modified properties, which are
/// those of records that tenants published: <https://github.com/splunk/attack_data> (T1098.003,
/// `azure_ad_bypass_admin_consent.log`). A person's record has a name and a category of its own.
fn record(context: &mut Context<'_>, is_given: bool, row: &Properties) {
    let (resource_id, principal_id) = (text(row, "resourceId"), text(row, "principalId"));
    let Some(resource) = context.tenant.service_principals.get(View::Truth, resource_id) else {
        return;
    };
    let property = if is_given { set } else { unset };
    let role = directory::role_by_id(resource, text(row, "appRoleId"));
    let of_role = |name: &str| role.map(|role| text_of(role, name)).unwrap_or_default();
    let mut changes = vec![
        property("AppRole.Id", text(row, "appRoleId")),
        property("AppRole.Value", of_role("value")),
        property("AppRole.DisplayName", of_role("displayName")),
        property("AppRoleAssignment.CreatedDateTime", text(row, "createdDateTime")),
        property("AppRoleAssignment.LastModifiedDateTime", text(row, "createdDateTime")),
    ];
    let client = context.tenant.service_principals.get(View::Truth, principal_id);
    let app_id = client.map(|client| text(client, "appId").to_owned()).unwrap_or_default();
    let person = &context.tenant.administrator;
    let is_person = principal_id == person.id;
    if is_person {
        changes.push(property("User.ObjectID", principal_id));
        changes.push(property("User.UPN", &person.user_principal_name));
    } else {
        changes.push(property("ServicePrincipal.ObjectID", principal_id));
        changes.push(property("ServicePrincipal.DisplayName", text(row, "principalDisplayName")));
        changes.push(property("ServicePrincipal.AppId", &app_id));
        changes.push(property("ServicePrincipal.Name", &app_id));
    }
    let names: Vec<&str> =
        directory::elements(resource, "servicePrincipalNames").iter().filter_map(Value::as_str).collect();
    changes.push(property("TargetId.ServicePrincipalNames", &names.join(";")));
    let (source, activity) = match (is_person, is_given) {
        (false, true) => (CORE_DIRECTORY, "Add app role assignment to service principal"),
        (false, false) => (CORE_DIRECTORY, "Remove app role assignment from service principal"),
        (true, true) => (USER_MANAGEMENT, "Add app role assignment grant to user"),
        (true, false) => (USER_MANAGEMENT, "Remove app role assignment from user"),
    };
    let operation = if is_given { "Assign" } else { "Unassign" };
    let target = Target { app_id, ..Target::of(resource_id, resource) };
    context.record_from(source, Event { activity, operation, target_type: "ServicePrincipal", target, changes });
}
