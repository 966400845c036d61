//! A map whose entries are forgotten when nobody used them for a while.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// Pause between two searches for what can be forgotten; with ten thousand tenants each is a walk over all of them.
const SWEEP_PAUSE: Duration = Duration::from_mins(1);

/// Entries with the time of their last use.
#[derive(Debug)]
pub struct Kept<K, V> {
    entries: BTreeMap<K, (V, Instant)>,
    forget_after: Duration,
    swept: Option<Instant>,
}

impl<K: Ord + Clone, V> Kept<K, V> {
    /// Nothing yet. Entries go this long after their last use, give or take a minute.
    pub const fn new(forget_after: Duration) -> Self {
        Self { entries: BTreeMap::new(), forget_after, swept: None }
    }

    /// The entry, made if there is none.
    pub fn entry(&mut self, key: &K, now: Instant, make: impl FnOnce() -> V) -> &mut V {
        self.sweep(now);
        let (value, used) = self.entries.entry(key.clone()).or_insert_with(|| (make(), now));
        *used = now;
        value
    }

    /// The entry, if there is one.
    pub fn get(&mut self, key: &K, now: Instant) -> Option<&mut V> {
        let (value, used) = self.entries.get_mut(key)?;
        *used = now;
        Some(value)
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|(value, _)| value)
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now.duration_since(swept) < SWEEP_PAUSE) {
            return;
        }
        self.swept = Some(now);
        let forget_after = self.forget_after;
        self.entries.retain(|_, (_, used)| now.duration_since(*used) < forget_after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn what_is_used_is_kept_and_the_rest_forgotten() {
        let begin = Clock::system().instant();
        let mut kept = Kept::new(Duration::from_mins(10));
        kept.entry(&"a", begin, || 1);
        kept.entry(&"b", begin, || 2);
        let later = begin + Duration::from_mins(8);
        assert_eq!(*kept.entry(&"a", later, || 9), 1);
        kept.entry(&"c", begin + Duration::from_mins(11), || 3);
        assert_eq!(kept.values().copied().collect::<Vec<_>>(), [1, 3]);
    }
}
