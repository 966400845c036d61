//! What is kept of each object: enough to look, nothing of its status but a digest.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Resource,
    core::{DeserializeGuard, NamespaceResourceScope},
    runtime::watcher::Event,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::{metric::ObjectMetrics, watch::Area};
use crate::{
    api::{
        AppId, REQUESTED_AT_ANNOTATION, WebexAzureIntegration, WebexAzureIntegrationSpec, WebexAzureIntegrationStatus,
        schema, validation::Violation,
    },
    domain::{Desired, desired::IDENTITY_NAME},
};

/// Name of an object in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectKey {
    fn of(meta: &ObjectMeta) -> Option<Self> {
        Some(Self { namespace: meta.namespace.clone()?, name: meta.name.clone()? })
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A status, reduced to what tells whether it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusDigest {
    /// Hash of all of it.
    pub hash: u64,
    /// The generation that it speaks of.
    pub observed_generation: Option<i64>,
    /// Hash of the value of the annotation that was last acted on.
    pub last_handled: u64,
    /// The application that was found to be "Cisco Webex Identity".
    pub identity: Option<AppId>,
}

impl StatusDigest {
    /// The digest of this status.
    pub fn of(status: &Value) -> Self {
        Self {
            hash: hash(&status.to_string()),
            observed_generation: status.get("observedGeneration").and_then(Value::as_i64),
            last_handled: hash(status.get("lastHandledReconcileAt").and_then(Value::as_str).unwrap_or_default()),
            identity: found_identity(status),
        }
    }
}

fn found_identity(status: &Value) -> Option<AppId> {
    let applications = status.get("applications")?.as_array()?;
    let identity =
        applications.iter().find(|entry| entry.get("name").and_then(Value::as_str) == Some(IDENTITY_NAME))?;
    identity.get("appId")?.as_str()?.parse().ok()
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// A hash of this value that is the same in every run.
pub fn hash_of(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The object as it is watched: the status becomes a digest while it is read.
#[derive(Debug, Clone, Deserialize)]
pub struct Watched {
    metadata: ObjectMeta,
    spec: Declared,
    #[serde(default)]
    status: Value,
}

/// The spec, or what about its shape keeps it from being read, by field.
#[derive(Debug, Clone)]
enum Declared {
    Readable(Box<WebexAzureIntegrationSpec>),
    Unreadable(Vec<Violation>),
}

impl<'de> Deserialize<'de> for Declared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spec = Value::deserialize(deserializer)?;
        let error = match WebexAzureIntegrationSpec::deserialize(&spec) {
            Ok(readable) => return Ok(Self::Readable(Box::new(readable))),
            Err(error) => error,
        };
        let mut violations = schema::check(&json!({ "spec": spec }));
        if violations.is_empty() {
            violations.push(unreadable(&error.to_string()));
        }
        Ok(Self::Unreadable(violations))
    }
}

fn unreadable(error: &str) -> Violation {
    Violation { path: "spec".to_owned(), message: crate::domain::text::safe(error) }
}

/// The object as it is read back before a write: metadata and status, whatever the spec looks like.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Published {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// Its status as it stands.
    #[serde(default)]
    pub status: Value,
}

impl Published {
    /// The status; one that cannot be read counts as none.
    pub fn status(&self) -> WebexAzureIntegrationStatus {
        serde_json::from_value(self.status.clone()).unwrap_or_default()
    }
}

macro_rules! projection {
    ($name:ident) => {
        impl Resource for $name {
            type DynamicType = ();
            type Scope = NamespaceResourceScope;

            fn kind((): &()) -> Cow<'_, str> {
                WebexAzureIntegration::kind(&())
            }

            fn group((): &()) -> Cow<'_, str> {
                WebexAzureIntegration::group(&())
            }

            fn version((): &()) -> Cow<'_, str> {
                WebexAzureIntegration::version(&())
            }

            fn plural((): &()) -> Cow<'_, str> {
                WebexAzureIntegration::plural(&())
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

projection!(Watched);
projection!(Published);

/// What is kept of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Tells an object from a later one of the same name.
    pub uid: String,
    /// Generation of the spec.
    pub generation: i64,
    /// Version of the object, for order.
    pub version: Option<u64>,
    /// Value of the annotation that asks for a look.
    pub requested_at: Option<String>,
    /// What should be, or why the spec cannot be followed.
    pub desired: Result<Desired, Vec<Violation>>,
    /// Its status.
    pub status: StatusDigest,
}

