//! Who is looked at next: due times, classes, and fairness between namespaces and tenants.
//!
//! An edit goes before a drifted object, that before a periodic look; every few turns the one that has waited longest
//! goes first whatever its class, so that nobody starves. Within a class the groups (namespace and tenant) take turns,
//! and no tenant holds more than its share of the slots, so that a slow one cannot stop the others. Ordered maps only:
//! the same calls give the same order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::store::ObjectKey;

/// How pressing a look is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A person changed the object or asked for a look.
    Edit,
    /// The object is not in order.
    Drifted,
    /// Its interval has passed.
    Periodic,
}

impl Class {
    const ALL: [Self; 3] = [Self::Edit, Self::Drifted, Self::Periodic];

    /// Its name among the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Drifted => "drifted",
            Self::Periodic => "periodic",
        }
    }
}

/// Whose turn it is: a namespace's, and in it a tenant's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// Namespace of the object.
    pub namespace: String,
    /// Tenant as the object writes it.
    pub tenant: String,
}

/// How many looks run side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub total: usize,
    /// For one tenant.
    pub per_tenant: usize,
}

/// How a queue stands at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Looks that are due and wait for a free place, by class.
    pub depth: BTreeMap<Class, usize>,
    /// How long the one that has waited longest is overdue.
    pub overdue: Duration,
    /// Looks under way.
    pub running: usize,
}

/// Every this many turns the longest waiting goes first.
const TURNS_BY_AGE: u64 = 8;

#[derive(Debug, Clone)]
struct Entry {
    group: Group,
    class: Class,
    due: Instant,
}

#[derive(Debug, Default)]
struct Ring {
    groups: BTreeMap<Group, BTreeSet<(Instant, ObjectKey)>>,
    last: Option<Group>,
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    limits: Limits,
    entries: BTreeMap<ObjectKey, Entry>,
    waiting: BTreeSet<(Instant, ObjectKey)>,
    ready: BTreeMap<Class, Ring>,
    running: BTreeMap<ObjectKey, Group>,
    turns: u64,
}

impl Queue {
    /// An empty queue.
    pub fn new(limits: Limits) -> Self {
        let ready = Class::ALL.map(|class| (class, Ring::default())).into();
        Self { limits, entries: BTreeMap::new(), waiting: BTreeSet::new(), ready, running: BTreeMap::new(), turns: 0 }
    }

    /// Schedules a look. One that is already scheduled keeps the earlier time and the more pressing class.
    /// While the object is being looked at, this is its next look.
    pub fn schedule(&mut self, key: ObjectKey, group: Group, class: Class, due: Instant) {
        let entry = match self.remove(&key) {
            Some(earlier) => Entry { group, class: class.min(earlier.class), due: due.min(earlier.due) },
            None => Entry { group, class, due },
        };
        if !self.running.contains_key(&key) {
            self.waiting.insert((entry.due, key.clone()));
        }
        self.entries.insert(key, entry);
    }

    /// Takes the object out; a look that is under way goes on.
    pub fn forget(&mut self, key: &ObjectKey) {
        self.remove(key);
    }

    /// The next object to look at now and how pressing it is, if there is one and a slot for it.
    pub fn take(&mut self, now: Instant) -> Option<(ObjectKey, Class)> {
        self.ripen(now);
        if self.running.len() >= self.limits.total {
            return None;
        }
        let by_age = self.turns % TURNS_BY_AGE == TURNS_BY_AGE - 1;
        let (class, group, due, key) = if by_age { self.oldest() } else { self.most_pressing() }?;
        self.turns = self.turns.wrapping_add(1);
        if let Some(ring) = self.ready.get_mut(&class) {
            ring.take(&group, due, &key);
        }
        self.entries.remove(&key);
        self.running.insert(key.clone(), group);
        Some((key, class))
    }

    /// The look has ended. Its next one counts from the schedule that was made meanwhile.
    pub fn finish(&mut self, key: &ObjectKey) {
        self.running.remove(key);
        if let Some(entry) = self.entries.get(key) {
            self.waiting.insert((entry.due, key.clone()));
        }
    }

    /// When something falls due that is not due yet.
    pub fn next_due(&self) -> Option<Instant> {
        self.waiting.first().map(|(due, _)| *due)
    }

