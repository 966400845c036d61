//! The emulator against the documentation it was written from: one claim per test, through its two front doors.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

mod application;
mod application_template;
mod arbitrary;
mod assigned;
mod audit;
mod bad_input;
mod batch;
mod certificate;
mod challenge;
mod cloud;
mod compression;
mod consent;
#[path = "../contract/check/witness.rs"]
mod contract;
mod control;
mod delay;
mod deleted_item;
mod delta;
mod discovery;
mod documented;
mod expand;
mod federated_identity_credential;
mod federation;
mod key_credential;
mod limit;
mod owner;
mod paging;
mod permission;
mod provisioning_log;
mod quarantine;
mod query;
mod resource_manager;
mod search;
mod server;
mod service_principal;
mod signer;
mod synchronization;
mod throttle;
mod token;
mod token_signing;
mod unknown;
