//! The sockets: the public surface and the control surface, on loopback only.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Emulator;

/// Bodies larger than this are refused: Graph takes at most 4 MiB in one request.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

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
    public: SocketAddr,
    control: SocketAddr,
    ending: CancellationToken,
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
        format!("http://{}", self.public)
    }

    /// Base address of the control surface, without a slash at the end.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// Stops listening, answers what was asked, and returns when both sockets are closed.
    pub async fn stop(mut self) {
        self.ending.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

/// Which door a request came through.
#[derive(Debug, Clone, Copy)]
enum Surface {
    Public,
    Control,
}

/// Listens on both addresses; port 0 takes any free one. `Settings::public_url` is replaced by the address bound.
pub async fn serve(
    mut emulator: Emulator,
    public: SocketAddr,
    control: SocketAddr,
    now: Now,
) -> Result<Running, ServeError> {
    let (public_listener, public) = bind(public).await?;
    let (control_listener, control) = bind(control).await?;
    emulator.configured_url = format!("http://{public}");
    let emulator = Arc::new(Mutex::new(emulator));
    let ending = CancellationToken::new();
    let mut tasks = JoinSet::new();
    for (listener, surface) in [(public_listener, Surface::Public), (control_listener, Surface::Control)] {
        let (emulator, now) = (Arc::clone(&emulator), Arc::clone(&now));
        let router = Router::new().fallback(move |request: Request<Body>| {
            let (emulator, now) = (Arc::clone(&emulator), Arc::clone(&now));
            async move { answer(&emulator, &now, surface, request).await }
        });
        let ended = ending.clone().cancelled_owned();
        tasks.spawn(async move {
            // The listener is ours and its errors are retried inside; the result carries nothing.
            let _ = axum::serve(listener, router).with_graceful_shutdown(ended).await;
        });
    }
    Ok(Running { public, control, ending, tasks })
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback { address });
    }
    let failed = |source| ServeError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

async fn answer(emulator: &Mutex<Emulator>, now: &Now, surface: Surface, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        let mut refusal = Response::new(Body::from("The request body is larger than 4 MiB or was cut short.\n"));
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
