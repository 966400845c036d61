//! Whole histories: the real loop and the real look between two simulated HTTP seams, in virtual time, one seed each.
//!
//! `SIM_SEED=123 cargo test --test sim -- --nocapture` runs one history and prints its log.

#![cfg(feature = "demo")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a simulation stops at the first surprise and tells what it saw"
)]

mod act;
mod api_server;
mod campaign;
mod check;
#[path = "../contract/check/witness.rs"]
mod contract;
mod deed;
mod dice;
mod fault;
mod graph_seam;
mod history;
mod journal;
mod keeper;
mod kube_seam;
mod living;
mod monitor;
mod oracle;
mod person;
mod spec;
mod tenant;
mod truth;
mod world;
