//! The built program as a process of its own, and all that it says.

use std::{
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, Command},
    task::JoinSet,
};

use crate::scene::eventually;

/// What was read of a stream so far.
type Text = Arc<Mutex<Vec<u8>>>;

/// The running program.
pub struct Program {
    child: Child,
    out: Text,
    err: Text,
    readers: JoinSet<()>,
}

impl Program {
    /// Starts it in an empty environment but for what is given.
    pub fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_webex-azure-operator"));
        command.args(arguments).env_clear().envs(environment.iter().copied()).kill_on_drop(true);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (Text::default(), Text::default());
        let mut readers = JoinSet::new();
        readers.spawn(read(child.stdout.take().unwrap(), Arc::clone(&out)));
        readers.spawn(read(child.stderr.take().unwrap(), Arc::clone(&err)));
        Self { child, out, err, readers }
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        text(&self.err)
    }

    /// Waits until its log holds this, and tells what follows it in that line.
    pub async fn until_logged(&self, part: &str) -> String {
        let rest = || Some(self.log().split_once(part)?.1.lines().next()?.to_owned());
        eventually(&format!("{part:?} is in the log"), async || rest().is_some()).await;
        rest().unwrap()
    }

    /// Sends it this signal, such as `STOP`.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let told = Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap();
        assert!(told.success());
    }

    /// Tells it to stop; its standard output and its log.
    pub async fn stop(self) -> (String, String) {
        self.signal("TERM").await;
        self.ended().await
    }

    /// Waits until it has ended well; its standard output and its log.
    pub async fn ended(mut self) -> (String, String) {
        let ended = self.child.wait().await.unwrap();
        while self.readers.join_next().await.is_some() {}
        assert!(ended.success(), "{ended}: {}", text(&self.out));
        (text(&self.out), text(&self.err))
    }

    /// Waits until it has ended; its exit code, none if a signal ended it.
    pub async fn code(mut self) -> Option<i32> {
        self.child.wait().await.unwrap().code()
    }
}

async fn read(mut stream: impl AsyncRead + Unpin, into: Text) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..count]);
    }
}

fn text(of: &Text) -> String {
    String::from_utf8_lossy(&of.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}
