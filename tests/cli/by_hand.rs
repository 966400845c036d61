//! The commands of docs/emulator.md, run as they stand there by a shell, with what they print.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

const PAGE: &str = include_str!("../../docs/emulator.md");

/// Stands between the outputs of two commands.
const END: char = '\u{1e}';

/// One command of the page and the lines below it.
#[derive(Debug)]
struct Step {
    command: String,
    expected: String,
}

/// The commands in the page's `console` blocks.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_inside = line == "```console";
        } else if is_inside {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step { command: command.to_owned(), expected: String::new() });
            } else {
                let step = steps.last_mut().expect("output follows a command");
                step.expected = format!("{}{line}\n", step.expected);
            }
        }
    }
    steps
}

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

/// Whether the text is the pattern, where `…` stands for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = "";
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        (last, rest) = (part, rest.get(at + part.len()..).unwrap());
    }
    rest.is_empty() || (pattern.contains('…') && text.ends_with(last))
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    for (pattern, text) in [("a", "a"), ("…b", "aab"), ("a…", "a"), ("a…b…", "axbx"), ("…", ""), ("…ab", "abab")]
    {
        assert!(is_like(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [("a", "ab"), ("a", "ba"), ("…b", "ba"), ("a…b…c", "acb"), ("a…c", "ab")] {
        assert!(!is_like(pattern, text), "{pattern} {text}");
    }
}

#[tokio::test]
async fn the_page_about_the_emulator_tells_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let (starts, mut steps): (Vec<_>, Vec<_>) =
        steps(PAGE).into_iter().partition(|step| step.command.starts_with("webex-azure-operator emulate"));
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
    let commands: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
    let script = format!("{}\nprintf '{END}'\n", commands.join(&format!("\nprintf '{END}'\n")));
    let mut shell = Command::new("bash")
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(script.as_bytes()).await.unwrap();
    let output = shell.wait_with_output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<&str> = printed.split_terminator(END).collect();
    assert_eq!(printed.len(), steps.len(), "{printed:#?}");
    assert!(steps.iter().filter(|step| !step.expected.is_empty()).count() > 15, "the page is read to its end");
    for (Step { command, expected }, printed) in steps.iter().zip(printed) {
        let (expected, printed) = (expected.trim_end(), printed.trim_end());
        assert!(is_like(expected, printed), "$ {command}\n{printed}\nis not\n{expected}");
    }
}
