//! The program that holds the clients.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::go;

static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| go::built("clients", ".", ""));

/// Where the program is; the first call builds it.
pub fn program() -> &'static Path {
    &PROGRAM
}
