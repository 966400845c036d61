//! Requests with something to protect, and the transport that sends them.

use std::error::Error as StdError;

use bytes::Bytes;
use http::{Method, Request, header};
use webex_azure_operator::graph::{
    HttpTransport, Transport as _, TransportError, TransportOptions,
    call::{Answer, CallError, call},
    transport::{Pings, Proxies},
};

use super::authority::Authority;

/// What nobody but the host may see.
pub const TOKEN: &str = "a-token-for-one-host-only";

/// The transport without a proxy, which trusts these authorities besides those of the platform.
pub fn transport(trusted: &[&Authority]) -> HttpTransport {
    transport_with(Proxies::None, trusted)
}

/// The same with proxies.
pub fn transport_with(proxies: Proxies, trusted: &[&Authority]) -> HttpTransport {
    let extra_roots = trusted.iter().map(|authority| authority.root()).collect();
    set_up(&TransportOptions { proxies, extra_roots, pings: Pings::PRODUCTION })
}

pub fn set_up(options: &TransportOptions) -> HttpTransport {
    // The first of several tests is the one that succeeds.
    let _ = rustls::crypto::ring::default_provider().install_default();
    HttpTransport::new(options).unwrap()
}

/// A read with a token, as Microsoft Graph gets it.
pub fn request(url: &str) -> Request<Bytes> {
    Request::builder()
        .uri(url)
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::ACCEPT, "application/json")
        .body(Bytes::new())
        .unwrap()
}

/// A request with something to protect in its body, as the token endpoint gets it.
pub fn post(url: &str) -> Request<Bytes> {
    let (mut head, _) = request(url).into_parts();
    head.method = Method::POST;
    Request::from_parts(head, Bytes::from(format!("client_secret={TOKEN}")))
}

pub async fn get(transport: &HttpTransport, url: &str) -> Result<Answer, CallError> {
    call(transport, request(url)).await
}

/// The failure of a request, which must be one.
pub async fn failure(transport: &HttpTransport, url: &str) -> TransportError {
    match transport.send(request(url)).await {
        Ok(answer) => panic!("{url} answered with {}", answer.status()),
        Err(error) => error,
    }
}

/// All that an error would tell: its sentences, those of its causes, and the debugging forms.
pub fn all_told(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(|error| format!("{error}\n{error:?}")).collect::<Vec<_>>().join("\n")
}
