//! Servers on this machine that count their connections and tell how each of them ended.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};

/// Longest time for something that happens within milliseconds, so that a test fails where it would wait for ever.
const AT_MOST: Duration = Duration::from_secs(30);

/// A server, until it is dropped; `T` is what it tells of a connection that ended.
pub struct Server<T> {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    ended: mpsc::UnboundedReceiver<T>,
    _accepting: JoinSet<()>,
}

impl<T: Send + 'static> Server<T> {
    /// Listens, and treats each connection in this way; the number counts them from 0.
    pub async fn start<F, Treated>(treat: F) -> Self
    where
        F: Fn(TcpStream, usize) -> Treated + Send + 'static,
        Treated: Future<Output = T> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (tell, ended) = mpsc::unbounded_channel();
        let counter = Arc::clone(&connections);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let treated = treat(stream, counter.fetch_add(1, Ordering::SeqCst));
                let tell = tell.clone();
                open.spawn(async move {
                    // The test may have seen enough already.
                    let _ = tell.send(treated.await);
                });
            }
        });
        Self { address, connections, ended, _accepting: accepting }
    }

    pub fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", self.address)
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What the next connection that ends came to.
    pub async fn ended(&mut self) -> T {
        soon(self.ended.recv()).await.unwrap()
    }
}

/// What this comes to, which must be soon.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(AT_MOST, future).await.expect("it should have happened long ago")
}

/// Reads up to the empty line that ends a head, or up to the end.
pub async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Everything that still arrives, up to the end, however the connection ends.
pub async fn read_rest(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut rest = Vec::new();
    // A reset is an end too, and what was read before stays.
    let _ = stream.read_to_end(&mut rest).await;
    rest
}

/// Reads a request without a body, gives this answer, and tells the request's head and whatever followed it.
pub async fn answer_once(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> String {
    let mut seen = read_head(&mut stream).await;
    // Who was not answered in full sees it by itself.
    let _ = stream.write_all(answer).await;
    let _ = stream.flush().await;
    seen.push_str(&String::from_utf8_lossy(&read_rest(&mut stream).await));
    seen
}

/// An answer in JSON that leaves the connection open.
pub fn json(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}
