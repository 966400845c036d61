//! Standard output and standard error.

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

/// Prints a line of data.
pub fn line(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")
}

/// Prints data that ends in a line break by itself.
pub fn text(text: &str) -> std::io::Result<()> {
    write!(std::io::stdout().lock(), "{text}")
}

/// Says something to the person at the terminal; if nobody is there, nothing is lost.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Tells a person at the terminal how far a task of several parts has come.
pub fn progress(number: usize, total: usize, what: &str) {
    if total > 1 && std::io::stderr().is_terminal() {
        say(&format!("{number} of {total}: {what}"));
    }
}

/// Prints an error with its causes and gives the exit status that goes with it. A closed pipe is no error: whoever
/// read had enough.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe);
    if broken_pipe {
        return ExitCode::SUCCESS;
    }
    say(&format!("error: {}", crate::ops::chain(error.as_ref())));
    ExitCode::from(1)
}

/// Indented and broken at 100 characters; links and commands stay whole, so that they can be copied.
pub fn wrapped(sentence: &str) -> String {
    const WIDTH: usize = 100;
    let mut lines = vec![String::from(" ")];
    for word in sentence.split(' ') {
        let fits = lines
            .last()
            .is_some_and(|line| line.chars().count() + 1 + word.chars().count() <= WIDTH || line.trim().is_empty());
        if !fits {
            lines.push(String::from(" "));
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n")
}
