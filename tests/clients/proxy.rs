//! The way from the names of Microsoft's hosts to the emulator: the proxy that the variables of the clients name.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The hosts of Microsoft that a client may ask for. A connection to any other fails, and with it the test.
const HOSTS: [&str; 10] = [
    "graph.microsoft.com",
    "graph.microsoft.us",
    "login.chinacloudapi.cn",
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "management.azure.com",
    "management.chinacloudapi.cn",
    "management.usgovcloudapi.net",
    "microsoftgraph.chinacloudapi.cn",
];

/// Connects its clients with the emulator, whichever host they name. It ends when this is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    named: Arc<Mutex<BTreeMap<String, u32>>>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    pub async fn to(emulator: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let named = Arc::new(Mutex::new(BTreeMap::new()));
        let mut accepting = JoinSet::new();
        let seen = Arc::clone(&named);
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(connect(client, emulator, Arc::clone(&seen)));
            }
        });
        Self { address, named, _accepting: accepting }
    }

    /// The hosts that were named, and how often.
    pub fn named(&self) -> BTreeMap<String, u32> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nobody asked for a host that is not the emulator's.
    pub fn check(&self) {
        let strangers: Vec<String> = self.named().into_keys().filter(|host| !HOSTS.contains(&host.as_str())).collect();
        assert!(strangers.is_empty(), "clients asked for {strangers:?}");
    }
}

async fn connect(mut client: TcpStream, emulator: SocketAddr, named: Arc<Mutex<BTreeMap<String, u32>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // A client that gives up in the middle is its own affair.
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or(&head);
    let host = target.strip_suffix(":443").unwrap_or(target).to_owned();
    let is_known = HOSTS.contains(&host.as_str());
    *named.lock().unwrap_or_else(PoisonError::into_inner).entry(host).or_default() += 1;
    if !is_known {
        drop(client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await);
        return;
    }
    let mut server = TcpStream::connect(emulator).await.unwrap();
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    // Either side may end first, in any way.
    drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
}
