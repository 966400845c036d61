//! What an application holds: one permission that is asked about, and everything beyond a list.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::{
    catalog::{self, MICROSOFT_GRAPH_APP_ID},
    desired::{PermissionName, RequiredPermission},
    observed::{
        AppRoleAssignment, ConsentType, OAuth2PermissionGrant, Observed, ObservedApplication, Reading,
        ResourcePrincipal,
    },
    text,
};
use crate::api::{AppId, ObjectId, PermissionKind, identifier::ScopeId};

/// Most permissions beyond the list that are told.
const EXTRA_MAX: usize = 64;

/// Scopes of the sign-in protocol itself: they open nothing in Microsoft Graph, and consent pages add them unasked.
/// <https://learn.microsoft.com/en-us/entra/identity-platform/scopes-oidc>
const OPENID: [&str; 4] = ["email", "offline_access", "openid", "profile"];

/// Whether it is held as an application permission; none if what was read does not tell.
pub fn app_role(permission: &RequiredPermission, observed: &Observed, seen: &ObservedApplication) -> Option<bool> {
    match observed.resources.get(&permission.resource)? {
        Reading::Known(resource) => {
            let held = seen.app_role_assignments.known()?;
            let looked_up = || resource.app_roles.get(&permission.name.to_string()).copied();
            let app_role = permission.app_role.or_else(looked_up);
            Some(app_role.is_some_and(|app_role| held.contains(&AppRoleAssignment { resource: resource.id, app_role })))
        }
        // What is not in the tenant offers nothing there.
        Reading::Absent => Some(false),
        Reading::Unreadable(_) | Reading::NotAsked => None,
    }
}

/// Whether it is held as a delegated permission, for everyone or for single users; none if what was read does not tell.
pub fn scope(
    permission: &RequiredPermission,
    observed: &Observed,
    seen: &ObservedApplication,
    consent: ConsentType,
) -> Option<bool> {
    match observed.resources.get(&permission.resource)? {
        Reading::Known(resource) => {
            let held = seen.oauth2_permission_grants.known()?;
            let value = match &permission.name {
                PermissionName::Value(value) => Some(value.clone()),
                PermissionName::Id(id) => scope_value(resource, *id),
            };
            Some(
                value.is_some_and(|scope| {
                    held.contains(&OAuth2PermissionGrant { resource: resource.id, consent, scope })
                }),
            )
        }
        Reading::Absent => Some(false),
        Reading::Unreadable(_) | Reading::NotAsked => None,
    }
}

fn scope_value(resource: &ResourcePrincipal, id: Uuid) -> Option<String> {
    resource.scopes.iter().find(|(_, scope)| **scope == ScopeId::new(id)).map(|(value, _)| value.clone())
}

/// Everything that is held for the whole organization and not required, as it is told; none if what was read does not
/// tell all of it. What was told of it before keeps its name while that cannot be read.
pub fn extra(
    required: &[RequiredPermission],
    told: &[String],
    observed: &Observed,
    seen: &ObservedApplication,
) -> Option<Vec<String>> {
    let of_kind = |kind: PermissionKind| {
        required.iter().filter(move |permission| permission.kind == kind || permission.kind == PermissionKind::Either)
    };
    let (mut extra, mut unnamed) = (BTreeSet::new(), BTreeSet::new());
    let mut add = |of: ObjectId, label: String| {
        if observed.unnamed.contains(&of) {
            unnamed.insert(label)
        } else {
            extra.insert(label)
        };
    };
    for assignment in listed(&seen.app_role_assignments)? {
        let is_required = of_kind(PermissionKind::Application).any(|permission| {
            let resource = observed.resources.get(&permission.resource).and_then(Reading::known);
            resource.is_some_and(|resource| is_role(permission, resource, assignment))
        });
        if !is_required {
            add(assignment.resource, role_label(observed, assignment)?);
        }
    }
    let for_everyone = |grant: &&OAuth2PermissionGrant| grant.consent == ConsentType::AllPrincipals;
    for grant in listed(&seen.oauth2_permission_grants)?.into_iter().filter(for_everyone) {
        let is_required = of_kind(PermissionKind::Delegated).any(|permission| {
            let resource = observed.resources.get(&permission.resource).and_then(Reading::known);
            resource.is_some_and(|resource| is_scope(permission, resource, grant))
        });
        if !is_required && !OPENID.contains(&grant.scope.as_str()) {
            add(grant.resource, label(&text::safe(&grant.scope), "delegated", observed, grant.resource));
        }
    }
    let kept = still_told(told, &extra, &unnamed).unwrap_or(unnamed);
    Some(extra.into_iter().chain(kept).collect::<BTreeSet<_>>().into_iter().take(EXTRA_MAX).collect())
}

