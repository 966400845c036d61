//! What the process tells about itself: its log, how errors are written there, and its metrics.

pub mod endpoint;

use std::{error::Error as StdError, fmt::Write as _, io::IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people on a terminal, JSON elsewhere.
    Auto,
    /// One line of text per event.
    Text,
    /// One line of JSON per event.
    Json,
}

/// Starts the log on standard error. `filter` is a list of targets and levels, such as `info,webex_azure_operator=debug`.
pub fn start_log(format: LogFormat, filter: &str) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(filter)?;
    let is_terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let is_json = match format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    // A second start in one process keeps the first log.
    let _ =
        if is_json { builder.json().flatten_event(true).try_init() } else { builder.with_ansi(is_terminal).try_init() };
    Ok(())
}

/// The error and its causes in one line; a cause that its parent already quotes is left out.
pub fn chain(error: &dyn StdError) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !line.contains(&text) {
            // Writing to a String cannot fail.
            let _ = write!(line, ": {text}");
        }
        next = cause.source();
    }
    line
}
