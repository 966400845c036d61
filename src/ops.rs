//! What the process tells about itself: its log, how errors are written there, and its metrics.

pub mod endpoint;
mod exposition;
pub mod health;
mod process;

pub use process::register_process;

use std::{error::Error as StdError, fmt::Write as _, io::IsTerminal as _};

use kube::core::Status;
use tracing::{Metadata, Subscriber, error};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::filter_fn,
    layer::SubscriberExt as _,
    registry::{LookupSpan, Registry},
    util::SubscriberInitExt as _,
};

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

impl LogFormat {
    /// Whether each event is a line of JSON.
    pub fn is_json(self) -> bool {
        match self {
            Self::Auto => !std::io::stderr().is_terminal(),
            Self::Text => false,
            Self::Json => true,
        }
    }
}

/// Where kube's client logs whole answers of the Kubernetes API, such as a Secret that it could not read: as a warning, so
/// that no ordinary level keeps it out. What went wrong reaches our own log by the error that it returns.
/// <https://github.com/kube-rs/kube/blob/main/kube-client/src/client/mod.rs>
const PRINTS_ANSWERS: &str = "kube_client::client";

/// Starts the log on standard error. `filter` is a list of targets and levels, such as `info,webex_azure_operator=debug`;
/// what might hold a secret stays out whatever it says.
pub fn start_log(format: LogFormat, filter: &str) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(filter)?;
    let is_terminal = std::io::stderr().is_terminal();
    let is_json = format.is_json();
    let log = Registry::default().with(lines(is_json, is_terminal)).with(filter).with(filter_fn(is_harmless));
    // A second start in one process keeps the first log.
    if log.try_init().is_ok() && is_json {
        // What reads JSON stumbles over the lines that a panic prints by itself.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(tracing::field::display);
            error!(place, "panicked: {}", panic.payload_as_str().unwrap_or("without a message"));
        }));
    }
    Ok(())
}

fn is_harmless(event: &Metadata<'_>) -> bool {
    event.target() != PRINTS_ANSWERS
}

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(is_json: bool, is_terminal: bool) -> Box<dyn Layer<S> + Send + Sync> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if is_json { lines.json().flatten_event(true).boxed() } else { lines.with_ansi(is_terminal).boxed() }
}

/// The error and its causes in one line; a cause that its parent already quotes is left out.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut line = words(error);
    let mut next = cause_of(error);
    while let Some(cause) = next {
        let text = words(cause);
        if !line.contains(&text) {
            // Writing to a String cannot fail.
            let _ = write!(line, ": {text}");
        }
        next = cause_of(cause);
    }
    line
}

/// What the error says itself. An answer of the Kubernetes API is its message and code: as an error of the client it would
/// be followed by all its fields.
fn words(error: &(dyn StdError + 'static)) -> String {
    match answer(error) {
        Some(status) => format!("{} ({})", status.message.trim(), status.code),
        None => error.to_string(),
    }
}

fn cause_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    if answer(error).is_some() { None } else { error.source() }
}

fn answer<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Status> {
    let boxed = error.downcast_ref::<Box<kube::Error>>().map(AsRef::as_ref);
    let error = boxed.or_else(|| error.downcast_ref::<kube::Error>())?;
    if let kube::Error::Api(status) = error { Some(status) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_kubernetes_api_is_told_in_its_words_and_no_others() {
        #[derive(Debug, thiserror::Error)]
        #[error("could not read the object webex/contoso")]
        struct Failed(#[source] Box<kube::Error>);

        let status = Status::failure("nobody may read it", "Forbidden").with_code(403).boxed();
        let error = Failed(Box::new(kube::Error::Api(status)));
        assert_eq!(chain(&error), "could not read the object webex/contoso: nobody may read it (403)");
    }
}
