//! Clients that others published, unmodified and over https, against the emulator: what they saw is compared with what
//! is so. They find it under Microsoft's own names, through the proxy and the authority that their environment names.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

mod azidentity;
#[path = "../contract/check/witness.rs"]
mod contract;
mod directory;
#[path = "../support/go.rs"]
mod go;
mod program;
mod proxy;
mod scene;
mod tenant;
