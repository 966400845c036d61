//! What an application asks for, and what accepting it changes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::context::Context;
use super::super::directory::{self, Properties, elements, text, text_of};
use super::super::directory_audit::{Event, Target, set};
use super::super::replica::View;
use super::super::service_principal::{self, INTEGRATED_APP_TAG};
use super::super::{app_role_assignment, oauth2_permission_grant};
use super::Trouble;

/// How a permission is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Without a signed-in user.
    Application,
    /// For a signed-in user.
    Delegated,
}

/// One permission of the manifest, in the words of its resource.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) display_name: String,
    pub(super) description: String,
    pub(super) resource: String,
    role_id: String,
    resource_id: String,
}

/// What accepting changed, for the page that says so.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) application: String,
    pub(super) tenant: String,
    pub(super) principal_id: String,
    pub(super) created: bool,
    pub(super) granted: Vec<String>,
    pub(super) revoked: Vec<String>,
}

/// The permissions of an application's manifest.
pub(super) fn asked(context: &Context<'_>, application: &Properties) -> Result<Vec<Asked>, Trouble> {
    let mut asked = Vec::new();
    for resource_access in elements(application, "requiredResourceAccess") {
        let resource_app_id = text_of(resource_access, "resourceAppId");
        let Some((resource_id, resource)) = context.tenant.principal_of(View::Truth, resource_app_id) else {
            let text = format!("The resource principal named {resource_app_id} was not found in the tenant.");
            return Err(Trouble { code: 500_011, text });
        };
        for access in resource_access.get("resourceAccess").and_then(Value::as_array).into_iter().flatten() {
            let (kind, permissions) = match text_of(access, "type") {
                "Role" => (Kind::Application, elements(resource, "appRoles")),
                _ => (Kind::Delegated, elements(resource, "oauth2PermissionScopes")),
            };
            let id = text_of(access, "id");
            let Some(permission) = permissions.iter().find(|permission| text_of(permission, "id") == id) else {
                let text = format!("The application asks for permission {id}, which {resource_app_id} does not have.");
                return Err(Trouble { code: 650_053, text });
            };
            let (name, description) = match kind {
                Kind::Application => ("displayName", "description"),
                Kind::Delegated => ("adminConsentDisplayName", "adminConsentDescription"),
            };
            asked.push(Asked {
                kind,
                value: text_of(permission, "value").to_owned(),
                display_name: text_of(permission, name).to_owned(),
                description: text_of(permission, description).to_owned(),
                resource: text(resource, "displayName").to_owned(),
                role_id: id.to_owned(),
                resource_id: resource_id.to_owned(),
            });
        }
    }
    Ok(asked)
}

/// Grants what the manifest asks for: the principal if it is missing, roles and scopes that are missing.
pub(super) fn accept(context: &mut Context<'_>, client_id: &str) -> Result<Done, Trouble> {
    let application = context.backing_application(client_id).cloned().unwrap_or_default();
    let asked = asked(context, &application)?;
    let existing = context.tenant.principal_of(View::Truth, client_id).map(|(id, row)| (id.to_owned(), row.clone()));
    let created = existing.is_none();
    let (id, principal) = if let Some(found) = existing {
        found
    } else {
        let tags = Value::from(vec![INTEGRATED_APP_TAG]);
        let row = service_principal::create(context, client_id, vec![("tags".to_owned(), tags)])
            .map_err(|refusal| Trouble { code: 700_016, text: refusal.message })?;
        (text(&row, "id").to_owned(), row)
    };
    let mut done = Done {
        application: text(&principal, "displayName").to_owned(),
        tenant: context.tenant.display_name.clone(),
        principal_id: id.clone(),
        created,
        ..Done::default()
    };
    if context.knobs.consent_revokes_unlisted {
        revoke_unlisted(context, &id, &asked, &mut done);
    }
    for permission in asked.iter().filter(|permission| permission.kind == Kind::Application) {
        if !app_role_assignment::exists(context, &id, &permission.resource_id, &permission.role_id) {
            app_role_assignment::assign(context, &id, &permission.resource_id, &permission.role_id);
            done.granted.push(permission.value.clone());
        }
    }
    let before =
        context.tenant.grants(View::Truth).filter(|(_, row)| is_tenant_wide(row, &id)).map(|(_, row)| row.clone());
    let before: Vec<Properties> = before.collect();
    for (resource_id, scopes) in scopes(&asked) {
        grant_scopes(context, &id, &resource_id, &scopes, &mut done);
    }
    record(context, &id, &principal, &before);
    Ok(done)
}

/// The scopes asked for, by resource.
fn scopes(asked: &[Asked]) -> BTreeMap<String, Vec<String>> {
    let mut scopes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for permission in asked.iter().filter(|permission| permission.kind == Kind::Delegated) {
        scopes.entry(permission.resource_id.clone()).or_default().push(permission.value.clone());
    }
    scopes
}

