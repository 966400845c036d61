//! One look at a tenant, through `Graph::look` and a transport of the test, in virtual time: what is asked, what is made
//! of every kind of answer, and that nothing is ever taken for an answer that is none.
//!
//! A test whose name begins with a number is about the fault of that number; the seam sees to it that a fault that was
//! arranged really happened.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

mod batch;
mod body;
mod documented;
mod fixture;
mod item;
mod list;
mod pause;
mod refusal;
mod seam;
mod tenant;
mod token;
mod wire;

use std::{collections::BTreeSet, path::Path};

/// Faults of Microsoft Graph and of the token endpoint that are arranged here, by number.
const COVERED: [u8; 32] = [
    1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 26, 28, 29, 31, 32, 34, 35, 39, 42, 43, 44, 46,
    47,
];

/// Faults below the seam `Transport`, of which only what comes out of it is arranged here.
const COVERED_ABOVE_THE_SEAM: [u8; 4] = [50, 51, 53, 54];

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
}
