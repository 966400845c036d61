//! What a simulation does to the server directly, and what it reads back.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use super::{
    ApiServer, Denial, Exchange, Fault, Fired, WatchCut, Write, apply::Manager, integration::Target, request::Resource,
};

const WAI: Resource = Resource::Integrations;

impl ApiServer {
    /// Creates an integration and returns it. Panics if the name is taken.
    pub fn create(&mut self, namespace: &str, name: &str, spec: Value) -> Arc<Value> {
        let mut object = json!({ "apiVersion": WAI.api_version(), "kind": WAI.kind(), "metadata": { "name": name } });
        object["spec"] = spec;
        self.create_integration(namespace, &object, author()).expect("the name is free")
    }

    /// Changes a stored integration past all checks and returns it.
    ///
    /// A spec that differs makes a new generation. Who owns which field stays as it was: nobody owns what the closure
    /// adds, and what it overwrites still belongs to its owner. Panics if there is no such object.
    pub fn edit(&mut self, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) -> Arc<Value> {
        let target = Target { namespace, name, is_status: false };
        let live = self.object(namespace, name).expect("the object exists");
        let mut next = Value::clone(&live);
        change(&mut next);
        let is_new_generation = live.get("spec") != next.get("spec");
        if is_new_generation {
            let generation = live["metadata"]["generation"].as_i64().unwrap_or_default();
            next["metadata"]["generation"] = (generation + 1).into();
        }
        if *live == next { live } else { self.put(target, next) }
    }

    /// Replaces the spec. Panics if there is no such object.
    pub fn set_spec(&mut self, namespace: &str, name: &str, spec: Value) -> Arc<Value> {
        self.edit(namespace, name, |object| object["spec"] = spec)
    }

    /// Sets an annotation. Panics if there is no such object.
    pub fn annotate(&mut self, namespace: &str, name: &str, annotation: &str, value: &str) -> Arc<Value> {
        self.edit(namespace, name, |object| object["metadata"]["annotations"][annotation] = value.into())
    }

    /// Deletes an integration; whether there was one.
    pub fn delete(&mut self, namespace: &str, name: &str) -> bool {
        let was_there = self.store.remove(&format!("{namespace}/{name}")).is_some();
        self.watches.deliver(&self.store);
        was_there
    }

    /// A stored integration.
    pub fn object(&self, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.store.get(&format!("{namespace}/{name}")).cloned()
    }

    /// Creates or replaces a Secret and returns it as stored.
    pub fn put_secret(&mut self, namespace: &str, secret: &Secret) -> Value {
        let mut stored = serde_json::to_value(secret).expect("a Secret is JSON");
        let name = secret.metadata.name.clone().expect("the Secret has a name");
        let key = format!("{namespace}/{name}");
        let identity = self
            .secrets
            .get(&key)
            .map(|old| (old["metadata"]["uid"].clone(), old["metadata"]["creationTimestamp"].clone()));
        let (uid, created) = identity.unwrap_or_else(|| (self.new_uid().into(), self.time().into()));
        let metadata = &mut stored["metadata"];
        metadata["namespace"] = namespace.into();
        metadata["uid"] = uid;
        metadata["creationTimestamp"] = created;
        metadata["resourceVersion"] = self.store.next_revision().to_string().into();
        self.secrets.insert(key, stored.clone());
        stored
    }

    /// Deletes a Secret; whether there was one.
    pub fn delete_secret(&mut self, namespace: &str, name: &str) -> bool {
        let was_there = self.secrets.remove(&format!("{namespace}/{name}")).is_some();
        if was_there {
            self.store.next_revision();
        }
        was_there
    }

    /// The events that were stored, in the order of their creation.
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    /// Answers 403 from now on to what the denial covers.
    pub fn forbid(&mut self, denial: Denial) {
        self.denials.push(denial);
    }

    /// Lifts all denials.
    pub fn permit(&mut self) {
        self.denials.clear();
    }

    /// Sets the fault hook, or removes it.
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
    }

    /// How often the fault hook said something else than `Pass`.
    pub fn fired(&self) -> Fired {
        self.fired
    }

    /// All requests that arrived, and what became of them.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// All requests to change something that were served.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The last revision given out: the resourceVersion of the latest change of anything.
    pub fn revision(&self) -> u64 {
        self.store.revision()
    }

    /// Forgets the past: a watch or a page that starts before now gets 410. Open watches go on.
    pub fn compact(&mut self) {
        self.store.compact();
    }

    /// Breaks the connections of all open watches.
    pub fn drop_watches(&mut self) {
        self.cut_watches(WatchCut::Broken);
    }

    /// Ends all open watches in one of several ways.
    pub fn cut_watches(&mut self, how: WatchCut) {
        self.watches.cut(how, self.store.revision());
    }

    /// How many watches are open. One whose client went away counts until the next change.
    pub fn open_watches(&mut self) -> usize {
        self.watches.count()
    }

    /// Holds the watch cache: watches hear nothing new, and reads at resourceVersion 0 answer from the past.
    pub fn hold_cache(&mut self) {
        self.store.hold(true);
    }

    /// Lets the watch cache catch up.
    pub fn release_cache(&mut self) {
        self.store.hold(false);
        self.watches.deliver(&self.store);
    }

    /// Makes the next changes of integrations unseen by every watch, now and later. Lists and reads show them.
    pub fn lose_changes(&mut self, count: u32) {
        self.store.lose_changes(count);
    }
}

fn author() -> Manager {
    Manager { operation: "Update", name: "simulation".to_owned(), subresource: String::new() }
}
