//! `Retry-After` in the three forms that Microsoft sends: whole seconds, decimal seconds, a date.
//!
//! <https://learn.microsoft.com/en-us/graph/throttling>

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use crate::domain::Obstacle;

/// Shortest wait that is honoured, in seconds: repeating at once prolongs the throttling.
const SHORTEST_SECONDS: f64 = 1.0;

/// Longest wait that is honoured, in seconds.
const LONGEST_SECONDS: f64 = 900.0;

/// The wait that these headers ask for, in whole seconds from 1 to 900; none if they do not ask, or not intelligibly.
pub fn seconds(headers: &HeaderMap, now: Timestamp) -> Option<u32> {
    parse(headers.get(http::header::RETRY_AFTER)?.to_str().ok()?, now)
}

/// The wait that this value asks for, in whole seconds from 1 to 900; none if it is not intelligible.
pub fn parse(value: &str, now: Timestamp) -> Option<u32> {
    let value = value.trim();
    let seconds = match value.parse::<f64>() {
        Ok(seconds) if !seconds.is_nan() => seconds,
        Ok(_) => return None,
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
            at.duration_since(now).as_secs_f64()
        }
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=900 before")]
    let whole = seconds.clamp(SHORTEST_SECONDS, LONGEST_SECONDS).ceil() as u32;
    Some(whole)
}

/// The obstacle with what is left of the wait that it asked for, in whole seconds, rounded up.
pub fn with_left(obstacle: &Obstacle, left: Duration) -> Obstacle {
    let seconds = u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
    Obstacle { wait_seconds: Some(seconds), ..obstacle.clone() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn all_three_forms_are_read_and_clamped() {
        for (value, expected) in [
            ("10", Some(10)),
            ("2.128", Some(3)),
            (" 7 ", Some(7)),
            ("0", Some(1)),
            ("-5", Some(1)),
            ("1000000000", Some(900)),
            ("1e300", Some(900)),
            ("Mon, 23 Nov 2026 08:00:30 GMT", Some(30)),
            ("Mon, 23 Nov 2026 07:00:00 GMT", Some(1)),
            ("Tue, 23 Nov 2027 08:00:00 GMT", Some(900)),
            ("soon", None),
            ("NaN", None),
            ("", None),
        ] {
            assert_eq!(parse(value, now()), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_value_leads_outside_the_bounds(value in ".{0,40}") {
            if let Some(seconds) = parse(&value, now()) {
                prop_assert!((1..=900).contains(&seconds));
            }
        }
    }
}
