//! Builds one program from its published Go module, once for all processes that share the folder.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256};
use tokio::process::Command;

use super::process::last_lines;
use super::tool::{GO_MOD, GO_SUM, needed_go};
use super::{Error, Progress, Tool};

/// Builds take minutes, so a waiting process loses nothing by looking this seldom.
const LOCK_EVERY: Duration = Duration::from_millis(200);
/// How much of what Go says goes into an error.
const OUTPUT_LINES: usize = 20;
/// The same binary from every place, and no look at a repository the folder may be in.
const BUILD_FLAGS: [&str; 2] = ["-trimpath", "-buildvcs=false"];
/// What a user's settings must not change. `GOFLAGS` has its default value spelled out, because an empty one
/// lets the file of `go env -w` speak. Proxies and checksum databases stay as the user set them.
const BUILD_ENVIRONMENT: [(&str, &str); 5] = [
    ("CGO_ENABLED", "0"),
    ("GO111MODULE", "on"),
    ("GOFLAGS", "-mod=readonly"),
    ("GOTOOLCHAIN", "local"),
    ("GOWORK", "off"),
];
/// A program for another machine would not run here.
const UNWANTED_ENVIRONMENT: [&str; 2] = ["GOOS", "GOARCH"];

/// The program's file in `dir`, built if it is absent or if its stamp differs from the pins.
pub(super) async fn built(tool: Tool, dir: &Path, go: &Path, progress: Progress<'_>) -> Result<PathBuf, Error> {
    let dir = std::path::absolute(dir).map_err(at(tool, dir))?;
    let places = Places::new(tool, &dir);
    if places.is_current() {
        return Ok(places.program);
    }
    std::fs::create_dir_all(&places.module).map_err(at(tool, &places.module))?;
    let _lock = lock(tool, &dir.join("lock"), progress).await?;
    if places.is_current() {
        return Ok(places.program); // the process that held the lock built it
    }
    check_go(tool, go).await?;
    progress(&format!(
        "Building {tool} {} from its published module; once, {} on 2 cores",
        tool.version(),
        tool.build_time()
    ));
    places.build(go).await?;
    Ok(places.program)
}

/// The files of one program.
struct Places {
    tool: Tool,
    program: PathBuf,
    unfinished: PathBuf,
    stamp: PathBuf,
    module: PathBuf,
    expected_stamp: String,
}

impl Places {
    fn new(tool: Tool, dir: &Path) -> Self {
        Self {
            tool,
            program: dir.join(tool.name()),
            unfinished: dir.join(format!("{tool}.unfinished")),
            stamp: dir.join(format!("{tool}.stamp")),
            module: dir.join("module"),
            expected_stamp: stamp(tool),
        }
    }

    fn is_current(&self) -> bool {
        let stamp = std::fs::read_to_string(&self.stamp);
        stamp.is_ok_and(|stamp| stamp == self.expected_stamp) && self.program.is_file()
    }

    /// The stamp goes first and comes last, so that it never vouches for another binary.
    async fn build(&self, go: &Path) -> Result<(), Error> {
        let tool = self.tool;
        for (name, text) in [("go.mod", GO_MOD), ("go.sum", GO_SUM)] {
            let path = self.module.join(name);
            std::fs::write(&path, text).map_err(at(tool, &path))?;
        }
        remove(&self.stamp).map_err(at(tool, &self.stamp))?;
        self.go_build(go).await?;
        std::fs::rename(&self.unfinished, &self.program).map_err(at(tool, &self.program))?;
        std::fs::write(&self.stamp, &self.expected_stamp).map_err(at(tool, &self.stamp))
    }

    async fn go_build(&self, go: &Path) -> Result<(), Error> {
        let tool = self.tool;
        let output = go_command(go)
            .arg("build")
            .args(BUILD_FLAGS)
            .args(["-ldflags", &tool.link_flags(), "-o"])
            .arg(&self.unfinished)
            .arg(tool.package())
            .current_dir(&self.module)
            .output()
            .await
            .map_err(|source| no_go(tool, go, source))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::Build { tool, output: last_lines(&said, OUTPUT_LINES) })
    }
}

/// Hashes everything of ours that decides what the binary is.
fn stamp(tool: Tool) -> String {
    let mut context = Context::new(&SHA256);
    let link_flags = tool.link_flags();
    let environment = BUILD_ENVIRONMENT.iter().flat_map(|(name, value)| [*name, *value]);
    for part in [GO_MOD, GO_SUM, tool.package(), &link_flags].into_iter().chain(BUILD_FLAGS).chain(environment) {
        context.update(part.as_bytes());
        context.update(b"\0");
    }
    let mut text = URL_SAFE_NO_PAD.encode(context.finish());
    text.push('\n');
    text
}

/// Held until the file is dropped or the process ends. The lock is asked for again and again instead of
/// waited for in a thread: a runtime that shuts down would have to wait for that thread.
async fn lock(tool: Tool, path: &Path, progress: Progress<'_>) -> Result<File, Error> {
    let failed = |source| Error::LockBuilds { tool, path: path.to_owned(), source };
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    let mut ticks = tokio::time::interval(LOCK_EVERY);
    let mut has_told = false;
    loop {
        ticks.tick().await;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if has_told => {}
            Err(TryLockError::WouldBlock) => {
                progress(&format!("Waiting for another process that builds before {tool} can be"));
                has_told = true;
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

async fn check_go(tool: Tool, go: &Path) -> Result<(), Error> {
    let output = go_command(go).arg("version").output().await.map_err(|source| no_go(tool, go, source))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let Some(found) = said.split_whitespace().find_map(|word| word.strip_prefix("go1.")) else {
        return Ok(()); // a Go of its own kind: go build will tell
    };
    let found = format!("1.{found}");
    if version_numbers(&found) < version_numbers(needed_go()) {
        let needed = needed_go();
        return Err(Error::OldGo { tool, found, needed });
    }
    Ok(())
}

fn no_go(tool: Tool, go: &Path, source: io::Error) -> Error {
    Error::FindGo { go: go.to_owned(), tool, needed: needed_go(), source }
}

fn go_command(go: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(go);
    command.envs(BUILD_ENVIRONMENT).stdin(Stdio::null()).kill_on_drop(true);
    for name in UNWANTED_ENVIRONMENT {
        command.env_remove(name);
    }
    command
}

/// `1.26.8` and `1.27rc1` as numbers; what follows the digits of a part does not count.
fn version_numbers(version: &str) -> Vec<u32> {
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    version.split('.').map(|part| digits(part).parse().unwrap_or(0)).collect()
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn at(tool: Tool, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::PrepareBuild { tool, path, source }
}