    /// How many looks are under way.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// How it stands, whether or not [`Self::take`] was called since something fell due.
    pub fn standing(&self, now: Instant) -> Standing {
        let mut depth: BTreeMap<Class, usize> = Class::ALL.map(|class| (class, 0)).into();
        let mut oldest = now;
        for (class, ring) in &self.ready {
            for waiting in ring.groups.values() {
                *depth.entry(*class).or_default() += waiting.len();
                oldest = waiting.first().map_or(oldest, |(due, _)| oldest.min(*due));
            }
        }
        for (due, key) in self.waiting.iter().take_while(|(due, _)| *due <= now) {
            if let Some(entry) = self.entries.get(key) {
                *depth.entry(entry.class).or_default() += 1;
                oldest = oldest.min(*due);
            }
        }
        Standing { depth, overdue: now.duration_since(oldest), running: self.running.len() }
    }

    fn ripen(&mut self, now: Instant) {
        while let Some((due, _)) = self.waiting.first()
            && *due <= now
        {
            let Some((due, key)) = self.waiting.pop_first() else { return };
            if let Some(entry) = self.entries.get(&key)
                && let Some(ring) = self.ready.get_mut(&entry.class)
            {
                ring.groups.entry(entry.group.clone()).or_default().insert((due, key));
            }
        }
    }

    fn most_pressing(&self) -> Option<(Class, Group, Instant, ObjectKey)> {
        self.ready.iter().find_map(|(class, ring)| {
            let (group, (due, key)) = ring.in_turn().find(|(group, _)| self.has_room(group))?;
            Some((*class, group.clone(), *due, key.clone()))
        })
    }

    fn oldest(&self) -> Option<(Class, Group, Instant, ObjectKey)> {
        let fronts =
            self.ready.iter().flat_map(|(class, ring)| ring.in_turn().map(move |(group, front)| (front, class, group)));
        fronts
            .filter(|(_, _, group)| self.has_room(group))
            .min()
            .map(|((due, key), class, group)| (*class, group.clone(), *due, key.clone()))
    }

    fn has_room(&self, group: &Group) -> bool {
        let of_tenant = self.running.values().filter(|running| running.tenant == group.tenant).count();
        of_tenant < self.limits.per_tenant
    }

    fn remove(&mut self, key: &ObjectKey) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.waiting.remove(&(entry.due, key.clone()));
        if let Some(ring) = self.ready.get_mut(&entry.class) {
            ring.remove(&entry.group, entry.due, key);
        }
        Some(entry)
    }
}

/// A queue that the loop works on and others may look into; a clone is the same queue.
#[derive(Debug, Clone)]
pub struct SharedQueue(Arc<Mutex<Queue>>);

