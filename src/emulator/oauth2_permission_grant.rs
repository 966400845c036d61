//! `/oauth2PermissionGrants`: delegated permissions, for everyone or for one person.
//! <https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant>

use http::Method;
use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, text};
use super::directory_audit::{Event, Target, change};
use super::error::Refusal;
use super::graph::Key;
use super::permission::{self, Access};
use super::replica::View;
use super::{collection, identifier, is_read, schema, service_principal};

/// A grant for every person of the tenant: admin consent.
pub(super) const ALL_PRINCIPALS: &str = "AllPrincipals";

/// Answers `/oauth2PermissionGrants` and one grant.
pub(super) fn answer(context: &mut Context<'_>, request: &GraphRequest, rest: &[&str]) -> Result<Answer, Refusal> {
    match rest {
        [] if is_read(&request.method) => {
            permission::require(context, Access::ReadGrants)?;
            let rows = context.tenant.grants(context.view).map(|(_, row)| row.clone()).collect();
            collection::page(context, request, &schema::OAUTH2_PERMISSION_GRANT, rows)
        }
        [] if request.method == Method::POST => {
            permission::require(context, Access::WriteGrants)?;
            let row = add(context, request.object()?)?;
            Ok(collection::created(context, &schema::OAUTH2_PERMISSION_GRANT, row))
        }
        [] => Err(Refusal::method_not_allowed()),
        [id] => answer_one(context, request, id),
        _ => Err(Refusal::odata("Resource not found for the segment after the grant.")),
    }
}

/// Answers `/servicePrincipals/{id}/oauth2PermissionGrants`: the grants this principal has as a client.
pub(super) fn answer_of_principal(
    context: &mut Context<'_>,
    request: &GraphRequest,
    key: Key<'_>,
) -> Result<Answer, Refusal> {
    if !is_read(&request.method) {
        return Err(Refusal::method_not_allowed());
    }
    permission::require(context, Access::ReadGrants)?;
    let (id, _) = service_principal::find(context, key, context.view)?;
    let rows = context.tenant.grants(context.view).filter(|(_, row)| text(row, "clientId") == id);
    let rows = rows.map(|(_, row)| row.clone()).collect();
    collection::page(context, request, &schema::OAUTH2_PERMISSION_GRANT, rows)
}

fn answer_one(context: &mut Context<'_>, request: &GraphRequest, id: &str) -> Result<Answer, Refusal> {
    if is_read(&request.method) {
        permission::require(context, Access::ReadGrants)?;
        let found = context.tenant.grants(context.view).find(|(own, _)| *own == id).map(|(_, row)| row.clone());
        let row = found.ok_or_else(|| Refusal::not_found(id))?;
        return collection::single(context, request, &schema::OAUTH2_PERMISSION_GRANT, row);
    }
    let is_patch = request.method == Method::PATCH;
    if !is_patch && request.method != Method::DELETE {
        return Err(Refusal::method_not_allowed());
    }
    permission::require(context, Access::WriteGrants)?;
    let row = context.tenant.oauth2_permission_grants.get(View::Truth, id).cloned();
    let row = row.ok_or_else(|| Refusal::not_found(id))?;
    if is_patch {
        let changes = schema::OAUTH2_PERMISSION_GRANT.changes(request.object()?, &["scope"])?;
        if let Some((_, scope)) = changes.first() {
            set_scope(context, id, &row, scope.as_str().unwrap_or_default());
        }
    } else {
        remove(context, id, &row);
    }
    Ok(Answer::no_content())
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
        return Err(Refusal::bad_request("Permission entry already exists."));
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

/// Replaces the scopes. No source says how the audit log names this change; here it is one more "Add delegated
/// permission grant", with the old scopes beside the new ones.
pub(super) fn set_scope(context: &mut Context<'_>, id: &str, row: &Properties, scope: &str) {
    let moment = context.moment();
    context.tenant.oauth2_permission_grants.update(moment, id, |properties| {
        properties.insert("scope".to_owned(), scope.into());
    });
    record(context, "Add delegated permission grant", "Assign", row, Some(text(row, "scope")), Some(scope));
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
