//! The seam under everything that speaks to Microsoft: one request in, one response with a streamed body out.

mod client;
mod direct;
mod failure;
mod opening;
mod root;

use std::{error::Error as StdError, fmt, sync::Arc};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::combinators::UnsyncBoxBody;

pub use client::{HttpTransport, Pings, Proxies, SetUpError, TransportOptions};
pub use failure::causes;
pub use root::{RootsError, roots_from_pem};

/// A cause that this crate does not look into.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A response's body, as it arrives.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// A body that broke off.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
pub struct BodyError(#[source] pub BoxError);

/// Carries one request to the other side.
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends the request and resolves when the response's head is there.
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<http::Response<Body>, TransportError>>;
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<http::Response<Body>, TransportError>> {
        (**self).send(request)
    }
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The other side did not prove over TLS that it is the host, so nothing of the request was sent.
    #[error("{host} did not prove who it is")]
    Tls {
        /// The host that was called.
        host: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The proxy did not open a way to the host, so nothing of the request was sent.
    #[error("the proxy opened no way to {host}")]
    Proxy {
        /// The host that was called, not the proxy's.
        host: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The connection could not be made, or broke.
    #[error("no answer from {host}")]
    Connection {
        /// The host that was called.
        host: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
}
