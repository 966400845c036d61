//! Holds each answer of an emulator against Microsoft's own description of Microsoft Graph.
//!
//! Every test that makes an [`Emulator`] calls [`watch`] and keeps what it gets: an answer that is not as described
//! fails the test, at the latest when that goes out of scope. Other test binaries take this file in by its path.

pub mod answer;
pub mod batch;
pub mod correction;
pub mod description;
pub mod example;
pub mod memory;
pub mod operation;
pub mod outside;

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{Request, Response, header};
use webex_azure_operator::emulator::Emulator;

/// What was found in the answers of one emulator.
#[derive(Debug)]
pub struct Contract(Arc<Mutex<Vec<String>>>);

/// Watches all answers of this emulator from now on.
///
/// The emulator may be inside of a server, whose tasks survive a panic, or of a program that contains panics. So
/// nothing panics here: what is found goes to standard error, past any capture, and into the [`Contract`].
pub fn watch(emulator: &mut Emulator) -> Contract {
    let found = Arc::new(Mutex::new(Vec::new()));
    let contract = Contract(Arc::clone(&found));
    emulator.witnessed_by(move |request, response| see(&found, request, response));
    contract
}

fn see(found: &Arc<Mutex<Vec<String>>>, request: &Request<Bytes>, response: &Response<Bytes>) {
    let request = &plain(request);
    let shapes = memory::shapes(request, response);
    if memory::knows(&shapes) {
        return;
    }
    let judgement = batch::judge(request, response);
    if judgement.findings.is_empty() {
        return memory::learn(&shapes);
    }
    for finding in judgement.findings {
        let text = format!("an answer of the emulator is not as Microsoft describes it: {finding}");
        // If nobody reads it, the exit status has to tell.
        let _ = writeln!(std::io::stderr(), "{text}");
        if Arc::strong_count(found) == 1 {
            std::process::abort();
        }
        found.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }
}

/// The request as it was before its client compressed it.
fn plain(request: &Request<Bytes>) -> Request<Bytes> {
    let mut request = request.clone();
    if request.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip") {
        let mut body = Vec::new();
        // One that is cut short is answered as what it is.
        if GzDecoder::new(request.body().as_ref()).read_to_end(&mut body).is_ok() {
            *request.body_mut() = body.into();
        }
    }
    request
}

impl Contract {
    /// What was found since this was asked last.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fails the test if anything was found. It stays found, in case something contains the panic.
    pub fn check(&self) {
        let found = self.take();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(found.iter().cloned());
        let corrections = description::description().corrected.len();
        assert!(
            found.is_empty(),
            "{}\n\n(The description is taken with {corrections} corrections; `cargo test --test contract` prints them.)",
            found.join("\n\n")
        );
    }
}

impl Drop for Contract {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check();
        }
    }
}
