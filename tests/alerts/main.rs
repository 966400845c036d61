//! What an on-call person gets: metrics as the built program exposes them, the alerts and the dashboard that are made of
//! them, and the pages that explain them. Prometheus' own tool says whether they are right.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

#[path = "../contract/check/witness.rs"]
mod contract;
mod dashboard;
mod exposition;
#[path = "../support/go.rs"]
mod go;
mod metric;
#[path = "../cluster/object.rs"]
#[expect(dead_code, reason = "tests/cluster uses more of it")]
mod object;
mod page;
#[path = "../cluster/program.rs"]
#[expect(dead_code, reason = "tests/cluster uses more of it")]
mod program;
mod promql;
mod promtool;
mod rule;
mod scene;
#[path = "../cluster/tenant.rs"]
#[expect(dead_code, reason = "tests/cluster uses more of it")]
mod tenant;
