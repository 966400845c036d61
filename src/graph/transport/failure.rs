//! What a failure of the HTTP client was about.

use std::error::Error as StdError;

use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
use tower::Service;

use super::{BoxError, TransportError};

/// What reqwest's connector fails with while it asks a proxy for a tunnel. The type has no public name; it is what the
/// service that opens tunnels declares as its error.
type TunnelError = <Tunnel<HttpConnector> as Service<http::Uri>>::Error;

/// The failure of a request to this host.
pub fn told(host: &str, error: reqwest::Error) -> TransportError {
    let is_connecting = error.is_connect();
    // The URL may carry an identifier of the tenant; the host is enough to act on.
    let source = error.without_url();
    // A proxy that speaks TLS may fail in that, which is not the host's fault: the proxy is looked for first.
    let is_tunnel = causes(&source).any(<dyn StdError>::is::<TunnelError>);
    // After the connection stands, an alert is no longer about who the other side is, and something was sent.
    let is_tls = is_connecting && causes(&source).any(<dyn StdError>::is::<rustls::Error>);
    let host = host.to_owned();
    let source: BoxError = source.into();
    if is_tunnel {
        TransportError::Proxy { host, source }
    } else if is_tls {
        TransportError::Tls { host, source }
    } else {
        TransportError::Connection { host, source }
    }
}

/// The error itself and what caused it, from the outside inwards.
pub fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    // An I/O error keeps what it wraps apart from its source.
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}