/// Adds missing scopes to the one tenant-wide grant for this resource.
fn grant_scopes(context: &mut Context<'_>, client_id: &str, resource_id: &str, scopes: &[String], done: &mut Done) {
    let mut grants = context.tenant.grants(View::Truth);
    let found = grants.find(|(_, row)| is_tenant_wide(row, client_id) && text(row, "resourceId") == resource_id);
    let existing = found.map(|(id, row)| (id.to_owned(), row.clone()));
    drop(grants);
    let has: Vec<String> = existing.iter().flat_map(|(_, row)| words(row)).collect();
    let missing: Vec<String> = scopes.iter().filter(|scope| !has.contains(scope)).cloned().collect();
    if missing.is_empty() {
        return;
    }
    let all = [has, missing.clone()].concat().join(" ");
    match existing {
        Some((grant_id, row)) => oauth2_permission_grant::set_scope(context, &grant_id, &row, &all),
        None => {
            oauth2_permission_grant::grant(context, client_id, resource_id, None, &all);
        }
    }
    done.granted.extend(missing);
}

/// Revokes tenant-wide permissions that the manifest does not ask for (any more).
/// <https://learn.microsoft.com/entra/identity/enterprise-apps/restore-permissions>
fn revoke_unlisted(context: &mut Context<'_>, id: &str, asked: &[Asked], done: &mut Done) {
    let roles: BTreeSet<(&str, &str)> =
        asked.iter().map(|permission| (permission.resource_id.as_str(), permission.role_id.as_str())).collect();
    let unlisted = context.tenant.assignments(View::Truth).filter(|(_, row)| {
        text(row, "principalId") == id && !roles.contains(&(text(row, "resourceId"), text(row, "appRoleId")))
    });
    let unlisted: Vec<(String, Properties)> = unlisted.map(|(id, row)| (id.to_owned(), row.clone())).collect();
    for (assignment_id, row) in unlisted {
        let resource = context.tenant.live_principal(View::Truth, text(&row, "resourceId"));
        let role = resource.and_then(|resource| directory::role_by_id(resource, text(&row, "appRoleId")));
        done.revoked.push(role.map(|role| text_of(role, "value").to_owned()).unwrap_or_default());
        app_role_assignment::remove(context, &assignment_id, &row);
    }
    let wanted = scopes(asked);
    let grants = context.tenant.grants(View::Truth).filter(|(_, row)| is_tenant_wide(row, id));
    let grants: Vec<(String, Properties)> = grants.map(|(id, row)| (id.to_owned(), row.clone())).collect();
    for (grant_id, row) in grants {
        let wanted = wanted.get(text(&row, "resourceId")).cloned().unwrap_or_default();
        let (kept, gone): (Vec<String>, Vec<String>) =
            words(&row).into_iter().partition(|scope| wanted.contains(scope));
        if gone.is_empty() {
            continue;
        }
        if kept.is_empty() {
            oauth2_permission_grant::remove(context, &grant_id, &row);
        } else {
            oauth2_permission_grant::set_scope(context, &grant_id, &row, &kept.join(" "));
        }
        done.revoked.extend(gone);
    }
}

fn is_tenant_wide(row: &Properties, client_id: &str) -> bool {
    text(row, "clientId") == client_id && text(row, "consentType") == oauth2_permission_grant::ALL_PRINCIPALS
}

fn words(row: &Properties) -> Vec<String> {
    text(row, "scope").split_whitespace().map(str::to_owned).collect()
}

/// The record that says a person consented; its permissions are a text of their own making.
fn record(context: &mut Context<'_>, id: &str, principal: &Properties, before: &[Properties]) {
    let shown = |row: &Properties| {
        format!(
            "[Id: {}, ClientId: {}, PrincipalId: , ResourceId: {}, ConsentType: AllPrincipals, Scope:  {}, CreatedDateTime: , LastModifiedDateTime ]",
            text(row, "id"),
            text(row, "clientId"),
            text(row, "resourceId"),
            text(row, "scope").trim(),
        )
    };
    let old: Vec<String> = before.iter().map(shown).collect();
    let new: Vec<String> = context
        .tenant
        .grants(View::Truth)
        .filter(|(_, row)| is_tenant_wide(row, id))
        .map(|(_, row)| shown(row))
        .collect();
    let changes = vec![
        set("ConsentContext.IsAdminConsent", "True"),
        set("ConsentContext.IsAppOnly", "False"),
        set("ConsentContext.OnBehalfOfAll", "True"),
        set("ConsentContext.Tags", INTEGRATED_APP_TAG),
        set("ConsentAction.Permissions", &format!("[{}] => [{}]; ", old.join(", "), new.join(", "))),
        set("TargetId.ServicePrincipalNames", text(principal, "appId")),
    ];
    let target = Target::of(id, principal);
    context.record(Event {
        activity: "Consent to application",
        operation: "Assign",
        target_type: "ServicePrincipal",
        target,
        changes,
    });
}
