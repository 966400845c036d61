//! The emulator's answers against Microsoft's own OpenAPI description and the documented examples.

#![cfg(feature = "demo")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first surprise"
)]

#[path = "check/witness.rs"]
mod check;
mod exercise;
mod published;
mod teeth;
mod watching;

/// Past the capture of the test harness: figures are read when all is well.
fn tell(line: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "contract: {line}"));
}
