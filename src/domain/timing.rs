//! The pauses that the verdicts depend on, in one value.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Windows and paces. Tests and the demo scale them; nothing else sets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Two looks that are to confirm an absence are at least this far apart; Microsoft Graph's reads lag its writes by
    /// 30 to 60 seconds in ordinary reports.
    pub confirmation: SignedDuration,
    /// A service principal that is in neither list, of the living and of the deleted, is believed to be missing after
    /// this. It is longer than [`Self::confirmation`], because a deletion that is not listed yet looks the same, and
    /// the remedy for a missing one, consent, would block the restore of a deleted one. How late deletions are listed
    /// is not published; `docs/unknowns.md` has it under `deletedItemsLag`.
    pub disappearance: SignedDuration,
    /// Pace of looks after an object turned bad, so that whoever mends it sees it heal.
    pub relook: SignedDuration,
    /// For how long that pace is kept.
    pub relook_for: SignedDuration,
    /// A verdict is stale when the last complete look is older than the interval and this.
    pub stale_margin: SignedDuration,
    /// How often `lastObservedTime` is written when nothing else changes; none: never.
    pub heartbeat: Option<SignedDuration>,
    /// Pause after the first failed look; doubled after each further one.
    pub retry_first: SignedDuration,
    /// Longest pause after failed looks.
    pub retry_cap: SignedDuration,
    /// Looks that are asked for by annotation are at least this far apart, after the first.
    pub request_pause: SignedDuration,
    /// Declared intervals are divided by this; 1 in production.
    pub interval_divisor: i32,
}

impl Timing {
    /// The values that hold in production.
    pub const PRODUCTION: Self = Self {
        confirmation: SignedDuration::from_secs(60),
        disappearance: SignedDuration::from_mins(3),
        relook: SignedDuration::from_secs(15),
        relook_for: SignedDuration::from_mins(15),
        stale_margin: SignedDuration::from_mins(15),
        heartbeat: Some(SignedDuration::from_hours(1)),
        retry_first: SignedDuration::from_secs(5),
        retry_cap: SignedDuration::from_mins(5),
        request_pause: SignedDuration::from_secs(30),
        interval_divisor: 1,
    };

    /// All windows and intervals shortened by this factor; what is counted in minutes and hours stays.
    #[must_use]
    pub fn shortened_by(&self, factor: i32) -> Self {
        let divide = |duration: SignedDuration| duration.checked_div(factor).unwrap_or(duration);
        Self {
            confirmation: divide(self.confirmation),
            disappearance: divide(self.disappearance),
            relook: divide(self.relook),
            relook_for: self.relook_for,
            stale_margin: self.stale_margin,
            heartbeat: self.heartbeat,
            retry_first: divide(self.retry_first),
            retry_cap: divide(self.retry_cap),
            request_pause: divide(self.request_pause),
            interval_divisor: self.interval_divisor.saturating_mul(factor),
        }
    }

    /// The pause between looks that this declared interval stands for.
    pub fn interval(&self, declared: SignedDuration) -> SignedDuration {
        declared.checked_div(self.interval_divisor).unwrap_or(declared)
    }

    /// Pause after this many failed looks in a row.
    pub fn retry_after(&self, failures: u32) -> SignedDuration {
        let factor = 1_i32.checked_shl(failures.saturating_sub(1).min(16)).unwrap_or(i32::MAX);
        self.retry_first.checked_mul(factor).unwrap_or(self.retry_cap).min(self.retry_cap)
    }
}

/// The instant this much later; the end of time instead of an overflow.
pub fn later(instant: Timestamp, duration: SignedDuration) -> Timestamp {
    instant.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// The duration for a timer; none at all where it is negative.
pub fn unsigned(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or(Duration::ZERO)
}

/// The instant cut to whole seconds, as Kubernetes writes times.
pub fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_grow_to_the_cap_and_never_overflow() {
        let timing = Timing::PRODUCTION;
        let pauses: Vec<_> = [0, 1, 2, 3, 7, 8, 100, u32::MAX].map(|n| timing.retry_after(n).as_secs()).into();
        assert_eq!(pauses, [5, 5, 10, 20, 300, 300, 300, 300]);
    }
}
