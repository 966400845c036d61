//! The only place that reads time or randomness.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::Instant;
use uuid::Uuid;

/// Wall clock, monotonic clock and randomness.
#[derive(Debug, Clone)]
pub struct Clock {
    wall: Wall,
    random: Arc<Mutex<StdRng>>,
}

#[derive(Debug, Clone)]
enum Wall {
    System,
    /// Follows tokio's clock from a given time, so that paused time moves it too.
    Following {
        base: Timestamp,
        started: Instant,
    },
}

impl Clock {
    /// The machine's clock and its randomness.
    pub fn system() -> Self {
        Self { wall: Wall::System, random: Arc::new(Mutex::new(rand::make_rng())) }
    }

    /// A clock that shows `base` now and moves with tokio's, and randomness from a seed: for simulations.
    pub fn seeded(base: Timestamp, seed: u64) -> Self {
        let started = instant();
        Self { wall: Wall::Following { base, started }, random: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))) }
    }

    /// Wall-clock time, for what people and other systems read.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match &self.wall {
            Wall::System => Timestamp::now(),
            Wall::Following { base, started } => {
                let passed =
                    SignedDuration::try_from(instant().duration_since(*started)).unwrap_or(SignedDuration::MAX);
                base.checked_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// Monotonic time, for pauses and lifetimes.
    pub fn instant(&self) -> Instant {
        instant()
    }

    /// A random UUID of version 4.
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random().random()).into_uuid()
    }

    /// The duration, shortened or lengthened by up to a tenth, so that many objects do not come due together.
    pub fn jittered(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.random().random_range(0.9..1.1))
    }

    /// A random part of the duration.
    pub fn part_of(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.random().random_range(0.0..1.0))
    }

    fn random(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads tokio's clock")]
fn instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_seeded_clock_moves_with_paused_time_and_repeats_its_randomness() {
        let base: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let (one, two) = (Clock::seeded(base, 7), Clock::seeded(base, 7));
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(one.now().to_string(), "2026-11-23T08:01:30Z");
        assert_eq!(one.uuid(), two.uuid());
        assert_eq!(one.jittered(Duration::from_secs(10)), two.jittered(Duration::from_secs(10)));
    }
}
