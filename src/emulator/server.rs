//! The sockets: the public surface over http or https, and the control surface, on loopback only.

mod authority;

pub use authority::{Authority, AuthorityError};

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use thiserror::Error;
use tokio::task::JoinSet;

use super::Emulator;

/// Larger bodies are not even read. Graph's own limit is half of it, and has Graph's own words.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// Tells the time.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Why the emulator does not listen.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Someone could take it for the real thing, or reach its control surface.
    #[error("the emulator listens on loopback addresses only, not on {address}")]
    NotLoopback {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// An emulator that listens. It stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    scheme: &'static str,
    public: SocketAddr,
    control: SocketAddr,
    ending: Handle<SocketAddr>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Where Microsoft would be.
    pub fn public(&self) -> SocketAddr {
        self.public
    }

    /// Where the owner of the test asks.
    pub fn control(&self) -> SocketAddr {
        self.control
    }

    /// Base address of the public surface, without a slash at the end.
    pub fn public_url(&self) -> String {
        format!("{}://{}", self.scheme, self.public)
    }

    /// Base address of the control surface, without a slash at the end.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// Stops listening, answers what was asked, and returns when both sockets are closed.
    pub async fn stop(mut self) {
        self.ending.graceful_shutdown(None);
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ending.graceful_shutdown(None);
    }
}

/// Which door a request came through.
#[derive(Debug, Clone, Copy)]
enum Surface {
    Public,
    Control,
}

/// Listens on both addresses; port 0 takes any free one. `Settings::public_url` is replaced by the address bound.
/// Has to be called within a Tokio runtime.
pub fn serve(emulator: Emulator, public: SocketAddr, control: SocketAddr, now: Now) -> Result<Running, ServeError> {
    listen(emulator, public, control, now, None)
}

/// The same with https on the public surface; clients have to trust the authority.
pub fn serve_https(
    emulator: Emulator,
    public: SocketAddr,
    control: SocketAddr,
    now: Now,
    authority: &Authority,
) -> Result<Running, ServeError> {
    listen(emulator, public, control, now, Some(authority))
}

fn listen(
    mut emulator: Emulator,
    public: SocketAddr,
    control: SocketAddr,
    now: Now,
    authority: Option<&Authority>,
) -> Result<Running, ServeError> {
    let (public_listener, public) = bind(public)?;
    let (control_listener, control) = bind(control)?;
    let scheme = if authority.is_some() { "https" } else { "http" };
    emulator.configured_url = format!("{scheme}://{public}");
    let emulator = Arc::new(Mutex::new(emulator));
    let ending = Handle::new();
    let service = move |surface| {
        let (emulator, now) = (Arc::clone(&emulator), Arc::clone(&now));
        let router = Router::new().fallback(move |request: Request<Body>| {
            let (emulator, now) = (Arc::clone(&emulator), Arc::clone(&now));
            async move { answer(&emulator, &now, surface, request).await }
        });
        router.into_make_service()
    };
    let failed = |address| move |source| ServeError::Bind { address, source };
    let control_server = axum_server::from_tcp(control_listener).map_err(failed(control))?.handle(ending.clone());
    let public_server = axum_server::from_tcp(public_listener).map_err(failed(public))?.handle(ending.clone());
    // The listeners are ours and their errors are retried inside; the results carry nothing.
    let mut tasks = JoinSet::new();
    let (offered, owned) = (service(Surface::Public), service(Surface::Control));
    tasks.spawn(async move { drop(control_server.serve(owned).await) });
    match authority {
        None => tasks.spawn(async move { drop(public_server.serve(offered).await) }),
        Some(authority) => {
            let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(authority.config()));
            tasks.spawn(async move { drop(public_server.acceptor(acceptor).serve(offered).await) })
        }
    };
    Ok(Running { scheme, public, control, ending, tasks })
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback { address });
    }
    let failed = |source| ServeError::Bind { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

async fn answer(emulator: &Mutex<Emulator>, now: &Now, surface: Surface, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        let mut refusal = Response::new(Body::from("The request body is larger than 8 MiB or was cut short.\n"));
        *refusal.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return refusal;
    };
    let request: Request<Bytes> = Request::from_parts(parts, body);
    let time = now();
    // A panic while another request was answered must not end the test: the state is that of finished requests.
    let mut emulator = emulator.lock().unwrap_or_else(PoisonError::into_inner);
    let response = match surface {
        Surface::Public => emulator.handle(time, request),
        Surface::Control => emulator.control(time, request),
    };
    response.map(Body::from)
}
