//! The chart installed by real Helm into a cluster that runs pods, and the built program run from what it rendered: with
//! its arguments and environment, as its user, in a read-only root of its own, and with the token of the chart's service
//! account and nothing else.
//!
//! kwok says of each pod that it is ready and runs nothing; these tests are the kubelet that does run it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod audit;
#[path = "../contract/check/witness.rs"]
mod contract;
mod kubelet;
#[path = "../cluster/object.rs"]
#[expect(dead_code, reason = "tests/cluster uses more of it")]
mod object;
#[path = "../support/page.rs"]
mod page;
mod release;
mod sandbox;
mod site;
mod start_page;
mod story;
#[path = "../cluster/tenant.rs"]
#[expect(dead_code, reason = "tests/cluster uses more of it")]
mod tenant;
