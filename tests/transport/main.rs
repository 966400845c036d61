//! The transport over real sockets of this machine: TLS, proxies, connections that break, and how many are used.
//!
//! A test whose name begins with a number is about the fault of that number. Every server counts and records what reaches
//! it, so that a fault that was arranged is seen to have happened, and so that what must not be sent is seen to be absent.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

mod answer;
mod authority;
mod connection;
mod liveness;
mod program;
mod proxy;
mod request;
mod server;
mod site;
mod tls;

use std::{collections::BTreeSet, path::Path};

/// Faults that are arranged here, by number.
const COVERED: [u8; 8] = [8, 10, 11, 14, 50, 51, 52, 53];

#[test]
fn the_list_of_covered_faults_is_what_the_tests_are_named_after() {
    let mut named = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transport")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for name in text.split("fn g").skip(1) {
            named.extend(name.split('_').next().unwrap().parse::<u8>());
        }
    }
    assert_eq!(named, BTreeSet::from(COVERED));
}
