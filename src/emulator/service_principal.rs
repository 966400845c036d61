//! `/servicePrincipals`: an application's presence in this tenant.

mod shape;

use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Caller, Context, GraphRequest};
use super::directory::{self, Properties, flag, text};
use super::directory_audit::{self, Event, Target, change, set};
use super::error::Refusal;
use super::graph::{Key, Named, Route};
use super::key_credential::KEY_CREDENTIALS;
use super::permission::{self, Access};
use super::replica::View;
use super::{collection, identifier, key_credential, schema};

pub(super) use shape::from_application;

/// Tag that makes a principal show in the portal's list of enterprise applications.
pub(super) const INTEGRATED_APP_TAG: &str = "WindowsAzureActiveDirectoryIntegratedApp";

/// What `PATCH` may set.
const WRITABLE: &[&str] = &[
    "accountEnabled",
    "alternativeNames",
    "appRoleAssignmentRequired",
    "description",
    "displayName",
    "homepage",
    "keyCredentials",
    "loginUrl",
    "logoutUrl",
    "notes",
    "notificationEmailAddresses",
    "preferredSingleSignOnMode",
    "preferredTokenSigningKeyThumbprint",
    "replyUrls",
    "servicePrincipalNames",
    "tags",
];

/// The operations on principals themselves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("serviceprincipals", list),
    Route::post("serviceprincipals", post),
    Route::get("serviceprincipals/{}", get),
    Route::patch("serviceprincipals/{}", patch),
    Route::delete("serviceprincipals/{}", delete),
];

fn list(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadApplications)?;
    let rows = directory::live(&context.tenant.service_principals, context.view).map(|(_, row)| row.clone()).collect();
    collection::page(context, request, &schema::SERVICE_PRINCIPAL, rows)
}

fn post(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    let body = request.object()?;
    let app_id = text(body, "appId").to_owned();
    if app_id.is_empty() {
        return Err(Refusal::bad_request("A value is required for property 'appId' of resource 'ServicePrincipal'."));
    }
    let mut rest = body.clone();
    rest.remove("appId");
    let changes = changes(context, &rest)?;
    let row = add(context, &app_id, changes)?;
    Ok(collection::created(context, &schema::SERVICE_PRINCIPAL, row))
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (_, row) = readable(context, named.key(0))?;
    collection::single(context, request, &schema::SERVICE_PRINCIPAL, row)
}

fn delete(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, row) = writable(context, named.key(0))?;
    remove(context, &id, &row);
    Ok(Answer::no_content())
}

/// The principal as the view shows it, if the caller may read it. Who may not read any is not told what is missing.
pub(super) fn readable(context: &Context<'_>, key: Key<'_>) -> Result<(String, Properties), Refusal> {
    let found = find(context, key, context.view);
    if found.is_err() {
        permission::require(context, Access::ReadApplications)?;
    }
    let (id, row) = found?;
    permission::require_for(context, Access::ReadApplications, &id, text(&row, "appId"))?;
    Ok((id, row))
}

/// The principal a key names, as the view shows it.
pub(super) fn find(context: &Context<'_>, key: Key<'_>, view: View) -> Result<(String, Properties), Refusal> {
    let found = match key.name.to_ascii_lowercase().as_str() {
        "id" => {
            if !identifier::is_guid(key.value) {
                return Err(Refusal::bad_request(format!("Invalid object identifier '{}'.", key.value)));
            }
            let id = key.value.to_ascii_lowercase();
            context.tenant.live_principal(view, &id).map(|row| (id, row.clone()))
        }
        "appid" => context.tenant.principal_of(view, key.value).map(|(id, row)| (id.to_owned(), row.clone())),
        other => {
            return Err(Refusal::odata(format!("'{other}' is no key of type 'microsoft.graph.servicePrincipal'.")));
        }
    };
    found.ok_or_else(|| Refusal::not_found(key.value))
}

/// The principal in truth, if the caller may change it.
pub(super) fn writable(context: &Context<'_>, key: Key<'_>) -> Result<(String, Properties), Refusal> {
    let found = find(context, key, View::Truth);
    if found.is_err() {
        permission::require(context, Access::WriteApplications)?;
    }
    let (id, row) = found?;
    permission::require_for(context, Access::WriteApplications, &id, text(&row, "appId"))?;
    Ok((id, row))
}

fn patch(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let key = named.key(0);
    let body = request.object()?;
    let is_missing = context.tenant.principal_of(View::Truth, key.value).is_none();
    let may_create = request.prefer.split(',').any(|wish| wish.trim().eq_ignore_ascii_case("create-if-missing"));
    if may_create && is_missing && key.name.eq_ignore_ascii_case("appId") {
        let wish = changes(context, body)?;
        let row = add(context, key.value, wish)?;
        return Ok(collection::created(context, &schema::SERVICE_PRINCIPAL, row));
    }
    let (id, row) = writable(context, key)?;
    let changes = schema::SERVICE_PRINCIPAL.changes_to(&id, body, WRITABLE)?;
    let changes = key_credential::stored(context, &row, changes)?;
    update(context, &id, &row, changes);
    Ok(Answer::no_content())
}

