//! The log of one history: virtual time, who, what.

use jiff::Timestamp;

/// What happened, in order.
#[derive(Default)]
pub struct Journal {
    lines: Vec<String>,
}

impl Journal {
    /// Writes a line down.
    pub fn note(&mut self, now: Timestamp, actor: &str, what: &str) {
        self.lines.push(format!("{} {actor:<8} {what}", now.strftime("%d %H:%M:%S%.3f")));
    }

    /// The whole log.
    pub fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }
}

/// A short fingerprint of bytes, the same in every process: two logs that agree in it agree in what was sent.
pub fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
