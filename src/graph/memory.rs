//! What one look may know of earlier ones, by credential: service principals that offer permissions, and the certificates
//! and client secrets of others. Nothing is known to anyone but who signs in with the same credential.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::token::TokenKey;
use crate::{
    api::{
        AppId, ObjectId,
        identifier::{AppRoleId, ScopeId},
    },
    domain::observed::{PrincipalCredential, ResourcePrincipal},
};

/// What is remembered is asked again after this.
const KEPT_FOR: Duration = Duration::from_hours(6);

/// Pause between two searches for what can be forgotten; with ten thousand tenants each is a walk over all of them.
const SWEEP_PAUSE: Duration = Duration::from_mins(1);

/// What is asked of a service principal that offers permissions, besides its ID.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// App roles, by value.
    pub values: BTreeSet<String>,
    /// App roles, by ID.
    pub app_roles: BTreeSet<AppRoleId>,
    /// Delegated permissions, by ID.
    pub scopes: BTreeSet<ScopeId>,
}

impl Wanted {
    /// Only what of this was wanted.
    pub fn of(&self, resource: &ResourcePrincipal) -> ResourcePrincipal {
        let ResourcePrincipal { id, display_name, app_roles, scopes } = resource;
        let named = |(value, id): &(&String, &AppRoleId)| self.values.contains(*value) || self.app_roles.contains(id);
        ResourcePrincipal {
            id: *id,
            display_name: display_name.clone(),
            app_roles: app_roles.iter().filter(named).map(|(value, id)| (value.clone(), *id)).collect(),
            scopes: scopes
                .iter()
                .filter(|(_, id)| self.scopes.contains(id))
                .map(|(value, id)| (value.clone(), *id))
                .collect(),
        }
    }

    fn holds(&self, other: &Self) -> bool {
        let Self { values, app_roles, scopes } = other;
        values.is_subset(&self.values) && app_roles.is_subset(&self.app_roles) && scopes.is_subset(&self.scopes)
    }

    fn extend(&mut self, other: Self) {
        let Self { values, app_roles, scopes } = other;
        self.values.extend(values);
        self.app_roles.extend(app_roles);
        self.scopes.extend(scopes);
    }
}

/// What all looks of one process remember.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<TokenKey, Entry>,
    swept: Option<Instant>,
}

/// What is remembered for one credential.
#[derive(Debug, Default)]
struct Entry {
    resources: BTreeMap<AppId, Resource>,
    /// Service principals that hold grants and are not there any more.
    nameless: BTreeMap<ObjectId, Instant>,
    credentials: BTreeMap<AppId, Credentials>,
}

#[derive(Debug)]
struct Resource {
    principal: ResourcePrincipal,
    /// Everything that was asked, also what it does not offer.
    asked: Wanted,
    until: Instant,
}

#[derive(Debug)]
struct Credentials {
    of: ObjectId,
    list: Vec<PrincipalCredential>,
    until: Instant,
}

impl Entry {
    fn forget(&mut self, now: Instant) {
        let Self { resources, nameless, credentials } = self;
        resources.retain(|_, resource| resource.until > now);
        nameless.retain(|_, until| *until > now);
        credentials.retain(|_, credentials| credentials.until > now);
    }

