//! Connections that end or die while nobody looks: at most one request notices, and the next one has a new connection.

use std::{num::NonZeroUsize, time::Duration};

use futures::{StreamExt as _, stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
};
use webex_azure_operator::graph::{
    HttpTransport, Transport as _, TransportError, TransportOptions,
    transport::{Pings, Proxies},
};

use super::{
    authority::Authority,
    request::{get, request, set_up, transport},
    server::{Server, json, read_head, soon},
    site::{Manner, Site},
};

#[tokio::test]
async fn a_server_that_closes_what_is_idle_is_asked_again() {
    // It never announces that it will close, so that some request may be under way just then.
    let mut server = Server::start(|mut stream, _| async move {
        let head = read_head(&mut stream).await;
        stream.write_all(&json("{}")).await.unwrap();
        head
    })
    .await;
    let transport = transport(&[]);
    let mut failures = 0;
    for _ in 0..50 {
        if get(&transport, &server.url("http", "/")).await.is_err() {
            failures += 1;
            get(&transport, &server.url("http", "/")).await.expect("it does not fail twice");
        }
        assert!(server.ended().await.starts_with("GET / "));
    }
    assert!(failures <= 1, "{failures} of 50");
    assert!(server.connections() >= 50, "each of them was closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_says_goodbye_is_asked_over_a_new_connection() {
    let authority = Authority::new();
    let manner = Manner {
        goodbye_after: NonZeroUsize::new(10),
        ..Manner::plain(&authority.certify("127.0.0.1"), &["h2", "http/1.1"])
    };
    let site = Site::with(manner).await;
    let (transport, url) = (transport(&[&authority]), site.url());
    let ask = async |_| {
        let first = get(&transport, &url).await;
        if first.is_err() {
            get(&transport, &url).await.expect("it does not fail twice");
        }
        usize::from(first.is_err())
    };
    let failures: usize = soon(stream::iter(0..200).map(ask).buffer_unordered(8).fold(0, async |a, b| a + b)).await;
    assert!(site.connections() > 5, "{} goodbyes", site.connections());
    assert_eq!(failures, 0, "with {} connections", site.connections());
}

/// A device on the way that forgets the connections it has when it is told to, without a word to either side, as
/// firewalls do; later ones get through.
async fn forgetful(site: &Site, forgets: watch::Receiver<bool>) -> Server<()> {
    let to = site.address();
    Server::start(move |client, _| carry(client, to, forgets.clone())).await
}

async fn carry(mut client: TcpStream, to: std::net::SocketAddr, mut forgets: watch::Receiver<bool>) {
    let mut server = TcpStream::connect(to).await.unwrap();
    forgets.mark_unchanged();
    tokio::select! {
        biased;
        changed = forgets.changed() => changed.unwrap(),
        // One of the two ended it properly.
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
    }
    // Swallows what still comes, until the client gives up.
    let mut buffer = [0; 1024];
    while client.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}

/// Pings that notice within a moment.
fn impatient(authority: &Authority) -> HttpTransport {
    let pings = Pings { after: Duration::from_millis(100), timeout: Duration::from_millis(200) };
    set_up(&TransportOptions { proxies: Proxies::None, extra_roots: vec![authority.root()], pings })
}

#[tokio::test]
async fn a_dead_connection_fails_one_request_and_is_given_up() {
    let authority = Authority::new();
    let (forget, forgets) = watch::channel(false);
    // Answers the first request, and from then on only what comes over a new connection.
    let site = Site::start(&authority.certify("127.0.0.1"), &["h2"]).await;
    let mut device = forgetful(&site, forgets).await;
    let transport = impatient(&authority);
    let url = device.url("https", "/");
    assert_eq!(get(&transport, &url).await.unwrap().status, 200);
    forget.send(true).unwrap();
    let error = soon(transport.send(request(&url))).await.map(|answer| answer.status()).unwrap_err();
    assert!(matches!(error, TransportError::Connection { .. }), "{error:?}");
    device.ended().await;
    assert_eq!(get(&transport, &url).await.unwrap().status, 200);
    assert_eq!((device.connections(), site.connections()), (2, 2));
}

#[tokio::test]
async fn a_connection_that_dies_while_it_is_idle_fails_nothing() {
    let authority = Authority::new();
    let (forget, forgets) = watch::channel(false);
    let site = Site::start(&authority.certify("127.0.0.1"), &["h2"]).await;
    let mut device = forgetful(&site, forgets).await;
    let transport = impatient(&authority);
    let url = device.url("https", "/");
    assert_eq!(get(&transport, &url).await.unwrap().status, 200);
    forget.send(true).unwrap();
    // The client gives it up by itself.
    device.ended().await;
    assert_eq!(get(&transport, &url).await.unwrap().status, 200);
    assert_eq!((device.connections(), site.connections()), (2, 2));
}