impl Stored {
    fn of(guarded: DeserializeGuard<Watched>) -> Option<(ObjectKey, Self, Value)> {
        let (metadata, spec, digest, status) = match guarded.0 {
            Ok(watched) => (watched.metadata, watched.spec, StatusDigest::of(&watched.status), watched.status),
            Err(invalid) => {
                let spec = Declared::Unreadable(vec![unreadable(&invalid.error)]);
                (invalid.metadata, spec, StatusDigest::default(), Value::Null)
            }
        };
        let key = ObjectKey::of(&metadata)?;
        let desired = match spec {
            Declared::Readable(spec) => Desired::from_spec(&spec),
            Declared::Unreadable(violations) => Err(violations),
        };
        let requested_at = metadata.annotations.and_then(|mut annotations| annotations.remove(REQUESTED_AT_ANNOTATION));
        let stored = Self {
            uid: metadata.uid.unwrap_or_default(),
            generation: metadata.generation.unwrap_or_default(),
            version: metadata.resource_version.and_then(|version| version.parse().ok()),
            requested_at: requested_at.map(|value| crate::domain::text::safe(&value)),
            desired,
            status: digest,
        };
        Some((key, stored, status))
    }

    /// Whether the annotation asks for a look that was not made yet.
    pub fn is_requested(&self) -> bool {
        self.is_requested_beyond(&self.status)
    }

    /// Whether a person waits for something that this status does not answer: an edit, or a look that was asked for.
    pub fn is_asked_beyond(&self, status: &StatusDigest) -> bool {
        status.observed_generation != Some(self.generation) || self.is_requested_beyond(status)
    }

    fn is_requested_beyond(&self, status: &StatusDigest) -> bool {
        self.requested_at.as_deref().is_some_and(|value| hash(value) != status.last_handled)
    }

    /// The tenant as far as it is known; objects without one share a group.
    pub fn tenant(&self) -> String {
        self.desired.as_ref().map_or_else(|_| String::new(), |desired| desired.tenant.to_string())
    }
}

/// What a watch event did to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The object is new, or a later one of the same name.
    Appeared(ObjectKey),
    /// Its spec changed, or somebody asked for a look.
    Edited(ObjectKey),
    /// Something else about it changed, such as its status.
    Touched(ObjectKey),
    /// It is gone.
    Gone(ObjectKey),
}

/// All objects.
#[derive(Debug, Default)]
pub struct Store {
    objects: BTreeMap<ObjectKey, Stored>,
    /// Objects that the relist of an area has not shown yet, while it is under way.
    unseen: BTreeMap<Area, BTreeSet<ObjectKey>>,
    /// Where the statuses are shown, if they are.
    metrics: Option<ObjectMetrics>,
}

impl Store {
    /// Shows the statuses there from now on.
    pub fn show_on(&mut self, metrics: ObjectMetrics) {
        self.metrics = Some(metrics);
    }

    /// Shows when the credential of this object ends.
    pub fn show_credential_end(&self, key: &ObjectKey, end: Option<Timestamp>) {
        if let Some(metrics) = &self.metrics {
            metrics.show_credential_end(key, end);
        }
    }

