//! The program that holds the clients: built once for all tests, from the versions that its module pins.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// What a user's settings must not change, as when the programs of the control plane are built.
const BUILD_ENVIRONMENT: [(&str, &str); 5] = [
    ("CGO_ENABLED", "0"),
    ("GO111MODULE", "on"),
    ("GOFLAGS", "-mod=readonly"),
    ("GOTOOLCHAIN", "local"),
    ("GOWORK", "off"),
];

static PROGRAM: LazyLock<PathBuf> = LazyLock::new(build);

/// Where the program is. The first call builds it, which takes a minute or two the first time, and no time afterwards:
/// Go keeps a cache of its own. Without Go, or without what the module names, the tests fail.
pub fn program() -> &'static Path {
    &PROGRAM
}

fn build() -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    let output = Command::new("go")
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o"])
        .args([program.as_os_str(), ".".as_ref()])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients"))
        .envs(BUILD_ENVIRONMENT)
        .env_remove("GOOS")
        .env_remove("GOARCH")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("the clients of tests/clients need Go to be built: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the clients could not be built; their go.mod says which Go they need:\n{said}");
    program
}
