//! The loop: watches the objects, reads credentials, has tenants looked at, publishes what follows.
//!
//! Knows the Kubernetes API. What a look means is decided in `domain`; how a tenant is read is `graph`'s affair.

pub mod credential;
pub mod event;
pub mod lease;
pub mod metric;
pub mod pass;
pub mod publish;
pub mod queue;
pub mod run;
pub mod status_schema;
pub mod store;
pub mod trouble;
pub mod vital;
pub mod watch;

pub use run::{Controller, RunError, Settings};
pub use trouble::{ANSWER_WITHIN, Trouble, preflight};
pub use watch::Area;
