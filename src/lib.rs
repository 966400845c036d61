//! Watches the Microsoft Entra applications that Cisco Webex Control Hub depends on, and tells what drifted and what to
//! do about it.
//!
//! Read in this order: `api` (the custom resource), `domain` (what a look means), `graph` (how a tenant is read),
//! `controller` (the loop), `cli` (the commands).

pub mod api;
pub mod cli;
pub mod clock;
#[cfg(feature = "demo")]
pub mod control_plane;
pub mod controller;
pub mod domain;
#[cfg(feature = "demo")]
pub mod emulator;
pub mod graph;
pub mod ops;
