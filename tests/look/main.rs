//! One look at a tenant, through `Graph::look` and a transport of the test, in virtual time: what is asked, what is made
//! of every kind of answer, and that nothing is ever taken for an answer that is none.
//!
//! A test whose name begins with a number is about the fault of that number; the seam sees to it that a fault that was
//! arranged really happened.

#![cfg(feature = "demo")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise"
)]

mod assigned;
mod audit;
mod batch;
mod body;
mod canary;
mod challenge;
#[path = "../contract/check/witness.rs"]
mod contract;
mod credential;
mod discovery;
mod documented;
mod fixture;
mod identity;
mod item;
mod job;
mod list;
mod pause;
mod property;
mod refusal;
mod registration;
mod resource;
mod seam;
mod tenant;
mod token;
mod trail;
mod transcript;
mod unknown;
mod wire;

use std::{collections::BTreeSet, path::Path};

/// Faults of Microsoft Graph and of the token endpoint that are arranged here, by number.
const COVERED: [u8; 41] = [
    1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 26, 28, 29, 31, 32, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 54,
];

/// Faults below the seam `Transport`, of which only what comes out of it is arranged here.
/// tests/transport arranges them over real sockets.
const COVERED_ABOVE_THE_SEAM: [u8; 4] = [50, 51, 52, 53];

/// Faults of the list that are none of this client's: of writes (9, 23, 33, 55, 56), of delta queries, which are not made
/// (21, 22), and of verdicts over several looks, which tests/verdict has (24, 25, 27, 30).
const NOT_OF_THE_CLIENT: [u8; 11] = [9, 21, 22, 23, 24, 25, 27, 30, 33, 55, 56];

#[test]
fn the_list_of_covered_faults_is_what_the_tests_are_named_after() {
    let mut named = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/look")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for name in text.split("fn g").skip(1) {
            named.extend(name.split('_').next().unwrap().parse::<u8>());
        }
    }
    let listed: BTreeSet<u8> = COVERED.into_iter().chain(COVERED_ABOVE_THE_SEAM).collect();
    assert_eq!(named, listed);
    let all: BTreeSet<u8> = (1..=56).collect();
    let others: BTreeSet<u8> = NOT_OF_THE_CLIENT.into();
    let of_the_client: BTreeSet<u8> = all.difference(&others).copied().collect();
    assert_eq!(listed, of_the_client, "every fault that concerns the client is arranged");
    println!("faults of the client: {} covered / {} ", listed.len(), of_the_client.len());
}
