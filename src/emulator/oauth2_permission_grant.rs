//! `/oauth2PermissionGrants`: delegated permissions, for everyone or for one person.
//! <https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant>

use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, text};
use super::directory_audit::{Event, Target, change};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::permission::{self, Access};
use super::replica::View;
use super::{collection, identifier, schema, service_principal};

/// A grant for every person of the tenant: admin consent.
pub(super) const ALL_PRINCIPALS: &str = "AllPrincipals";

/// The operations on all grants, and on those that a principal has as a client.
pub(super) const ROUTES: &[Route] = &[
    Route::get("oauth2permissiongrants", list),
    Route::post("oauth2permissiongrants", post),
    Route::get("oauth2permissiongrants/{}", get),
    Route::patch("oauth2permissiongrants/{}", patch),
    Route::delete("oauth2permissiongrants/{}", delete),
    Route::get("serviceprincipals/{}/oauth2permissiongrants", list_of_principal),
    Route::get("serviceprincipals/{}/oauth2permissiongrants/{}", get_of_principal),
];

fn list(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadGrants)?;
    let rows = context.tenant.grants(context.view).map(|(_, row)| row.clone()).collect();
    collection::page(context, request, &schema::OAUTH2_PERMISSION_GRANT, rows)
}

fn post(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::WriteGrants)?;
    let row = add(context, request.object()?)?;
    Ok(collection::created(context, &schema::OAUTH2_PERMISSION_GRANT, row))
}

fn list_of_principal(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadGrants)?;
    let (id, _) = service_principal::find(context, named.key(0), context.view)?;
    let rows = context.tenant.grants(context.view).filter(|(_, row)| text(row, "clientId") == id);
    let rows = rows.map(|(_, row)| row.clone()).collect();
    collection::page(context, request, &schema::OAUTH2_PERMISSION_GRANT, rows)
}

fn get_of_principal(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadGrants)?;
    let (client, _) = service_principal::find(context, named.key(0), context.view)?;
    let id = named.key(1).value;
    let mut grants = context.tenant.grants(context.view);
    let found = grants.find(|(own, row)| *own == id && text(row, "clientId") == client).map(|(_, row)| row.clone());
    drop(grants);
    let row = found.ok_or_else(|| Refusal::not_found(id))?;
    collection::single(context, request, &schema::OAUTH2_PERMISSION_GRANT, row)
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let id = named.key(0).value;
    permission::require(context, Access::ReadGrants)?;
    let found = context.tenant.grants(context.view).find(|(own, _)| *own == id).map(|(_, row)| row.clone());
    let row = found.ok_or_else(|| Refusal::not_found(id))?;
    collection::single(context, request, &schema::OAUTH2_PERMISSION_GRANT, row)
}

fn patch(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, row) = writable(context, named)?;
    let changes = schema::OAUTH2_PERMISSION_GRANT.changes_to(&id, request.object()?, &["scope"])?;
    if let Some((_, scope)) = changes.first() {
        set_scope(context, &id, &row, scope.as_str().unwrap_or_default());
    }
    Ok(Answer::no_content())
}

fn delete(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, row) = writable(context, named)?;
    remove(context, &id, &row);
    Ok(Answer::no_content())
}

fn writable(context: &Context<'_>, named: &Named<'_>) -> Result<(String, Properties), Refusal> {
    permission::require(context, Access::WriteGrants)?;
    let id = named.key(0).value;
    let row = context.tenant.oauth2_permission_grants.get(View::Truth, id).cloned();
    row.map(|row| (id.to_owned(), row)).ok_or_else(|| Refusal::not_found(id))
}

/// Grants scopes on request, with the documented refusals.
fn add(context: &mut Context<'_>, body: &Properties) -> Result<Properties, Refusal> {
    let [client_id, resource_id, consent_type] = ["clientId", "resourceId", "consentType"].map(|name| text(body, name));
    let principal_id = body.get("principalId").and_then(Value::as_str);
    if client_id.is_empty() || resource_id.is_empty() {
        return Err(Refusal::bad_request(
            "A value is required for the properties 'clientId' and 'resourceId' of resource 'OAuth2PermissionGrant'.",
        ));
    }
    if !matches!((consent_type, principal_id), (ALL_PRINCIPALS, None) | ("Principal", Some(_))) {
        let message = "Invalid value specified for property 'consentType' of resource 'OAuth2PermissionGrant'.";
        return Err(Refusal::bad_request(message));
    }
    for id in [client_id, resource_id] {
        if context.tenant.live_principal(context.view, id).is_none() {
            let refusal = Refusal::not_found(id);
            return Err(Refusal { message: refusal.message, ..Refusal::bad_request("") });
        }
    }
    let id = identifier::grant(client_id, resource_id, principal_id);
    if context.tenant.oauth2_permission_grants.get(View::Truth, &id).is_some() {
        return Err(Refusal::duplicate(context.knobs, "Permission entry already exists."));
    }
    Ok(grant(context, client_id, resource_id, principal_id, text(body, "scope")))
}

