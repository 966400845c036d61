//! `/applications`: registrations of this tenant. Enough to disable, delete and restore one.

use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Caller, Context, GraphRequest};
use super::directory::{self, Properties, text};
use super::directory_audit::{Event, Target, change, set};
use super::error::Refusal;
use super::graph::{Key, Named, Route};
use super::key_credential::KEY_CREDENTIALS;
use super::permission::{self, Access};
use super::replica::View;
use super::service_principal::{self, as_list, capitalized};
use super::{collection, identifier, key_credential, schema};

/// What `PATCH` may set.
const WRITABLE: &[&str] = &[
    "description",
    "displayName",
    "isDisabled",
    "keyCredentials",
    "notes",
    "requiredResourceAccess",
    "serviceManagementReference",
    "tags",
    "web",
];

/// What `POST` may set.
const CREATABLE: &[&str] = &[
    "addIns",
    "api",
    "appRoles",
    "description",
    "displayName",
    "groupMembershipClaims",
    "identifierUris",
    "info",
    "isDeviceOnlyAuthSupported",
    "isFallbackPublicClient",
    "keyCredentials",
    "notes",
    "optionalClaims",
    "parentalControlSettings",
    "publicClient",
    "requiredResourceAccess",
    "serviceManagementReference",
    "signInAudience",
    "spa",
    "tags",
    "web",
];

/// The operations on registrations.
pub(super) const ROUTES: &[Route] = &[
    Route::get("applications", list),
    Route::post("applications", post),
    Route::get("applications/{}", get),
    Route::patch("applications/{}", patch),
    Route::delete("applications/{}", delete),
];

fn list(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadApplications)?;
    let rows = directory::live(&context.tenant.applications, context.view).map(|(_, row)| row.clone()).collect();
    collection::page(context, request, &schema::APPLICATION, rows)
}

/// Registers an application of this tenant. No principal is made with it.
/// <https://learn.microsoft.com/graph/api/application-post-applications>
fn post(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    may_register(context)?;
    let body = request.object()?;
    if text(body, "displayName").is_empty() {
        return Err(Refusal::bad_request("A value is required for property 'displayName' of resource 'Application'."));
    }
    let wish = schema::APPLICATION.changes(body, CREATABLE)?;
    let row = key_credential::stored(context, &Properties::new(), wish)?.into_iter().collect();
    let row = register(context, row);
    Ok(collection::created(context, &schema::APPLICATION, row))
}

/// Refuses a caller that may not register applications: whoever may write them all, or those it owns, may.
pub(super) fn may_register(context: &Context<'_>) -> Result<(), Refusal> {
    let may_own = match context.caller {
        Caller::Application { roles, .. } => roles.contains("Application.ReadWrite.OwnedBy"),
        Caller::Person(_) | Caller::Service => true,
    };
    if may_own { Ok(()) } else { permission::require(context, Access::WriteApplications) }
}

/// Makes a registration of these properties, owned by the caller, and says so in the audit log.
pub(super) fn register(context: &mut Context<'_>, mut row: Properties) -> Properties {
    let id = context.identifiers.guid();
    row.insert("id".to_owned(), id.clone().into());
    row.insert("appId".to_owned(), context.identifiers.guid().into());
    row.insert("createdDateTime".to_owned(), directory::to_second(context.now).into());
    row.entry("signInAudience").or_insert_with(|| "AzureADandPersonalMicrosoftAccount".into());
    let domain = context.tenant.domains.first().cloned();
    row.insert("publisherDomain".to_owned(), domain.into());
    if let Caller::Application { app_id, principal_id, .. } = context.caller {
        row.insert("createdByAppId".to_owned(), app_id.clone().into());
        context.tenant.owners.entry(id.clone()).or_default().insert(principal_id.clone());
    }
    let row = complete(row);
    let moment = context.moment();
    context.tenant.applications.put(moment, &id, Some(row.clone()));
    let target = Target::of(&id, &row);
    let changes = vec![
        change("DisplayName", Some(&json!([])), Some(&json!([text(&row, "displayName")]))),
        set("Included Updated Properties", "AppId, AvailableToOtherTenants, DisplayName, RequiredResourceAccess"),
    ];
    let target_type = "Application";
    context.record(Event { activity: "Add application", operation: "Add", target_type, target, changes });
    row
}

/// The registration as the view shows it, if the caller may read it.
pub(super) fn readable(context: &Context<'_>, key: Key<'_>) -> Result<(String, Properties), Refusal> {
    allowed(context, key, context.view, Access::ReadApplications)
}

/// The registration in truth, if the caller may change it.
pub(super) fn writable(context: &Context<'_>, key: Key<'_>) -> Result<(String, Properties), Refusal> {
    allowed(context, key, View::Truth, Access::WriteApplications)
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (_, row) = readable(context, named.key(0))?;
    collection::single(context, request, &schema::APPLICATION, row)
}

fn patch(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, row) = writable(context, named.key(0))?;
    let changes = schema::APPLICATION.changes_to(&id, request.object()?, WRITABLE)?;
    let changes = key_credential::stored(context, &row, changes)?;
    update(context, &id, &row, changes);
    Ok(Answer::no_content())
}