/// Checks a body against what may be written.
fn changes(context: &mut Context<'_>, body: &Properties) -> Result<Vec<(String, Value)>, Refusal> {
    let changes = schema::SERVICE_PRINCIPAL.changes(body, WRITABLE)?;
    key_credential::stored(context, &Properties::new(), changes)
}

/// Creates a principal on request, with the documented refusals.
fn add(context: &mut Context<'_>, app_id: &str, changes: Vec<(String, Value)>) -> Result<Properties, Refusal> {
    let is_local = context.tenant.application_of(View::Truth, app_id).is_some();
    if permission::require(context, Access::WriteApplications).is_err() {
        let Caller::Application { roles, .. } = context.caller else {
            return Err(Refusal::denied());
        };
        if !roles.contains("Application.ReadWrite.OwnedBy") {
            return Err(Refusal::denied());
        }
        if !is_local {
            let message = "When using this permission, the backing application of the service principal being created must in the local tenant";
            return Err(Refusal { message: message.to_owned(), ..Refusal::denied() });
        }
    }
    if context.tenant.principal_of(View::Truth, app_id).is_some() {
        return Err(Refusal::name_in_use(app_id));
    }
    create(context, app_id, changes)
}

/// Creates the principal of an application, live at once, and says so in the audit log.
pub(super) fn create(
    context: &mut Context<'_>,
    app_id: &str,
    changes: Vec<(String, Value)>,
) -> Result<Properties, Refusal> {
    let application =
        context.backing_application(app_id).ok_or_else(|| Refusal::no_backing_application(app_id))?.clone();
    let id = context.identifiers.guid();
    let mut row = from_application(&application, &context.tenant.id, &id);
    row.extend(changes);
    let moment = context.moment();
    context.tenant.service_principals.put(moment, &id, Some(row.clone()));
    if let Caller::Application { principal_id, .. } = context.caller {
        context.tenant.owners.entry(id.clone()).or_default().insert(principal_id.clone());
    }
    let app_id = text(&row, "appId");
    let list = |value: Value| Some(json!([value]));
    let none = json!([]);
    let changes = vec![
        change("AccountEnabled", Some(&none), list(flag(&row, "accountEnabled").into()).as_ref()),
        change("AppPrincipalId", Some(&none), list(app_id.into()).as_ref()),
        change("DisplayName", Some(&none), list(text(&row, "displayName").into()).as_ref()),
        change("ServicePrincipalName", Some(&none), list(app_id.into()).as_ref()),
        set(
            "Included Updated Properties",
            "AccountEnabled, AppAddress, AppPrincipalId, DisplayName, ServicePrincipalName, Credential",
        ),
        set("TargetId.ServicePrincipalNames", app_id),
    ];
    let target = Target::of(&id, &row);
    context.record(Event {
        activity: "Add service principal",
        operation: "Add",
        target_type: "ServicePrincipal",
        target,
        changes,
    });
    Ok(row)
}

/// Changes properties and says so in the audit log.
fn update(context: &mut Context<'_>, id: &str, row: &Properties, changes: Vec<(String, Value)>) {
    let is_of_keys_alone = changes.len() == 1 && changes.iter().all(|(name, _)| name == KEY_CREDENTIALS);
    let mut modified = Vec::new();
    let mut names = Vec::new();
    for (name, value) in &changes {
        let old = row.get(name).cloned().unwrap_or_default();
        if old == *value {
            continue;
        }
        if name == KEY_CREDENTIALS {
            key_credential::record(context, "ServicePrincipal", id, row, value);
            continue;
        }
        let shown = capitalized(name);
        modified.push(change(&shown, Some(&as_list(old)), Some(&as_list(value.clone()))));
        names.push(shown);
    }
    let moment = context.moment();
    context.tenant.service_principals.update(moment, id, |properties| properties.extend(changes));
    modified.push(set("Included Updated Properties", &names.join(", ")));
    if is_of_keys_alone {
        return;
    }
    let target = Target::of(id, row);
    let event = Event {
        activity: "Update service principal",
        operation: "Update",
        target_type: "ServicePrincipal",
        target,
        changes: modified,
    };
    context.record(event);
}

/// Soft-deletes a principal. Its assignments and grants stay with it, unseen.
pub(super) fn remove(context: &mut Context<'_>, id: &str, row: &Properties) {
    let moment = context.moment();
    let deleted = directory::to_second(context.now);
    context.tenant.service_principals.update(moment, id, |properties| {
        properties.insert("deletedDateTime".to_owned(), deleted.into());
    });
    let changes = vec![directory_audit::set("TargetId.ServicePrincipalNames", text(row, "appId"))];
    let target = Target::of(id, row);
    let event = Event {
        activity: "Remove service principal",
        operation: "Delete",
        target_type: "ServicePrincipal",
        target,
        changes,
    };
    context.record(event);
}

/// `accountEnabled` is `AccountEnabled` in the audit log.
pub(super) fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Audit values are lists, also of one.
pub(super) fn as_list(value: Value) -> Value {
    if value.is_array() {
        value
    } else if value.is_null() {
        json!([])
    } else {
        json!([value])
    }
}
