//! The commands of docs/emulator.md, run as they stand there by a shell, with what they print.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::page;

const PAGE: &str = include_str!("../../docs/emulator.md");

/// An emulator that was started as the page says, but on free ports.
struct Started {
    _child: Child,
    /// Kept open: a program whose output nobody takes ends.
    _out: Lines<BufReader<ChildStdout>>,
    /// Addresses of the page, and those in use.
    addresses: Vec<(String, String)>,
}

/// Starts an emulator in this folder, and reads where it listens.
async fn start(command: &str, folder: &std::path::Path) -> Started {
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    let is_address = |word: &&&str| word.starts_with("127.0.0.1:");
    let documented: Vec<String> = words.iter().filter(is_address).map(|word| (*word).to_owned()).collect();
    let words = words.iter().map(|word| if is_address(&word) { "127.0.0.1:0" } else { *word });
    let mut child = Command::new(env!("CARGO_BIN_EXE_webex-azure-operator"))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut actual = Vec::new();
    while actual.len() < documented.len() {
        let line = lines.next_line().await.unwrap().expect("the emulator prints both addresses");
        actual.extend(line.split_once("://").map(|(_, address)| address.to_owned()));
    }
    Started { _child: child, _out: lines, addresses: documented.into_iter().zip(actual).collect() }
}

#[tokio::test]
async fn the_page_about_the_emulator_tells_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let (starts, mut steps): (Vec<_>, Vec<_>) =
        page::steps(PAGE).into_iter().partition(|step| step.command.starts_with("webex-azure-operator emulate"));
    let mut running = Vec::new();
    for step in &starts {
        running.push(start(&step.command, folder.path()).await);
    }
    for (documented, actual) in running.iter().flat_map(|started| &started.addresses) {
        for step in &mut steps {
            step.command = step.command.replace(documented, actual);
            step.expected = step.expected.replace(documented, actual);
        }
    }
    assert!(steps.iter().filter(|step| !step.expected.is_empty()).count() > 15, "the page is read to its end");
    page::follow(&steps, folder.path(), &[("PATH", "/usr/local/bin:/usr/bin:/bin")]).await;
}