fn delete(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, row) = writable(context, named.key(0))?;
    remove(context, &id, &row);
    Ok(Answer::no_content())
}

/// The registration, if the caller may do this to it. Who may do it to none is not told what is missing.
fn allowed(context: &Context<'_>, key: Key<'_>, view: View, access: Access) -> Result<(String, Properties), Refusal> {
    let found = find(context, key, view);
    if found.is_err() {
        permission::require(context, access)?;
    }
    let (id, row) = found?;
    permission::require_for(context, access, &id, text(&row, "appId"))?;
    Ok((id, row))
}

fn find(context: &Context<'_>, key: Key<'_>, view: View) -> Result<(String, Properties), Refusal> {
    let found = match key.name.to_ascii_lowercase().as_str() {
        "id" => {
            if !identifier::is_guid(key.value) {
                return Err(Refusal::bad_request(format!("Invalid object identifier '{}'.", key.value)));
            }
            let id = key.value.to_ascii_lowercase();
            let row = context.tenant.applications.get(view, &id).filter(|row| directory::is_live(row));
            row.map(|row| (id, row.clone()))
        }
        "appid" => context.tenant.application_of(view, key.value).map(|(id, row)| (id.to_owned(), row.clone())),
        other => {
            return Err(Refusal::odata(format!("'{other}' is no key of type 'microsoft.graph.application'.")));
        }
    };
    found.ok_or_else(|| Refusal::not_found(key.value))
}

/// Changes a registration. `isDisabled` shows on the principal as well.
/// <https://learn.microsoft.com/entra/identity/enterprise-apps/deactivate-app-registration>
fn update(context: &mut Context<'_>, id: &str, row: &Properties, changes: Vec<(String, Value)>) {
    let is_of_keys_alone = changes.len() == 1 && changes.iter().all(|(name, _)| name == KEY_CREDENTIALS);
    let mut modified = Vec::new();
    let mut names = Vec::new();
    for (name, value) in &changes {
        if name == KEY_CREDENTIALS {
            key_credential::record(context, "Application", id, row, value);
            continue;
        }
        let old = row.get(name).cloned().unwrap_or_default();
        let shown = capitalized(name);
        modified.push(change(&shown, Some(&as_list(old)), Some(&as_list(value.clone()))));
        names.push(shown);
    }
    modified.push(set("Included Updated Properties", &names.join(", ")));
    let moment = context.moment();
    let disabled = changes.iter().find(|(name, _)| name == "isDisabled").map(|(_, value)| value.clone());
    context.tenant.applications.update(moment, id, |properties| properties.extend(changes));
    if let Some(disabled) = disabled {
        mirror(context, text(row, "appId"), &disabled);
    }
    if is_of_keys_alone {
        return;
    }
    let target = Target::of(id, row);
    context.record(Event {
        activity: "Update application",
        operation: "Update",
        target_type: "Application",
        target,
        changes: modified,
    });
}

fn mirror(context: &mut Context<'_>, app_id: &str, disabled: &Value) {
    let moment = context.moment();
    let Some((id, _)) = context.tenant.principal_of(View::Truth, app_id) else {
        return;
    };
    let id = id.to_owned();
    context.tenant.service_principals.update(moment, &id, |properties| {
        properties.insert("isDisabled".to_owned(), disabled.clone());
    });
}

/// Soft-deletes a registration and, with it, its principal in this tenant.
pub(super) fn remove(context: &mut Context<'_>, id: &str, row: &Properties) {
    let moment = context.moment();
    let deleted = directory::to_second(context.now);
    context.tenant.applications.update(moment, id, |properties| {
        properties.insert("deletedDateTime".to_owned(), deleted.into());
    });
    let target = Target::of(id, row);
    let changes = vec![set("Included Updated Properties", "")];
    context.record(Event {
        activity: "Delete application",
        operation: "Delete",
        target_type: "Application",
        target,
        changes,
    });
    let principal = context.tenant.principal_of(View::Truth, text(row, "appId"));
    if let Some((principal_id, principal)) = principal.map(|(id, row)| (id.to_owned(), row.clone())) {
        service_principal::remove(context, &principal_id, &principal);
    }
}

/// Gives a registration every property the metadata declares.
pub(super) fn complete(row: Properties) -> Properties {
    let mut whole = schema::APPLICATION.blank(&[
        "addIns",
        "appRoles",
        "identifierUris",
        "keyCredentials",
        "passwordCredentials",
        "requiredResourceAccess",
        "tags",
    ]);
    let own = json!({
        "api": {
            "acceptMappedClaims": null,
            "knownClientApplications": [],
            "requestedAccessTokenVersion": null,
            "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [],
        },
        "info": {"termsOfServiceUrl": null, "supportUrl": null, "privacyStatementUrl": null, "marketingUrl": null, "logoUrl": null},
        "publicClient": {"redirectUris": []},
        "spa": {"redirectUris": []},
        "verifiedPublisher": {"displayName": null, "verifiedPublisherId": null, "addedDateTime": null},
        "web": {
            "homePageUrl": null,
            "logoutUrl": null,
            "redirectUris": [],
            "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false},
        },
    });
    if let Value::Object(own) = own {
        whole.extend(own);
    }
    whole.extend(row.into_iter().filter(|(_, value)| !value.is_null()));
    whole
}
