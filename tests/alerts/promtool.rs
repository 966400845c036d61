//! Prometheus' own tool, which judges metrics and rules.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use crate::go;

/// Service discovery is left out, which is most of what it would be built from.
static PROGRAM: LazyLock<PathBuf> =
    LazyLock::new(|| go::built("alerts/promtool", "github.com/prometheus/prometheus/cmd/promtool", "remove_all_sd"));

/// What it says to these arguments and this standard input, from the folder of this test; fails the test if it is not
/// content.
pub fn content(arguments: &[&str], input: &str) -> String {
    let (is_content, said) = asked(arguments, input);
    assert!(is_content, "promtool {arguments:?}:\n{said}");
    said
}

/// Whether it is content, and all that it says.
pub fn asked(arguments: &[&str], input: &str) -> (bool, String) {
    let mut command = Command::new(PROGRAM.as_path());
    command.args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alerts"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may refuse before it has read everything; what it says then tells why.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (output.status.success(), said)
}
