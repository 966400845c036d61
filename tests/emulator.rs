//! The emulator against the documentation it was written from: one claim per test, through its two front doors.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

#[path = "emulator/application.rs"]
mod application;
#[path = "emulator/audit.rs"]
mod audit;
#[path = "emulator/batch.rs"]
mod batch;
#[path = "emulator/cloud.rs"]
mod cloud;
#[path = "emulator/consent.rs"]
mod consent;
#[path = "emulator/control.rs"]
mod control;
#[path = "emulator/delay.rs"]
mod delay;
#[path = "emulator/deleted_item.rs"]
mod deleted_item;
#[path = "emulator/documented.rs"]
mod documented;
#[path = "emulator/permission.rs"]
mod permission;
#[path = "emulator/query.rs"]
mod query;
#[path = "emulator/server.rs"]
mod server;
#[path = "emulator/service_principal.rs"]
mod service_principal;
#[path = "emulator/token.rs"]
mod token;
