//! The commands of a page of docs/, run as they stand there by a shell, with what they print.
//!
//! A command begins with `$ ` in a `console` block, and goes on in lines that begin with `> `, as a shell shows them; what
//! it prints is below it, where `…` stands for anything.

use std::path::Path;

use tokio::process::Command;

/// Stands between the outputs of two commands.
const END: char = '\u{1e}';

/// One command of a page and the lines below it.
#[derive(Debug, Clone, Default)]
pub struct Step {
    pub command: String,
    pub expected: String,
}

/// The commands in the page's `console` blocks.
pub fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_inside = line == "```console";
        } else if is_inside {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step { command: command.to_owned(), expected: String::new() });
                continue;
            }
            let step = steps.last_mut().expect("output follows a command");
            match line.strip_prefix("> ") {
                Some(more) => step.command = format!("{}\n{more}", step.command),
                None => step.expected = format!("{}{line}\n", step.expected),
            }
        }
    }
    steps
}

/// Runs them one after another in one bash, in this folder and with this environment only; each has to print what the
/// page says.
pub async fn follow(steps: &[Step], folder: &Path, environment: &[(&str, &str)]) {
    let commands: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
    let script = format!("{}\nprintf '{END}'\n", commands.join(&format!("\nprintf '{END}'\n")));
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).current_dir(folder).env_clear().envs(environment.iter().copied()).kill_on_drop(true);
    let output = shell.output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<&str> = printed.split_terminator(END).collect();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(printed.len(), steps.len(), "{printed:#?}\n{said}");
    for (Step { command, expected }, printed) in steps.iter().zip(printed) {
        let (expected, printed) = (expected.trim_end(), printed.trim_end());
        assert!(is_like(expected, printed), "$ {command}\n{printed}\nis not\n{expected}\n{said}");
    }
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

#[test]
fn a_command_may_take_more_than_one_line() {
    let page = "```console\n$ cat <<END\n> a\n> END\na\n$ true\n```\n";
    let steps: Vec<_> = steps(page).into_iter().map(|step| (step.command, step.expected)).collect();
    let expected = [("cat <<END\na\nEND", "a\n"), ("true", "")];
    assert_eq!(steps, expected.map(|(command, output)| (command.to_owned(), output.to_owned())));
}
