//! A TLS server that speaks HTTP/2 and HTTP/1.1, as the other side does.

use std::{
    convert::Infallible,
    net::SocketAddr,
    num::NonZeroUsize,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, Version, header};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{net::TcpStream, sync::Notify};
use tokio_rustls::TlsAcceptor;

use super::{
    authority::{Identity, Version as TlsVersion},
    server::Server,
};

/// What a request waits for before it is answered; the number counts requests from 0.
pub type Hold = Arc<dyn Fn(usize) -> BoxFuture<'static, ()> + Send + Sync>;

/// The server, until it is dropped.
pub struct Site {
    server: Server<()>,
    record: Arc<Mutex<Vec<(Version, HeaderMap)>>>,
}

/// How a site treats its connections.
#[derive(Clone)]
pub struct Manner {
    pub acceptor: TlsAcceptor,
    pub hold: Hold,
    /// Says goodbye on a connection that carried this many requests.
    pub goodbye_after: Option<NonZeroUsize>,
}

impl Manner {
    pub fn plain(identity: &Identity, protocols: &[&str]) -> Self {
        Self {
            acceptor: identity.acceptor(TlsVersion::Tls13, protocols),
            hold: Arc::new(|_| Box::pin(async {})),
            goodbye_after: None,
        }
    }
}

impl Site {
    pub async fn start(identity: &Identity, protocols: &[&str]) -> Self {
        Self::with(Manner::plain(identity, protocols)).await
    }

    pub async fn with(manner: Manner) -> Self {
        let record = Arc::default();
        let recorded = Arc::clone(&record);
        let server = Server::start(move |stream, _| serve(stream, manner.clone(), Arc::clone(&recorded))).await;
        Self { server, record }
    }

    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn url(&self) -> String {
        self.server.url("https", "/v1.0/organization")
    }

    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// How many requests came in this version of HTTP.
    pub fn requests(&self, version: Version) -> usize {
        self.record.lock().unwrap().iter().filter(|(found, _)| *found == version).count()
    }

    /// The different `Authorization` headers that came.
    pub fn bearers(&self) -> Vec<String> {
        let record = self.record.lock().unwrap();
        let mut bearers: Vec<String> = record
            .iter()
            .filter_map(|(_, headers)| Some(headers.get(header::AUTHORIZATION)?.to_str().unwrap().to_owned()))
            .collect();
        bearers.dedup();
        bearers
    }
}

async fn serve(stream: TcpStream, manner: Manner, record: Arc<Mutex<Vec<(Version, HeaderMap)>>>) {
    let Ok(stream) = manner.acceptor.accept(stream).await else { return };
    let (carried, goodbye) = (AtomicUsize::new(0), Notify::new());
    let service = service_fn(|request: Request<Incoming>| {
        let number = {
            let mut record = record.lock().unwrap();
            record.push((request.version(), request.headers().clone()));
            record.len() - 1
        };
        let on_this = carried.fetch_add(1, Ordering::SeqCst) + 1;
        if manner.goodbye_after.is_some_and(|after| after.get() == on_this) {
            goodbye.notify_one();
        }
        let held = (manner.hold)(number);
        async move {
            held.await;
            let body = Full::new(Bytes::from_static(b"{}"));
            Ok::<_, Infallible>(
                Response::builder().header(header::CONTENT_TYPE, "application/json").body(body).unwrap(),
            )
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    loop {
        tokio::select! {
            biased;
            () = goodbye.notified() => connection.as_mut().graceful_shutdown(),
            // Whatever ended it is for the client to tell.
            _ = connection.as_mut() => return,
        }
    }
}