    /// The object of this name.
    pub fn get(&self, key: &ObjectKey) -> Option<&Stored> {
        self.objects.get(key)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Takes an event of the watch of this area in and tells what it changed. A relist that shows what is known changes
    /// nothing, and one of an area says nothing about the objects of another.
    pub fn apply(&mut self, area: &Area, event: Event<DeserializeGuard<Watched>>) -> Vec<Change> {
        match event {
            Event::Init => {
                let known = self.objects.keys().filter(|key| area.holds(key)).cloned().collect();
                self.unseen.insert(area.clone(), known);
                Vec::new()
            }
            Event::InitApply(object) | Event::Apply(object) => self.put(area, object).into_iter().collect(),
            Event::InitDone => {
                let unseen = self.unseen.remove(area).unwrap_or_default();
                unseen.into_iter().filter_map(|key| self.remove(key)).collect()
            }
            Event::Delete(object) => {
                let Some((key, deleted, _)) = Stored::of(object) else { return Vec::new() };
                // A late event about an earlier object of the same name does not remove the present one.
                if self.objects.get(&key).is_none_or(|known| known.uid != deleted.uid) {
                    return Vec::new();
                }
                self.remove(key).into_iter().collect()
            }
        }
    }

    fn remove(&mut self, key: ObjectKey) -> Option<Change> {
        self.objects.remove(&key)?;
        if let Some(metrics) = &self.metrics {
            metrics.forget(&key);
        }
        Some(Change::Gone(key))
    }

    fn put(&mut self, area: &Area, object: DeserializeGuard<Watched>) -> Option<Change> {
        let (key, stored, status) = Stored::of(object)?;
        if let Some(unseen) = self.unseen.get_mut(area) {
            unseen.remove(&key);
        }
        let change = match self.objects.get(&key) {
            Some(known) if known.uid != stored.uid => Change::Appeared(key.clone()),
            None => Change::Appeared(key.clone()),
            // Another API server may be behind the one that was asked before.
            Some(known) if is_older(stored.version, known.version) => return None,
            Some(known) if *known == stored => return None,
            Some(known) => {
                let is_asked = known.requested_at != stored.requested_at && stored.is_requested();
                if known.generation != stored.generation || is_asked {
                    Change::Edited(key.clone())
                } else {
                    Change::Touched(key.clone())
                }
            }
        };
        if let Some(metrics) = &self.metrics {
            if matches!(change, Change::Appeared(_)) {
                // Nothing of an earlier object of the same name.
                metrics.forget(&key);
            }
            metrics.show(&key, &status);
        }
        self.objects.insert(key, stored);
        Some(change)
    }
}

fn is_older(version: Option<u64>, than: Option<u64>) -> bool {
    matches!((version, than), (Some(version), Some(than)) if version < than)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(namespace: &str, name: &str, version: u64) -> DeserializeGuard<Watched> {
        serde_json::from_value(json!({
            "metadata": {
                "namespace": namespace, "name": name, "uid": format!("{namespace}/{name}"), "generation": 1,
                "resourceVersion": version.to_string(),
            },
            "spec": {},
        }))
        .unwrap()
    }

    fn namespace(name: &str) -> Area {
        Area::Namespace(name.to_owned())
    }

    fn key(namespace: &str, name: &str) -> ObjectKey {
        ObjectKey { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    fn list(store: &mut Store, area: &Area, objects: Vec<DeserializeGuard<Watched>>) -> Vec<Change> {
        let events = std::iter::once(Event::Init).chain(objects.into_iter().map(Event::InitApply));
        events.chain([Event::InitDone]).flat_map(|event| store.apply(area, event)).collect()
    }

    #[test]
    fn a_relist_of_one_namespace_leaves_the_objects_of_another() {
        let mut store = Store::default();
        list(&mut store, &namespace("a"), vec![object("a", "stays", 1), object("a", "goes", 2)]);
        list(&mut store, &namespace("b"), vec![object("b", "stays", 3)]);
        let changes = list(&mut store, &namespace("a"), vec![object("a", "stays", 1)]);
        assert_eq!(changes, [Change::Gone(key("a", "goes"))]);
        assert!(store.get(&key("b", "stays")).is_some());
        assert_eq!(list(&mut store, &namespace("b"), vec![]), [Change::Gone(key("b", "stays"))]);
        assert!(store.get(&key("a", "stays")).is_some());
    }

    #[test]
    fn relists_of_two_namespaces_at_the_same_time_do_not_mix() {
        let mut store = Store::default();
        let (a, b) = (namespace("a"), namespace("b"));
        list(&mut store, &a, vec![object("a", "one", 1), object("a", "two", 2)]);
        list(&mut store, &b, vec![object("b", "one", 3), object("b", "two", 4)]);
        for event in [Event::Init, Event::InitApply(object("a", "one", 1))] {
            assert_eq!(store.apply(&a, event), []);
        }
        for event in [Event::Init, Event::InitApply(object("b", "two", 4))] {
            assert_eq!(store.apply(&b, event), []);
        }
        assert_eq!(store.apply(&a, Event::InitDone), [Change::Gone(key("a", "two"))]);
        assert_eq!(store.apply(&b, Event::InitDone), [Change::Gone(key("b", "one"))]);
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn a_relist_of_all_namespaces_removes_wherever_something_is_gone() {
        let mut store = Store::default();
        list(&mut store, &Area::All, vec![object("a", "one", 1), object("b", "one", 2)]);
        assert_eq!(list(&mut store, &Area::All, vec![object("b", "one", 2)]), [Change::Gone(key("a", "one"))]);
    }

    #[test]
    fn a_relist_that_was_broken_off_removes_nothing() {
        let mut store = Store::default();
        list(&mut store, &Area::All, vec![object("a", "one", 1), object("a", "two", 2)]);
        for event in [Event::Init, Event::InitApply(object("a", "one", 1)), Event::Init] {
            assert_eq!(store.apply(&Area::All, event), []);
        }
        for name in ["one", "two"] {
            assert_eq!(store.apply(&Area::All, Event::InitApply(object("a", name, 1))), []);
        }
        assert_eq!(store.apply(&Area::All, Event::InitDone), []);
        assert_eq!(store.len(), 2);
    }
}
