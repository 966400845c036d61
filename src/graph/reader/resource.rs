//! The service principals that permissions are granted on: those that declarations name, for the IDs behind names and the
//! names behind IDs; and whichever else an application holds permissions of, so that they can be told by name.
//!
//! Lists of hundreds of permissions are asked for only where one of them is needed that is not known, and of what they say
//! only that is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{memory::Wanted, trail::Operation, transport::Transport, wire::WireResourcePrincipal},
    Answers, Reader, Round, Sight, by_app_id,
    reading::map,
};
use crate::{
    api::{
        AppId, ObjectId, PermissionKind,
        identifier::{AppRoleId, ScopeId},
    },
    domain::{
        Reading,
        catalog::{self, MICROSOFT_GRAPH_APP_ID},
        desired::{PermissionName, RequiredPermission},
        observed::ResourcePrincipal,
        permission::Need,
    },
};

/// Access to an application without any of its permissions.
/// <https://learn.microsoft.com/en-us/graph/api/resources/approleassignment>
const DEFAULT_ACCESS: AppRoleId = AppRoleId::from_u128(0);

/// Service principals beyond the declared ones that are asked for their names in one look; an application that holds
/// permissions of more keeps the rest without a name.
const HOLDERS_MAX: usize = 10;

/// What the applications hold permissions of, in the order in which answers name it.
#[derive(Debug, Default)]
pub(super) struct Holdings(Vec<(ObjectId, BTreeSet<AppRoleId>)>);

impl Holdings {
    /// A permission of this one is held.
    pub(super) fn resource(&mut self, resource: ObjectId) {
        if !self.0.iter().any(|(known, _)| *known == resource) {
            self.0.push((resource, BTreeSet::new()));
        }
    }

    /// This application permission of it is held.
    pub(super) fn role(&mut self, resource: ObjectId, role: AppRoleId) {
        self.resource(resource);
        let roles = self.0.iter_mut().filter(|(known, _)| *known == resource).map(|(_, roles)| roles);
        roles.filter(|_| role != DEFAULT_ACCESS).for_each(|roles| {
            roles.insert(role);
        });
    }
}

