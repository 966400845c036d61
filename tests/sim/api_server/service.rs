//! The tower service that puts the server under `kube::Client`.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::future::{self, BoxFuture};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use tower::{BoxError, Service};

use super::{Answer, ApiServer};

/// The body of a response.
pub type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;

/// A server that a client and the simulation's author share.
#[derive(Clone)]
pub struct ApiService {
    server: Arc<Mutex<ApiServer>>,
}

impl ApiService {
    /// Shares a server.
    pub fn new(server: ApiServer) -> Self {
        Self { server: Arc::new(Mutex::new(server)) }
    }

    /// The server itself. Release it before the next await.
    pub fn server(&self) -> MutexGuard<'_, ApiServer> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client with nothing between it and the server: no retries. Needs a tokio runtime.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.clone(), "default")
    }
}

impl Service<Request<kube::client::Body>> for ApiService {
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let answer = service.server().handle(Request::from_parts(parts, body));
            match answer {
                Answer::Response(response) => {
                    Ok(response.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync()))
                }
                Answer::Watch(subscription) => Ok(stream(subscription.into_body())),
                Answer::Lost => Err(broken_connection()),
                Answer::Never => future::pending().await,
            }
        })
    }
}

fn stream(body: super::watch::WatchBody) -> Response<ResponseBody> {
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// What a client sees when the connection breaks.
pub(super) fn broken_connection() -> BoxError {
    io::Error::new(io::ErrorKind::ConnectionReset, "the simulation broke the connection").into()
}
