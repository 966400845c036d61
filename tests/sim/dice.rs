//! Choices from a seed. Each part of a history has its own dice, so that one part's choices do not shift another's.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// A seeded source of choices.
pub struct Dice(StdRng);

impl Dice {
    /// The dice of one part of a history.
    pub fn new(seed: u64, part: u64) -> Self {
        Self(StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(part)))
    }

    /// A number from `low` to `high`, both possible.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.between(1, n) == 1
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let last = u64::try_from(choices.len()).expect("a short list") - 1;
        &choices[usize::try_from(self.between(0, last)).expect("a short list")]
    }

    /// One of these, if there are any.
    pub fn pick_if_any<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        if choices.is_empty() { None } else { Some(self.pick(choices)) }
    }

    /// A duration in whole milliseconds.
    pub fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// A pause between two acts: seconds, minutes or an hour, each order of magnitude as often.
    pub fn pause(&mut self) -> Duration {
        let longest = *self.pick(&[5_000, 60_000, 300_000, 1_200_000, 3_000_000]);
        self.millis(100, longest)
    }
}
