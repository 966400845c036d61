//! The built program on clusters that are not as it expects: no definition, an older one, a newer one, one that goes and
//! comes back, no rights, no way in. Each test has a control plane to itself, because a definition belongs to a cluster.
#![cfg(feature = "demo")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod begin;
#[path = "../contract/check/witness.rs"]
mod contract;
mod newer;
#[path = "../cluster/object.rs"]
#[expect(dead_code, reason = "some of it is for other tests")]
mod object;
mod older;
#[expect(dead_code, reason = "no test here ends the program by a signal")]
#[path = "../cluster/program.rs"]
mod program;
mod removed;
mod scene;
#[path = "../cluster/tenant.rs"]
#[expect(dead_code, reason = "some of it is for other tests")]
mod tenant;