impl<T: Transport> Reader<'_, T> {
    fn required(&self) -> impl Iterator<Item = &RequiredPermission> {
        self.question.desired.applications.iter().flat_map(|application| &application.required)
    }

    /// What the declarations want of each of the resources that they name.
    fn wanted(&self) -> BTreeMap<AppId, Wanted> {
        let mut wanted: BTreeMap<AppId, Wanted> = BTreeMap::new();
        for RequiredPermission { name, kind, resource, app_role } in self.required() {
            let of = wanted.entry(*resource).or_default();
            let (by_role, by_scope) = match kind {
                PermissionKind::Application => (true, false),
                PermissionKind::Delegated => (false, true),
                PermissionKind::Either => (true, true),
            };
            match name {
                PermissionName::Value(value) if by_role && app_role.is_none() => {
                    of.values.insert(value.clone());
                }
                PermissionName::Id(id) if by_scope => {
                    of.scopes.insert(ScopeId::new(*id));
                }
                PermissionName::Value(_) | PermissionName::Id(_) => {}
            }
        }
        wanted
    }

    /// The resources that earlier looks have asked for what is wanted now.
    pub(super) fn remembered_resources(&self) -> BTreeMap<AppId, Reading<ResourcePrincipal>> {
        let (key, now) = (&self.question.credential.key, self.graph.clock.instant());
        let remembered = self.wanted().into_iter().filter_map(|(app, wanted)| {
            Some((app, Reading::Known(self.graph.memory.resource(key, app, &wanted, now)?)))
        });
        remembered.collect()
    }

    pub(super) fn open_resources(&self, round: &mut Round<'_, T>, sight: &Sight<'_>) {
        for (app, wanted) in self.wanted() {
            if !sight.observed.resources.contains_key(&app) {
                let url = || format!("{}?$select={}", by_app_id(app), select("id,displayName", &wanted));
                round.ask(Operation::ResourcePrincipal, format!("resource {app}"), url);
            }
        }
    }

    pub(super) fn take_resources(&self, sight: &mut Sight<'_>, answers: &mut Answers) {
        for (app, wanted) in self.wanted() {
            let Some(answer) = answers.remove(&format!("resource {app}")) else { continue };
            let reading = map(self.read::<WireResourcePrincipal>(answer, Need::ServicePrincipals), |wire| {
                let resource = wanted.of(&resource(&wire, &wanted));
                self.keep(app, resource.clone(), wanted);
                Reading::Known(resource)
            });
            sight.observed.resources.insert(app, reading);
        }
    }

    /// Adds the names that earlier looks have found out.
    pub(super) fn remembered_names(&self, sight: &mut Sight<'_>) {
        let (key, now) = (&self.question.credential.key, self.graph.clock.instant());
        let mut declared = self.wanted();
        for (object, unnamed) in self.unnamed(sight) {
            let Some(app) = self.graph.memory.application_of(key, object, now) else { continue };
            let mut wanted = declared.remove(&app).unwrap_or_default();
            wanted.app_roles.extend(unnamed);
            let Some(resource) = self.graph.memory.resource(key, app, &wanted, now) else { continue };
            match sight.observed.resources.get_mut(&app) {
                None => drop(sight.observed.resources.insert(app, Reading::Known(resource))),
                Some(Reading::Known(known)) if known.id == object => known.app_roles.extend(resource.app_roles),
                Some(Reading::Known(_) | Reading::Absent | Reading::Unreadable(_) | Reading::NotAsked) => {}
            }
        }
    }

    /// The resources that are held and not known by name, and the application permissions of each that are not.
    fn unnamed(&self, sight: &Sight<'_>) -> Vec<(ObjectId, BTreeSet<AppRoleId>)> {
        let resources = &sight.observed.resources;
        // A declared resource that could not be read may be any of them.
        if resources.values().any(|resource| matches!(resource, Reading::Unreadable(_))) {
            return Vec::new();
        }
        let known = |object: ObjectId| {
            let mut known = resources.iter().filter_map(|(app, resource)| Some((app, resource.known()?)));
            known.find(|(_, resource)| resource.id == object)
        };
        let unnamed = sight.holdings.0.iter().filter_map(|(object, roles)| match known(*object) {
            Some((app, resource)) => {
                let roles: BTreeSet<AppRoleId> =
                    roles.iter().filter(|role| !self.is_named(*app, resource, **role)).copied().collect();
                (!roles.is_empty()).then_some((*object, roles))
            }
            None => Some((*object, roles.clone())),
        });
        unnamed.collect()
    }

    fn is_named(&self, app: AppId, resource: &ResourcePrincipal, role: AppRoleId) -> bool {
        (app == MICROSOFT_GRAPH_APP_ID && catalog::app_role_value(role).is_some())
            || resource.app_roles.values().any(|named| *named == role)
            || self.required().any(|permission| permission.resource == app && permission.app_role == Some(role))
    }

    /// Asks for the names that are not known. What has none is asked for once in a while only.
    pub(super) fn open_names(&self, round: &mut Round<'_, T>, sight: &Sight<'_>) {
        let (key, now) = (&self.question.credential.key, self.graph.clock.instant());
        let unnamed = self.unnamed(sight).into_iter().take(HOLDERS_MAX);
        for (object, app_roles) in unnamed {
            let known = self.graph.memory.application_of(key, object, now);
            let wanted = Wanted { app_roles, ..Wanted::default() };
            let is_asked = known.is_some_and(|app| self.graph.memory.resource(key, app, &wanted, now).is_some());
            if !is_asked && !self.graph.memory.is_nameless(key, object, now) {
                let url = || format!("/servicePrincipals/{object}?$select={}", select("id,appId,displayName", &wanted));
                round.ask(Operation::ResourcePrincipal, format!("names {object}"), url);
            }
        }
    }

    /// Names only tell what is held; without them everything else is still true, so that nothing is made of it if they
    /// cannot be read.
    pub(super) fn take_names(&self, sight: &mut Sight<'_>, answers: &mut Answers) {
        let (key, now) = (&self.question.credential.key, self.graph.clock.instant());
        for (object, app_roles) in self.unnamed(sight) {
            let Some(answer) = answers.remove(&format!("names {object}")) else { continue };
            let wanted = Wanted { app_roles, ..Wanted::default() };
            match self.read::<WireResourcePrincipal>(answer, Need::ServicePrincipals) {
                Reading::Known(wire) if wire.id == object => {
                    if let Some(app) = wire.app_id {
                        self.keep(app, resource(&wire, &wanted), wanted);
                    }
                }
                Reading::Absent => self.graph.memory.keep_nameless(key, object, now),
                Reading::Unreadable(_) => {
                    sight.observed.unnamed.insert(object);
                }
                Reading::Known(_) | Reading::NotAsked => {}
            }
        }
    }

    fn keep(&self, app: AppId, resource: ResourcePrincipal, asked: Wanted) {
        let (key, now) = (&self.question.credential.key, self.graph.clock.instant());
        self.graph.memory.keep_resource(key, app, resource, asked, now);
    }
}

fn resource(wire: &WireResourcePrincipal, wanted: &Wanted) -> ResourcePrincipal {
    ResourcePrincipal {
        id: wire.id,
        display_name: wire.display_name.clone().unwrap_or_default(),
        app_roles: wire.app_roles(|value, id| wanted.values.contains(value) || wanted.app_roles.contains(&id)),
        scopes: wire.scopes(|id| wanted.scopes.contains(&id)),
    }
}

/// The properties to ask for; the lists of permissions are long.
fn select(basic: &str, wanted: &Wanted) -> String {
    let roles = if wanted.values.is_empty() && wanted.app_roles.is_empty() { "" } else { ",appRoles" };
    let scopes = if wanted.scopes.is_empty() { "" } else { ",oauth2PermissionScopes" };
    format!("{basic}{roles}{scopes}")
}
