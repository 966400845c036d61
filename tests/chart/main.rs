//! The Helm chart: rendered by a real Helm, and installed by it into a real API server.

#![cfg(feature = "demo")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, outside of functions marked as tests"
)]

mod access;
mod cluster;
mod document;
mod helm;
mod installed;
mod monitoring;
mod network;
mod pod;
mod refused;
mod rules;
mod settings;
mod upgrade;
