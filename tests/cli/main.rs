//! The commands as a person runs them: the built program, its output, its exit status.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, reason = "a broken fixture ends the test")]

mod by_hand;
#[path = "../contract/check/witness.rs"]
mod contract;
mod diagnose;
mod explain;
mod other;
#[path = "../support/page.rs"]
mod page;
mod plan;
mod program;
mod record;
