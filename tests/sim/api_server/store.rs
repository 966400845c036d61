//! The stored objects with their past, as etcd and the watch cache keep it.
//!
//! One counter numbers every change of anything. Reads can go back to any revision that is not compacted.
//! `visible` is the revision that the watch cache has reached; it lags only while the simulation holds it.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use serde_json::{Value, json};

/// The kind of a change, in the words of the watch protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// The object is new.
    Added,
    /// The object differs.
    Modified,
    /// The object is gone.
    Deleted,
}

impl ChangeKind {
    /// The value of `type` in a watch event.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change, ready to be sent to watches.
#[derive(Clone, Debug)]
pub struct Change {
    /// `namespace/name`.
    pub key: String,
    /// The line of the watch stream.
    pub line: Bytes,
}

#[derive(Debug)]
struct Version {
    revision: u64,
    object: Option<Arc<Value>>,
}

/// The store of one resource, with the counter that all resources share.
#[derive(Debug, Default)]
pub struct Store {
    revision: u64,
    visible: Arc<AtomicU64>,
    is_held: bool,
    compacted: u64,
    changes_to_lose: u32,
    versions: BTreeMap<String, Vec<Version>>,
    changes: BTreeMap<u64, Change>,
}

impl Store {
    /// The last revision given out.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The revision that the watch cache has reached.
    pub fn visible(&self) -> u64 {
        self.visible.load(Ordering::Relaxed)
    }

    /// The same, to be read later.
    pub fn visible_cell(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.visible)
    }

    /// The oldest revision that can still be read.
    pub fn compacted(&self) -> u64 {
        self.compacted
    }

    /// A revision for a change of something that is not stored here.
    pub fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        if !self.is_held {
            self.visible.store(self.revision, Ordering::Relaxed);
        }
        self.revision
    }

    /// Stops or resumes the watch cache. Stopped, it answers from the past and no watch hears anything.
    pub fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
        if !is_held {
            self.visible.store(self.revision, Ordering::Relaxed);
        }
    }

    /// Makes the next `count` changes unseen by every watch; lists and reads show them.
    pub fn lose_changes(&mut self, count: u32) {
        self.changes_to_lose = count;
    }

    /// The present object.
    pub fn get(&self, key: &str) -> Option<&Arc<Value>> {
        self.versions.get(key)?.last()?.object.as_ref()
    }

    /// The object as it was at a revision.
    pub fn get_at(&self, key: &str, revision: u64) -> Option<&Arc<Value>> {
        at(self.versions.get(key)?, revision)
    }

    /// Stores an object under a new revision, which is written into it.
    pub fn put(&mut self, key: &str, mut object: Value) -> Arc<Value> {
        let kind = if self.get(key).is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        let revision = self.next_revision();
        object["metadata"]["resourceVersion"] = revision.to_string().into();
        self.record(key, kind, revision, &object);
        let object = Arc::new(object);
        let version = Version { revision, object: Some(Arc::clone(&object)) };
        self.versions.entry(key.to_owned()).or_default().push(version);
        object
    }

    /// Removes an object and returns its last state.
    pub fn remove(&mut self, key: &str) -> Option<Arc<Value>> {
        let last = Arc::clone(self.get(key)?);
        let revision = self.next_revision();
        let mut gone = Value::clone(&last);
        gone["metadata"]["resourceVersion"] = revision.to_string().into();
        self.record(key, ChangeKind::Deleted, revision, &gone);
        self.versions.entry(key.to_owned()).or_default().push(Version { revision, object: None });
        Some(last)
    }

    /// The objects under a prefix as they were at a revision, in the order of their keys.
    pub fn list_at(&self, prefix: &str, revision: u64) -> impl Iterator<Item = (&str, &Arc<Value>)> {
        self.versions
            .range(prefix.to_owned()..)
            .take_while(move |(key, _)| key.starts_with(prefix))
            .filter_map(move |(key, versions)| Some((key.as_str(), at(versions, revision)?)))
    }

    /// The changes after a revision that the watch cache has reached.
    pub fn changes_after(&self, revision: u64) -> impl Iterator<Item = (u64, &Change)> {
        let visible = self.visible();
        let later = self.changes.range((Bound::Excluded(revision), Bound::Unbounded));
        later.map(|(revision, change)| (*revision, change)).take_while(move |(revision, _)| *revision <= visible)
    }

    /// The revision of the last change that the watch cache has reached and that is not forgotten; 0 if there is none.
    pub fn last_visible_change(&self) -> u64 {
        self.changes.range(..=self.visible()).next_back().map_or(0, |(revision, _)| *revision)
    }

    /// Forgets the past.
    pub fn compact(&mut self) {
        self.compacted = self.revision;
        let kept_from = self.visible().min(self.compacted);
        self.changes.retain(|revision, _| *revision > kept_from);
        self.versions.retain(|_, versions| {
            let first = versions.iter().rposition(|version| version.revision <= kept_from).unwrap_or(0);
            versions.drain(..first);
            versions.iter().any(|version| version.object.is_some())
        });
    }

    fn record(&mut self, key: &str, kind: ChangeKind, revision: u64, object: &Value) {
        if self.changes_to_lose > 0 {
            self.changes_to_lose -= 1;
            return;
        }
        let line = event_line(kind.word(), object);
        self.changes.insert(revision, Change { key: key.to_owned(), line });
    }
}

fn at(versions: &[Version], revision: u64) -> Option<&Arc<Value>> {
    versions.iter().rev().find(|version| version.revision <= revision)?.object.as_ref()
}

/// One line of a watch stream.
pub fn event_line(kind: &str, object: &Value) -> Bytes {
    Bytes::from(format!("{}\n", json!({ "type": kind, "object": object })))
}