/// Grants scopes, and says so in the audit log.
pub(super) fn grant(
    context: &mut Context<'_>,
    client_id: &str,
    resource_id: &str,
    principal_id: Option<&str>,
    scope: &str,
) -> Properties {
    let row = row(client_id, resource_id, principal_id, scope);
    let moment = context.moment();
    context.tenant.oauth2_permission_grants.put(moment, text(&row, "id"), Some(row.clone()));
    record(context, "Add delegated permission grant", "Assign", &row, None, Some(scope));
    row
}

/// A grant as Graph shows it.
pub(super) fn row(client_id: &str, resource_id: &str, principal_id: Option<&str>, scope: &str) -> Properties {
    let row = json!({
        "id": identifier::grant(client_id, resource_id, principal_id),
        "clientId": client_id,
        "consentType": if principal_id.is_some() { "Principal" } else { ALL_PRINCIPALS },
        "principalId": principal_id,
        "resourceId": resource_id,
        "scope": scope,
    });
    if let Value::Object(row) = row { row } else { Properties::new() }
}

/// Replaces the scopes. Public exports of tenants' logs show such a change as two records of one operation, "Add delegated
/// permission grant" and "Remove delegated permission grant", both with the old scopes beside the new ones, whether they
/// became more or fewer.
pub(super) fn set_scope(context: &mut Context<'_>, id: &str, row: &Properties, scope: &str) {
    let moment = context.moment();
    context.tenant.oauth2_permission_grants.update(moment, id, |properties| {
        properties.insert("scope".to_owned(), scope.into());
    });
    for (activity, operation) in
        [("Add delegated permission grant", "Assign"), ("Remove delegated permission grant", "Unassign")]
    {
        record(context, activity, operation, row, Some(text(row, "scope")), Some(scope));
    }
}

/// Revokes a grant, and says so in the audit log.
pub(super) fn remove(context: &mut Context<'_>, id: &str, row: &Properties) {
    let moment = context.moment();
    context.tenant.oauth2_permission_grants.put(moment, id, None);
    record(context, "Remove delegated permission grant", "Unassign", row, Some(text(row, "scope")), None);
}

/// The target of such a record is the resource; the client stands among the modified properties.
fn record(
    context: &mut Context<'_>,
    activity: &str,
    operation: &str,
    row: &Properties,
    old_scope: Option<&str>,
    new_scope: Option<&str>,
) {
    let resource_id = text(row, "resourceId");
    let Some(resource) = context.tenant.service_principals.get(View::Truth, resource_id) else {
        return;
    };
    let spaced = |scope: Option<&str>| scope.map(|scope| Value::from(format!(" {}", scope.trim())));
    let on_the_new_side = new_scope.is_some();
    let value = |text: &str| Value::from(text);
    let property = |name: &str, shown: &str| {
        let shown = value(shown);
        if on_the_new_side { change(name, None, Some(&shown)) } else { change(name, Some(&shown), None) }
    };
    let changes = vec![
        change("DelegatedPermissionGrant.Scope", spaced(old_scope).as_ref(), spaced(new_scope).as_ref()),
        property("DelegatedPermissionGrant.ConsentType", text(row, "consentType")),
        property("ServicePrincipal.ObjectID", text(row, "clientId")),
        change("ServicePrincipal.DisplayName", None, None),
        change("ServicePrincipal.AppId", None, None),
        change("ServicePrincipal.Name", None, None),
    ];
    let client = context.tenant.service_principals.get(View::Truth, text(row, "clientId"));
    let app_id = client.map(|client| text(client, "appId").to_owned()).unwrap_or_default();
    let target = Target { app_id, ..Target::of(resource_id, resource) };
    context.record(Event { activity, operation, target_type: "ServicePrincipal", target, changes });
}
