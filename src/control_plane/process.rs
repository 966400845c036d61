//! One child process that cannot outlive its parent, and the end of its log.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use super::{Error, Tool};

/// Turns into the program, after it has left a watcher behind that reads a pipe of ours.
///
/// A line on the pipe says that the program has ended by our hand. The end of the pipe without a line means
/// that we are gone, however that came about: the watcher then kills the program and removes the folder.
/// `$$` is the program's process id, because `exec` keeps the one of the shell. The removal is repeated
/// because another program of the same folder may still be on its way out.
const GUARD: &str = r#"
folder=$1
shift
exec 3<&0 </dev/null
(
    read -r _ <&3 && exit
    kill -s KILL $$
    for _ in 1 2 3 4 5; do
        rm -rf -- "$folder" && exit
        sleep 1
    done
) >/dev/null 2>&1 &
exec "$@" 3<&-
"#;

/// How much of a log goes into an error.
const LOG_LINES: usize = 15;

/// A child in a process group of its own, so that Ctrl-C in a terminal reaches only us.
#[derive(Debug)]
pub(super) struct Process {
    tool: Tool,
    child: Child,
    pipe: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with `folder` as working directory; its output goes to a log file there.
    pub(super) fn start(tool: Tool, program: &Path, arguments: Vec<OsString>, folder: &Path) -> Result<Self, Error> {
        let log = folder.join(format!("{tool}.log"));
        let spawn = || {
            let output = File::create(&log)?;
            Command::new("/bin/sh")
                .args(["-c", GUARD, "guard"])
                .arg(folder)
                .arg(program)
                .args(arguments)
                .current_dir(folder)
                .stdin(Stdio::piped())
                .stderr(output.try_clone()?)
                .stdout(output)
                .process_group(0)
                .spawn()
        };
        let mut child = spawn().map_err(|source| Error::StartProcess { tool, source })?;
        Ok(Self { tool, pipe: child.stdin.take(), child, log })
    }

    /// How the process ended, if it did.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child.try_wait().map_err(|source| self.not_ended(source))
    }

    /// Kills the process and waits for it. Nothing it holds is worth a slower end.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.child.kill().and_then(|()| self.child.wait()).map_err(|source| self.not_ended(source))?;
        if let Some(mut pipe) = self.pipe.take() {
            // The watcher is already gone if somebody killed the whole process group.
            let _ = pipe.write_all(b"\n");
        }
        Ok(())
    }

    /// The whole log, as far as it is text.
    pub(super) fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines of the log.
    pub(super) fn log_end(&self) -> String {
        last_lines(&self.log(), LOG_LINES)
    }

    fn not_ended(&self, source: io::Error) -> Error {
        Error::EndProcess { tool: self.tool, source }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Without a caller nobody could be told; the watcher sees the pipe close and tries again.
        let _ = self.end();
    }
}

/// The last `count` lines of `text`.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let first = lines.len().saturating_sub(count);
    lines.get(first..).unwrap_or_default().join("\n")
}