    fn is_empty(&self) -> bool {
        let Self { resources, nameless, credentials } = self;
        resources.is_empty() && nameless.is_empty() && credentials.is_empty()
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service principal that offers permissions, if everything that is wanted of it was asked.
    pub fn resource(&self, key: &TokenKey, app: AppId, wanted: &Wanted, now: Instant) -> Option<ResourcePrincipal> {
        let state = self.lock();
        let resource = state.entries.get(key)?.resources.get(&app).filter(|resource| resource.until > now)?;
        resource.asked.holds(wanted).then(|| wanted.of(&resource.principal))
    }

    /// The application whose service principal this is, if it was asked for as one that offers permissions.
    pub fn application_of(&self, key: &TokenKey, principal: ObjectId, now: Instant) -> Option<AppId> {
        let state = self.lock();
        let mut resources = state.entries.get(key)?.resources.iter();
        resources.find(|(_, one)| one.principal.id == principal && one.until > now).map(|(app, _)| *app)
    }

    /// Objects with the same credential may ask for different permissions, so what they learn is kept together.
    pub fn keep_resource(&self, key: &TokenKey, app: AppId, principal: ResourcePrincipal, asked: Wanted, now: Instant) {
        let mut state = self.lock();
        let entry = state.entry(key, now);
        let same = entry.resources.get_mut(&app).filter(|one| one.principal.id == principal.id && one.until > now);
        if let Some(Resource { principal: known, asked: before, until: _ }) = same {
            before.extend(asked);
            known.app_roles.extend(principal.app_roles);
            known.scopes.extend(principal.scopes);
        } else {
            entry.resources.insert(app, Resource { principal, asked, until: now + KEPT_FOR });
        }
    }

    /// Whether this service principal was not there when it was last asked for.
    pub fn is_nameless(&self, key: &TokenKey, principal: ObjectId, now: Instant) -> bool {
        let state = self.lock();
        state.entries.get(key).is_some_and(|entry| entry.nameless.get(&principal).is_some_and(|until| *until > now))
    }

    /// This service principal is not there.
    pub fn keep_nameless(&self, key: &TokenKey, principal: ObjectId, now: Instant) {
        self.lock().entry(key, now).nameless.insert(principal, now + KEPT_FOR);
    }

    /// The certificates and client secrets of an application's service principal, and its object ID.
    pub fn credentials(
        &self,
        key: &TokenKey,
        app: AppId,
        now: Instant,
    ) -> Option<(ObjectId, Vec<PrincipalCredential>)> {
        let state = self.lock();
        let credentials = state.entries.get(key)?.credentials.get(&app).filter(|one| one.until > now)?;
        Some((credentials.of, credentials.list.clone()))
    }

    /// The same, as just read.
    pub fn keep_credentials(
        &self,
        key: &TokenKey,
        app: AppId,
        of: ObjectId,
        list: Vec<PrincipalCredential>,
        now: Instant,
    ) {
        let credentials = Credentials { of, list, until: now + KEPT_FOR };
        self.lock().entry(key, now).credentials.insert(app, credentials);
    }
}

impl State {
    fn entry(&mut self, key: &TokenKey, now: Instant) -> &mut Entry {
        if self.swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP_PAUSE) {
            self.swept = Some(now);
            self.entries.values_mut().for_each(|entry| entry.forget(now));
            self.entries.retain(|_, entry| !entry.is_empty());
        }
        self.entries.entry(key.clone()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{Cloud, CredentialKind, TenantId},
        clock::Clock,
    };

    fn key(uid: &str) -> TokenKey {
        TokenKey {
            cloud: Cloud::Global,
            tenant: TenantId::from_u128(1),
            client: AppId::from_u128(2),
            kind: CredentialKind::ClientSecret,
            namespace: "webex".to_owned(),
            uid: uid.to_owned(),
            version: "1".to_owned(),
            key: "secret".to_owned(),
        }
    }

    #[test]
    fn what_is_older_than_six_hours_is_neither_told_nor_kept() {
        let (memory, begin) = (Memory::default(), Clock::system().instant());
        let (app, object) = (AppId::from_u128(3), ObjectId::from_u128(4));
        memory.keep_credentials(&key("a"), app, object, Vec::new(), begin);
        assert_eq!(memory.credentials(&key("a"), app, begin), Some((object, Vec::new())));
        assert_eq!(memory.credentials(&key("b"), app, begin), None, "known to one credential only");
        let later = begin + KEPT_FOR;
        assert_eq!(memory.credentials(&key("a"), app, later), None);
        memory.keep_nameless(&key("b"), object, later);
        assert_eq!(memory.lock().entries.len(), 1, "the other one is gone");
        assert!(memory.is_nameless(&key("b"), object, later) && !memory.is_nameless(&key("a"), object, later));
    }

    #[test]
    fn what_was_asked_is_answered_also_if_it_is_not_offered() {
        let (memory, now) = (Memory::default(), Clock::system().instant());
        let app = AppId::from_u128(3);
        let wanting = |value: &str| Wanted { values: BTreeSet::from([value.to_owned()]), ..Wanted::default() };
        let principal = |roles: &[(&str, u128)]| ResourcePrincipal {
            id: ObjectId::from_u128(4),
            display_name: "Resource".to_owned(),
            app_roles: roles.iter().map(|(value, id)| ((*value).to_owned(), AppRoleId::from_u128(*id))).collect(),
            scopes: BTreeMap::new(),
        };
        memory.keep_resource(&key("a"), app, principal(&[("Read", 7)]), wanting("Read"), now);
        assert_eq!(memory.resource(&key("a"), app, &wanting("Write"), now), None, "not asked yet");
        memory.keep_resource(&key("a"), app, principal(&[]), wanting("Write"), now);
        assert_eq!(memory.resource(&key("a"), app, &wanting("Write"), now), Some(principal(&[])), "not offered");
        assert_eq!(memory.resource(&key("a"), app, &wanting("Read"), now), Some(principal(&[("Read", 7)])));
        let by_id = Wanted { app_roles: BTreeSet::from([AppRoleId::from_u128(7)]), ..Wanted::default() };
        assert_eq!(memory.resource(&key("a"), app, &by_id, now), None);
    }
}
