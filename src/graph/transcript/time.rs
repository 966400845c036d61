//! Times that are moved, all by the same whole number of seconds, in the form in which they were written.

use jiff::{SignedDuration, Timestamp, civil::DateTime};

/// What the beginning of a recording becomes: 2020-01-01T00:00:00Z.
const BEGINNING: i64 = 1_577_836_800;

/// Years before this one are no times at which something happened: Microsoft Graph writes 0001-01-01 for never.
const FIRST_YEAR: i16 = 1000;

/// Moves times.
#[derive(Debug, Clone, Copy)]
pub struct Shift(i64);

impl Shift {
    /// Moves this time to the beginning of 2020; what is below a second stays.
    pub fn of(began: Timestamp) -> Self {
        Self(BEGINNING - began.as_second())
    }

    /// The time, moved.
    pub fn timestamp(self, time: Timestamp) -> Timestamp {
        time.saturating_add(SignedDuration::from_secs(self.0)).unwrap_or(time)
    }

    /// Seconds since 1970, moved.
    pub const fn seconds(self, seconds: i64) -> i64 {
        seconds.saturating_add(self.0)
    }

    /// The time in the text that is nothing else, moved: as RFC 3339 writes it, with or without a zone, or as HTTP does.
    pub fn text(self, text: &str) -> Option<String> {
        if length(text) == Some(text.len()) {
            return self.moved(text);
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            // A form that nobody writes and the parser reads.
            return Some(self.timestamp(time).to_string());
        }
        let time = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.timestamp(time)).ok()
    }

    /// A text of the form that [`length`] finds.
    fn moved(self, text: &str) -> Option<String> {
        let (whole, rest) = text.split_at_checked("2026-11-23T08:00:00".len())?;
        let time: DateTime = whole.replace(' ', "T").to_uppercase().parse().ok()?;
        if time.year() < FIRST_YEAR {
            return Some(text.to_owned());
        }
        let moved = time.checked_add(SignedDuration::from_secs(self.0)).ok()?;
        let between = whole.chars().nth("2026-11-23".len()).unwrap_or('T');
        Some(format!("{}{rest}", moved.strftime(&format!("%Y-%m-%d{between}%H:%M:%S"))))
    }
}

/// How long the time is that the text begins with: `2026-11-23T08:00:00`, with a fraction and a zone if there are.
pub fn length(text: &str) -> Option<usize> {
    let (whole, rest) = text.split_at_checked("2026-11-23T08:00:00".len())?;
    let is_time = whole.chars().zip("dddd-dd-ddTdd:dd:dd".chars()).all(|(c, wanted)| match wanted {
        'd' => c.is_ascii_digit(),
        'T' => matches!(c, 'T' | 't' | ' '),
        other => c == other,
    });
    if !is_time {
        return None;
    }
    let fraction = match rest.strip_prefix('.') {
        Some(after) => 1 + after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len(),
        None => 0,
    };
    let zone = rest.get(fraction..).unwrap_or_default();
    let zone = if zone.starts_with(['Z', 'z']) {
        1
    } else if zone.get(..6).is_some_and(is_offset) {
        6
    } else {
        0
    };
    Some(whole.len() + fraction + zone)
}

fn is_offset(text: &str) -> bool {
    text.chars().zip("+dd:dd".chars()).all(|(c, wanted)| match wanted {
        'd' => c.is_ascii_digit(),
        '+' => matches!(c, '+' | '-'),
        other => c == other,
    })
}
