//! Files of the repository: read, and rewritten where they are made from something else.

use std::{fs, path::PathBuf};

/// A file or folder below the root of the repository.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What stands in the file.
pub fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Fails if the file is not as it is made; `UPDATE=1` makes it so.
#[expect(clippy::disallowed_methods, reason = "the switch that rewrites files is not an argument of the test runner")]
pub fn check(name: &str, expected: &str) {
    if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        fs::write(path(name), expected).unwrap();
    }
    let found = fs::read_to_string(path(name)).unwrap_or_default();
    assert!(found == expected, "{name} is stale: run UPDATE=1 cargo test --test gitops and commit it");
}
