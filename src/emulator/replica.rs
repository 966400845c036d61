//! Objects with their past: what is true, and what a reader still sees. Knows nothing of Graph.
//!
//! A write is true at once. Each copy of the directory learns of it after a delay of its own, drawn from the seed, the
//! object and the write. Old versions are dropped when no copy can show them any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::directory::Properties;
use super::identifier;

/// Who looks.
#[derive(Debug, Clone, Copy)]
pub(super) enum View {
    /// The linearised truth: every finished write and nothing else.
    Truth,
    /// One copy of the directory.
    Copy {
        /// When it is asked.
        now: Timestamp,
        /// Which copy.
        number: u64,
        /// The seed of its delays.
        seed: u64,
    },
}

/// When a write happens and how long it may take to be seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    pub(super) lag: SignedDuration,
}

/// All objects of one kind in one tenant.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    objects: BTreeMap<String, Vec<Version>>,
    writes: u64,
    /// What happened in the last days, oldest first.
    journal: Vec<Change>,
}

/// One write, as the journal keeps it.
#[derive(Debug)]
pub(super) struct Change {
    /// Its place among all writes of the shelf, from 1.
    pub(super) number: u64,
    moment: Moment,
    pub(super) id: String,
    /// The properties that became other ones; nothing if the object began or ended.
    pub(super) names: Option<Vec<String>>,
}

/// How long the journal remembers: as long as a state token of the directory is good.
/// <https://learn.microsoft.com/graph/delta-query-overview#token-duration>
pub(super) const JOURNAL: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Debug)]
struct Version {
    moment: Moment,
    number: u64,
    /// Shared where many tenants hold the same object.
    value: Option<Arc<Properties>>,
}

impl Shelf {
    /// The object as this view shows it.
    pub(super) fn get(&self, view: View, id: &str) -> Option<&Properties> {
        visible(self.objects.get(id)?, view, id)
    }

    /// All objects this view shows, by id.
    pub(super) fn all(&self, view: View) -> impl Iterator<Item = (&str, &Properties)> {
        self.objects.iter().filter_map(move |(id, versions)| Some((id.as_str(), visible(versions, view, id)?)))
    }

    /// The ids of all objects that exist in truth.
    pub(super) fn ids(&self) -> Vec<String> {
        self.all(View::Truth).map(|(id, _)| id.to_owned()).collect()
    }

    /// Makes this the truth; `None` ends the object.
    pub(super) fn put(&mut self, moment: Moment, id: &str, value: Option<Properties>) {
        self.put_shared(moment, id, value.map(Arc::new));
    }

    /// As [`Self::put`], for an object that many tenants have in common.
    pub(super) fn put_shared(&mut self, moment: Moment, id: &str, value: Option<Arc<Properties>>) {
        self.writes += 1;
        let versions = self.objects.entry(id.to_owned()).or_default();
        let before = versions.last().and_then(|version| version.value.as_deref());
        let names = before.zip(value.as_deref()).map(|(before, after)| changed(before, after));
        self.journal.push(Change { number: self.writes, moment, id: id.to_owned(), names });
        let forgotten = self
            .journal
            .partition_point(|change| change.moment.now.saturating_add(JOURNAL).is_ok_and(|end| end < moment.now));
        self.journal.drain(..forgotten);
        versions.push(Version { moment, number: self.writes, value });
        forget_settled(versions, moment.now);
        if let [only] = versions.as_slice()
            && only.value.is_none()
        {
            self.objects.remove(id);
        }
    }

    /// Changes the truth of an existing object.
    pub(super) fn update(&mut self, moment: Moment, id: &str, change: impl FnOnce(&mut Properties)) {
        if let Some(mut value) = self.get(View::Truth, id).cloned() {
            change(&mut value);
            self.put(moment, id, Some(value));
        }
    }
}

impl Shelf {
    /// The number of the last write that every copy has, with all writes before it.
    pub(super) fn settled(&self, now: Timestamp) -> u64 {
        let is_on_its_way =
            |change: &&Change| change.moment.now.saturating_add(change.moment.lag).is_ok_and(|all| all > now);
        self.journal.iter().find(is_on_its_way).map_or(self.writes, |change| change.number - 1)
    }

    /// The writes after one number up to another.
    pub(super) fn changes(&self, after: u64, until: u64) -> impl Iterator<Item = &Change> {
        self.journal.iter().filter(move |change| change.number > after && change.number <= until)
    }
}

/// The names of the properties in which two versions differ.
fn changed(before: &Properties, after: &Properties) -> Vec<String> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let other = after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name);
    gone.chain(other).cloned().collect()
}

/// The newest version that this view has learned of.
fn visible<'a>(versions: &'a [Version], view: View, id: &str) -> Option<&'a Properties> {
    let version = match view {
        View::Truth => versions.last(),
        View::Copy { now, number, seed } => versions.iter().rev().find(|version| {
            let learned = version.moment.now.saturating_add(delay(version, id, number, seed)).unwrap_or(Timestamp::MAX);
            learned <= now
        }),
    };
    version?.value.as_deref()
}

fn delay(version: &Version, id: &str, copy: u64, seed: u64) -> SignedDuration {
    let longest = u64::try_from(version.moment.lag.as_millis()).unwrap_or(0);
    if longest == 0 {
        return SignedDuration::ZERO;
    }
    let drawn = identifier::hash(seed, &[id.as_bytes(), &version.number.to_le_bytes(), &copy.to_le_bytes()]);
    SignedDuration::from_millis(i64::try_from(drawn % (longest + 1)).unwrap_or(i64::MAX))
}

/// Drops what is older than the newest version that every copy has.
fn forget_settled(versions: &mut Vec<Version>, now: Timestamp) {
    let settled = versions
        .iter()
        .rposition(|version| version.moment.now.saturating_add(version.moment.lag).is_ok_and(|all| all <= now));
    if let Some(settled) = settled {
        versions.drain(..settled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn named(name: &str) -> Properties {
        Properties::from_iter([("displayName".to_owned(), name.into())])
    }

    fn name(shelf: &Shelf, view: View) -> Option<String> {
        Some(shelf.get(view, "x")?.get("displayName")?.as_str()?.to_owned())
    }

    #[test]
    fn a_copy_shows_the_state_before_a_write_until_its_delay_is_over_and_never_goes_back() {
        let mut shelf = Shelf::default();
        shelf.put(Moment { now: at(0), lag: SignedDuration::ZERO }, "x", Some(named("old")));
        shelf.put(Moment { now: at(100), lag: SignedDuration::from_secs(60) }, "x", Some(named("new")));
        assert_eq!(name(&shelf, View::Truth).as_deref(), Some("new"));
        let seen: Vec<String> = (100..=160)
            .map(|second| name(&shelf, View::Copy { now: at(second), number: 0, seed: 3 }).unwrap())
            .collect();
        assert_eq!(seen.first().map(String::as_str), Some("old"));
        assert_eq!(seen.last().map(String::as_str), Some("new"));
        assert_eq!(seen.windows(2).filter(|pair| pair[0] != pair[1]).count(), 1);
    }

    #[test]
    fn an_object_ended_long_ago_leaves_nothing_behind() {
        let mut shelf = Shelf::default();
        shelf.put(Moment { now: at(0), lag: SignedDuration::ZERO }, "x", Some(named("old")));
        shelf.put(Moment { now: at(10), lag: SignedDuration::ZERO }, "x", None);
        assert_eq!(shelf.get(View::Truth, "x"), None);
        shelf.put(Moment { now: at(20), lag: SignedDuration::ZERO }, "x", None);
        assert!(shelf.objects.is_empty());
    }
}