/// The names that were told before of what has none now, if those are as many of each kind: then nothing has changed but
/// that the names cannot be read.
fn still_told(told: &[String], named: &BTreeSet<String>, unnamed: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let open: BTreeSet<String> = told.iter().filter(|label| !named.contains(*label)).cloned().collect();
    let delegated = |labels: &BTreeSet<String>| labels.iter().filter(|label| label.contains("(delegated")).count();
    let is_same = open.len() == unnamed.len() && delegated(&open) == delegated(unnamed);
    is_same.then_some(open)
}

/// What is in the list, which is nothing if nobody asked for it; none if it could not be read.
fn listed<T>(reading: &Reading<BTreeSet<T>>) -> Option<Vec<&T>> {
    match reading {
        Reading::Known(list) => Some(list.iter().collect()),
        Reading::NotAsked => Some(Vec::new()),
        Reading::Absent | Reading::Unreadable(_) => None,
    }
}

fn is_role(permission: &RequiredPermission, resource: &ResourcePrincipal, assignment: &AppRoleAssignment) -> bool {
    let looked_up = || resource.app_roles.get(&permission.name.to_string()).copied();
    resource.id == assignment.resource && permission.app_role.or_else(looked_up) == Some(assignment.app_role)
}

fn is_scope(permission: &RequiredPermission, resource: &ResourcePrincipal, grant: &OAuth2PermissionGrant) -> bool {
    let value = match &permission.name {
        PermissionName::Value(value) => Some(value.clone()),
        PermissionName::Id(id) => scope_value(resource, *id),
    };
    resource.id == grant.resource && value.as_ref() == Some(&grant.scope)
}

/// An application permission by its value, or by its ID where its resource does not name it; none while the resource
/// could not be asked, because its name must not change from look to look.
fn role_label(observed: &Observed, assignment: &AppRoleAssignment) -> Option<String> {
    let AppRoleAssignment { resource: of, app_role } = assignment;
    let resource = resource(observed, *of);
    let known = resource.and_then(|(app_id, resource)| {
        let is_it = |(_, id): &(&String, &crate::api::identifier::AppRoleId)| *id == app_role;
        let looked_up = resource.app_roles.iter().find(is_it).map(|(value, _)| text::safe(value));
        let compiled_in = || (app_id == MICROSOFT_GRAPH_APP_ID).then(|| catalog::app_role_value(*app_role)).flatten();
        looked_up.or_else(|| compiled_in().map(str::to_owned))
    });
    let is_unread = resource.is_none() && observed.resources.values().any(|reading| reading.obstacle().is_some());
    if known.is_none() && is_unread {
        return None;
    }
    Some(label(&known.unwrap_or_else(|| app_role.to_string()), "application", observed, *of))
}

fn resource(observed: &Observed, id: ObjectId) -> Option<(AppId, &ResourcePrincipal)> {
    observed
        .resources
        .iter()
        .filter_map(|(app_id, reading)| Some((*app_id, reading.known()?)))
        .find(|(_, resource)| resource.id == id)
}

fn label(name: &str, kind: &str, observed: &Observed, of: ObjectId) -> String {
    match resource(observed, of) {
        Some((MICROSOFT_GRAPH_APP_ID, _)) => format!("{name} ({kind})"),
        Some((app_id, _)) => format!("{name} ({kind}, of resource {app_id})"),
        None => format!("{name} ({kind}, of service principal {of})"),
    }
}
