//! Programs in Go that tests drive: each built once for all tests of a process, from the versions that its module pins.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a user's settings must not change, as when the programs of the control plane are built.
const BUILD_ENVIRONMENT: [(&str, &str); 5] = [
    ("CGO_ENABLED", "0"),
    ("GO111MODULE", "on"),
    ("GOFLAGS", "-mod=readonly"),
    ("GOTOOLCHAIN", "local"),
    ("GOWORK", "off"),
];

/// The file of the program that this package of the module in `folder` (below `tests`) becomes, with these build tags.
///
/// It takes a minute or two the first time and no time afterwards, because Go keeps a cache of its own. Without Go, or
/// without what the module names, the test fails.
pub fn built(folder: &str, package: &str, tags: &str) -> PathBuf {
    let name = folder.replace('/', "-");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
    let output = Command::new("go")
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-tags", tags, "-o"])
        .args([program.as_os_str(), package.as_ref()])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder))
        .envs(BUILD_ENVIRONMENT)
        .env_remove("GOOS")
        .env_remove("GOARCH")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("tests/{folder} needs Go to be built: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/{folder} could not be built; its go.mod says which Go it needs:\n{said}");
    program
}
