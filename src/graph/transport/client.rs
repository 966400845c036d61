//! The real thing: reqwest with its limits, once with proxies and once without.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::BodyExt as _;
use reqwest::{Certificate, Client, ClientBuilder, Proxy, redirect, tls};
use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Body, BodyError, Transport, TransportError, direct, failure, opening::Openings};
use crate::clock::Clock;

/// Longest time to make a connection: name, TCP, proxy and TLS. Shorter than a look waits for the head of an answer, so
/// that a host that drops packets is told as one that cannot be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections that are kept per host. As many as looks run side by side by default: over HTTP/1.1 each of them has
/// a connection of its own, and with fewer every burst would make new ones. Over HTTP/2 there is one.
const IDLE_PER_HOST: usize = 32;

/// How long a connection is kept that carries nothing. Longer than the minute between two looks at one tenant, and well
/// below the four minutes after which the load balancers of Azure forget a silent connection.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// How often the kernel asks a silent peer whether it is there, which is all that notices a dead HTTP/1.1 connection.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// How long sent bytes may stay unacknowledged. Without it, Linux tries for a quarter of an hour.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// How a dead HTTP/2 connection is noticed. Requests share one connection, so that all of them would fail in turn on
/// one that some device on the way has forgotten, until the kernel gives it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pings {
    /// How long nothing may arrive before the other side is asked whether it is there.
    pub after: Duration,
    /// How long its answer may take before the connection is given up.
    pub timeout: Duration,
}

impl Pings {
    /// A dead connection is gone after 25 seconds, which is before the next look at a tenant that just failed; a live one
    /// that is idle costs six small frames before it is closed.
    pub const PRODUCTION: Self = Self { after: Duration::from_secs(15), timeout: Duration::from_secs(10) };
}

/// Which proxies are used, except for this machine and its metadata service: those are never asked through one.
#[derive(Debug, Clone)]
pub enum Proxies {
    /// Those of the variables `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or not.
    FromEnvironment,
    /// This one, with its password if it has one.
    Given(SecretString),
    /// None.
    None,
}

/// What is decided about the way to Microsoft where the process begins.
#[derive(Debug, Clone)]
pub struct TransportOptions {
    /// Which proxies are used.
    pub proxies: Proxies,
    /// Certificates of authorities that are trusted besides those of the platform.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// How dead connections are noticed.
    pub pings: Pings,
}

impl TransportOptions {
    /// As the environment says, with the trust store of the platform.
    pub const fn from_environment() -> Self {
        Self { proxies: Proxies::FromEnvironment, extra_roots: Vec::new(), pings: Pings::PRODUCTION }
    }
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("could not set up the HTTP client")]
pub struct SetUpError(#[source] reqwest::Error);

/// Sends requests over real sockets: TLS 1.2 or later against the trust store of the platform, HTTP/2 where the other
/// side can, no redirects, no decompression.
#[derive(Clone)]
pub struct HttpTransport {
    clients: Arc<Clients>,
}

struct Clients {
    /// For hosts that are never asked through a proxy.
    direct: Client,
    /// For all others, and only over TLS: what a proxy carries is never in clear.
    through: Client,
    openings: Openings,
}

impl fmt::Debug for HttpTransport {
    /// Shows nothing of the clients, which hold the address of a proxy.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

impl HttpTransport {
    /// Sets up the clients; connects to nobody yet.
    pub fn new(options: &TransportOptions) -> Result<Self, SetUpError> {
        let through = builder(options)?.https_only(true);
        let through = match &options.proxies {
            Proxies::FromEnvironment => through,
            Proxies::Given(url) => through.proxy(Proxy::all(url.expose_secret()).map_err(set_up)?),
            Proxies::None => through.no_proxy(),
        };
        let clients = Clients {
            direct: builder(options)?.no_proxy().build().map_err(set_up)?,
            through: through.build().map_err(set_up)?,
            openings: Openings::new(Clock::system()),
        };
        Ok(Self { clients: Arc::new(clients) })
    }
}

fn builder(options: &TransportOptions) -> Result<ClientBuilder, SetUpError> {
    let roots: Result<Vec<Certificate>, reqwest::Error> =
        options.extra_roots.iter().map(|root| Certificate::from_der(root)).collect();
    Ok(Client::builder()
        .tls_version_min(tls::Version::TLS_1_2)
        .tls_certs_merge(roots.map_err(set_up)?)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_keepalive(TCP_KEEPALIVE)
        .tcp_user_timeout(TCP_USER_TIMEOUT)
        .http2_keep_alive_interval(options.pings.after)
        .http2_keep_alive_timeout(options.pings.timeout)
        .http2_keep_alive_while_idle(true)
        .redirect(redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("webex-azure-operator/", env!("CARGO_PKG_VERSION"))))
}

/// The URL in an error may be that of a proxy, with its password.
fn set_up(error: reqwest::Error) -> SetUpError {
    SetUpError(error.without_url())
}

impl Transport for HttpTransport {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<http::Response<Body>, TransportError>> {
        let clients = Arc::clone(&self.clients);
        Box::pin(async move {
            let host = request.uri().host().unwrap_or_default().to_owned();
            let origin = request.uri().authority().map(ToString::to_string).unwrap_or_default();
            let client = if direct::is_never_proxied(&host) { &clients.direct } else { &clients.through };
            let exchange = async {
                let request = reqwest::Request::try_from(request)?;
                client.execute(request).await
            };
            let response = clients.openings.pass(&origin, exchange).await;
            let response: http::Response<reqwest::Body> = response.map_err(|error| failure::told(&host, error))?.into();
            Ok(response.map(|body| body.map_err(|error| BodyError(error.without_url().into())).boxed_unsync()))
        })
    }
}
