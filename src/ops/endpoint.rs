//! The sockets on which others read how it goes, and what they read of metrics.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{Router, http::header, response::IntoResponse, routing::get};
use http::{HeaderMap, StatusCode};
use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    registry::Registry,
};
use tokio::net::TcpListener;

use super::exposition::Form;

/// Name before all names.
pub const PREFIX: &str = "webex_azure_operator";

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on {address} for {purpose}")]
pub struct BindError {
    /// What for.
    pub purpose: &'static str,
    /// The address.
    pub address: SocketAddr,
    /// The cause.
    #[source]
    source: std::io::Error,
}

/// A socket that answers nothing yet.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
}

impl Endpoint {
    /// Takes the address for this purpose.
    pub async fn bind(address: SocketAddr, purpose: &'static str) -> Result<Self, BindError> {
        let listener = TcpListener::bind(address).await.map_err(|source| BindError { purpose, address, source })?;
        Ok(Self { listener })
    }

    /// The address that was taken.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Answers until it is dropped.
    pub async fn serve(self, router: Router) {
        // The listener is ours and its errors are retried inside; the result carries nothing.
        let _ = axum::serve(self.listener, router).await;
    }
}

/// What is counted: by the process for as long as it lives, and by the run that is under way, if one is.
#[derive(Debug, Clone)]
pub struct Metrics {
    process: Arc<Registry>,
    run: Arc<RwLock<Option<Registry>>>,
}

impl Metrics {
    /// What the process counts.
    pub fn new(process: Registry) -> Self {
        Self { process: Arc::new(process), run: Arc::default() }
    }

    /// Shows what a run counts until the answer is dropped.
    pub fn show(&self, run: Registry) -> Shown {
        self.set(Some(run));
        Shown(self.clone())
    }

    /// Answers `GET /metrics`.
    pub fn router(self) -> Router {
        Router::new().route("/metrics", get(move |headers: HeaderMap| async move { self.answer(&headers) }))
    }

    fn answer(&self, headers: &HeaderMap) -> impl IntoResponse + use<> {
        let form = Form::asked_for(headers);
        match self.text() {
            Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, form.content_type())], form.told(text)),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], String::new()),
        }
    }

    fn set(&self, run: Option<Registry>) {
        *self.run.write().unwrap_or_else(PoisonError::into_inner) = run;
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.process)?;
        if let Some(run) = &*self.run.read().unwrap_or_else(PoisonError::into_inner) {
            encode_registry(&mut text, run)?;
        }
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// What a run counts is shown as long as this lives.
#[derive(Debug)]
#[must_use]
pub struct Shown(Metrics);

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.set(None);
    }
}
