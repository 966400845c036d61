//! The seam under everything that speaks to Microsoft: one request in, one response with a streamed body out.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};

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
    /// The other side's certificate was not accepted.
    #[error("the certificate of {host} was not accepted")]
    Tls {
        /// The host that was called.
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

/// Longest time to make a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections that are kept per host.
const IDLE_PER_HOST: usize = 8;

/// The real thing: reqwest with the platform's trust store, no redirects, no decompression.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("could not set up the HTTP client")]
pub struct SetUpError(#[source] reqwest::Error);

impl HttpTransport {
    /// Sets up the client. A server on this machine (the emulator) is never reached through a proxy.
    pub fn new(bypasses_proxy: bool) -> Result<Self, SetUpError> {
        let builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .user_agent(concat!("webex-azure-operator/", env!("CARGO_PKG_VERSION")));
        let builder = if bypasses_proxy { builder.no_proxy() } else { builder };
        builder.build().map(|client| Self { client }).map_err(SetUpError)
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<http::Response<Body>, TransportError>> {
        let client = self.client.clone();
        Box::pin(async move {
            let host = request.uri().host().unwrap_or_default().to_owned();
            let failed = |error: reqwest::Error| {
                // The URL may carry an identifier of the tenant; the host is enough to act on.
                let source = error.without_url();
                let is_tls = chain(&source).any(<dyn StdError>::is::<rustls::Error>);
                let source: BoxError = source.into();
                if is_tls {
                    TransportError::Tls { host: host.clone(), source }
                } else {
                    TransportError::Connection { host: host.clone(), source }
                }
            };
            let request = reqwest::Request::try_from(request).map_err(failed)?;
            let response: http::Response<reqwest::Body> = client.execute(request).await.map_err(failed)?.into();
            Ok(response.map(|body| body.map_err(|error| BodyError(error.into())).boxed_unsync()))
        })
    }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    // An I/O error keeps what it wraps apart from its source.
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}