impl SharedQueue {
    /// An empty queue.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Mutex::new(Queue::new(limits))))
    }

    /// As [`Queue::schedule`].
    pub fn schedule(&self, key: ObjectKey, group: Group, class: Class, due: Instant) {
        self.queue().schedule(key, group, class, due);
    }

    /// As [`Queue::forget`].
    pub fn forget(&self, key: &ObjectKey) {
        self.queue().forget(key);
    }

    /// As [`Queue::take`].
    pub fn take(&self, now: Instant) -> Option<(ObjectKey, Class)> {
        self.queue().take(now)
    }

    /// As [`Queue::finish`].
    pub fn finish(&self, key: &ObjectKey) {
        self.queue().finish(key);
    }

    /// As [`Queue::next_due`].
    pub fn next_due(&self) -> Option<Instant> {
        self.queue().next_due()
    }

    /// As [`Queue::standing`].
    pub fn standing(&self, now: Instant) -> Standing {
        self.queue().standing(now)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// The first of each group, beginning behind the group whose turn was last.
    fn in_turn(&self) -> impl Iterator<Item = (&Group, &(Instant, ObjectKey))> {
        let behind = move |(group, _): &(&Group, &BTreeSet<(Instant, ObjectKey)>)| {
            self.last.as_ref().is_none_or(|last| *group > last)
        };
        let up_to = move |item: &(&Group, &BTreeSet<(Instant, ObjectKey)>)| !behind(item);
        let first = self.groups.iter().filter(behind);
        let then = self.groups.iter().filter(up_to);
        first.chain(then).filter_map(|(group, set)| Some((group, set.first()?)))
    }

    fn take(&mut self, group: &Group, due: Instant, key: &ObjectKey) {
        self.remove(group, due, key);
        self.last = Some(group.clone());
    }

    fn remove(&mut self, group: &Group, due: Instant, key: &ObjectKey) {
        if let Some(set) = self.groups.get_mut(group) {
            set.remove(&(due, key.clone()));
            if set.is_empty() {
                self.groups.remove(group);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    fn key(name: &str) -> ObjectKey {
        ObjectKey { namespace: "n".to_owned(), name: name.to_owned() }
    }

    fn group(tenant: &str) -> Group {
        Group { namespace: "n".to_owned(), tenant: tenant.to_owned() }
    }

    fn now() -> Instant {
        Clock::system().instant()
    }

    fn names(queue: &mut Queue, now: Instant) -> Vec<String> {
        let mut names = Vec::new();
        while let Some((key, _)) = queue.take(now) {
            queue.finish(&key);
            names.push(key.name);
        }
        names
    }

    const LIMITS: Limits = Limits { total: 4, per_tenant: 2 };

    #[test]
    fn edits_go_before_drifted_before_periodic() {
        let (mut queue, now) = (Queue::new(LIMITS), now());
        queue.schedule(key("p"), group("a"), Class::Periodic, now);
        queue.schedule(key("d"), group("a"), Class::Drifted, now);
        queue.schedule(key("e"), group("a"), Class::Edit, now);
        assert_eq!(names(&mut queue, now), ["e", "d", "p"]);
    }

    #[test]
    fn groups_take_turns() {
        let (mut queue, now) = (Queue::new(LIMITS), now());
        for name in ["a1", "a2", "a3", "b1", "c1"] {
            queue.schedule(key(name), group(name.get(..1).unwrap()), Class::Periodic, now);
        }
        assert_eq!(names(&mut queue, now), ["a1", "b1", "c1", "a2", "a3"]);
    }

    #[test]
    fn a_periodic_look_is_not_starved_by_edits() {
        let (mut queue, now) = (Queue::new(LIMITS), now());
        queue.schedule(key("old"), group("a"), Class::Periodic, now);
        let later = now + Duration::from_secs(1);
        for n in 0..20 {
            queue.schedule(key(&format!("e{n:02}")), group("b"), Class::Edit, later);
        }
        assert_eq!(names(&mut queue, later).iter().position(|name| name == "old"), Some(7));
    }

    #[test]
    fn one_tenant_does_not_hold_all_slots_and_the_total_is_kept() {
        let (mut queue, now) = (Queue::new(LIMITS), now());
        for n in 0..5 {
            queue.schedule(key(&format!("slow{n}")), group("slow"), Class::Edit, now);
            queue.schedule(key(&format!("t{n}")), group(&format!("t{n}")), Class::Periodic, now);
        }
        let taken: Vec<String> = std::iter::from_fn(|| queue.take(now)).map(|(key, _)| key.name).collect();
        assert_eq!(taken, ["slow0", "slow1", "t0", "t1"]);
        assert_eq!(queue.running(), 4);
    }

    #[test]
    fn a_change_while_looking_leads_to_another_look() {
        let (mut queue, now) = (Queue::new(LIMITS), now());
        queue.schedule(key("x"), group("a"), Class::Edit, now);
        assert_eq!(queue.take(now), Some((key("x"), Class::Edit)));
        queue.schedule(key("x"), group("a"), Class::Edit, now);
        assert_eq!(queue.take(now), None, "never twice at once");
        queue.finish(&key("x"));
        assert_eq!(queue.take(now), Some((key("x"), Class::Edit)));
    }

    #[test]
    fn rescheduling_keeps_the_earlier_time_and_the_more_pressing_class() {
        let (mut queue, now) = (Queue::new(LIMITS), now());
        let (soon, late) = (now + Duration::from_secs(1), now + Duration::from_mins(1));
        queue.schedule(key("x"), group("a"), Class::Edit, late);
        queue.schedule(key("x"), group("a"), Class::Periodic, soon);
        assert_eq!(queue.next_due(), Some(soon));
        assert_eq!(names(&mut queue, soon), ["x"]);
        assert_eq!(queue.next_due(), None);
    }

    #[test]
    fn a_forgotten_object_is_not_taken() {
        let (mut queue, now) = (Queue::new(LIMITS), now());
        queue.schedule(key("x"), group("a"), Class::Edit, now);
        queue.schedule(key("y"), group("a"), Class::Edit, now);
        assert_eq!(queue.take(now), Some((key("x"), Class::Edit)));
        queue.forget(&key("y"));
        queue.forget(&key("x"));
        queue.finish(&key("x"));
        assert_eq!(queue.take(now), None);
    }
}
