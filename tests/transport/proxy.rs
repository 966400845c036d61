//! Proxies: told apart when they refuse, trusted with nothing but the host's name, and never asked about this machine.

use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use webex_azure_operator::{
    api::Reason,
    graph::{HttpTransport, TransportError, call::CallError, transport::Proxies},
};

use super::{
    authority::{Authority, Version},
    request::{TOKEN, all_told, failure, get, transport_with},
    server::{Server, answer_once, json, read_head, read_rest},
    site::Site,
};

const GRAPH: &str = "https://graph.microsoft.com/v1.0/organization";

fn through(proxy: &str, trusted: &[&Authority]) -> HttpTransport {
    transport_with(Proxies::Given(SecretString::from(proxy)), trusted)
}

/// A proxy that answers every CONNECT like this, and tells all that it was sent.
async fn answering(answer: &'static str) -> Server<String> {
    Server::start(move |stream, _| answer_once(stream, answer.as_bytes())).await
}

/// A proxy that connects everybody with one address, and tells what it was sent.
pub async fn forwarding(to: std::net::SocketAddr) -> Server<Vec<u8>> {
    Server::start(move |stream, _| forward(stream, to)).await
}

async fn forward(mut client: TcpStream, to: std::net::SocketAddr) -> Vec<u8> {
    let mut seen = read_head(&mut client).await.into_bytes();
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    let server = TcpStream::connect(to).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        // Either side may end first, in any way.
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    };
    let requests = async {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            seen.extend_from_slice(&buffer[..length]);
            if to_server.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
        drop(to_server);
    };
    futures::join!(answers, requests);
    seen
}

/// The request fails at the proxy, and says so.
async fn refused(transport: &HttpTransport, what: &str) -> String {
    let error = failure(transport, GRAPH).await;
    assert!(matches!(&error, TransportError::Proxy { host, .. } if host == "graph.microsoft.com"), "{what}: {error:?}");
    let told = all_told(&error);
    let obstacle = CallError::from(error).obstacle();
    assert_eq!(obstacle.reason, Reason::NetworkUnavailable, "{what}");
    for word in ["refused", "graph.microsoft.com", "HTTPS_PROXY", "NO_PROXY", "credentials"] {
        assert!(obstacle.message.contains(word), "{what}: {}", obstacle.message);
    }
    told
}

#[tokio::test]
async fn g52_a_proxy_that_refuses_is_told_apart() {
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\n\r\n<title>Not allowed</title>",
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\r\n",
        "HTTP/1.1 302 Found\r\nlocation: https://sign-in.example/\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "+OK ready\r\n\r\n",
    ] {
        let mut proxy = answering(answer).await;
        let transport = through(&proxy.url("http", ""), &[]);
        refused(&transport, answer).await;
        let seen = proxy.ended().await;
        assert!(seen.starts_with("CONNECT graph.microsoft.com:443 HTTP/1.1\r\n"), "{seen}");
        assert!(seen.ends_with("\r\n\r\n"), "nothing follows the question: {seen}");
        assert!(!seen.contains(TOKEN) && !seen.contains("v1.0"), "{seen}");
        assert_eq!(proxy.connections(), 1, "{answer}");
    }
}

#[tokio::test]
async fn g52_a_proxy_that_hangs_up_or_is_not_there_is_told_apart() {
    let mut proxy = Server::start(|mut stream, _| async move { read_head(&mut stream).await }).await;
    refused(&through(&proxy.url("http", ""), &[]), "hangs up").await;
    assert!(proxy.ended().await.starts_with("CONNECT "));

    let gone = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    let told = refused(&through(&format!("http://{gone}"), &[]), "is not there").await;
    assert!(told.contains("ConnectionRefused"), "{told}");
}

#[tokio::test]
async fn g52_a_proxy_that_shows_a_wrong_certificate_of_its_own_is_not_the_hosts_fault() {
    let acceptor = Authority::new().certify("127.0.0.1").acceptor(Version::Tls13, &[]);
    let mut proxy = Server::start(move |stream, _| {
        let acceptor = acceptor.clone();
        async move { acceptor.accept(stream).await.map(|_| ()).map_err(|error| error.to_string()) }
    })
    .await;
    refused(&through(&proxy.url("https", ""), &[]), "certificate").await;
    assert!(proxy.ended().await.unwrap_err().contains("UnknownCA"));
}

#[tokio::test]
async fn g52_a_proxy_sees_the_hosts_name_and_nothing_of_what_it_carries() {
    let authority = Authority::new();
    let site = Site::start(&authority.certify("graph.microsoft.com"), &["h2", "http/1.1"]).await;
    let mut proxy = forwarding(site.address()).await;
    let transport = through(&proxy.url("http", ""), &[&authority]);
    for _ in 0..3 {
        assert_eq!(get(&transport, GRAPH).await.unwrap().status, 200);
    }
    drop(transport);
    let seen = String::from_utf8_lossy(&proxy.ended().await).into_owned();
    assert!(seen.starts_with("CONNECT graph.microsoft.com:443 HTTP/1.1\r\n"), "{seen}");
    assert!(!seen.contains(TOKEN) && !seen.contains("/v1.0/"), "{seen}");
    assert_eq!(site.bearers(), [format!("Bearer {TOKEN}")], "the host itself got it");
    assert_eq!((proxy.connections(), site.requests(http::Version::HTTP_2)), (1, 3), "HTTP/2 goes through too");
}

#[tokio::test]
async fn g52_a_proxy_that_answers_in_place_of_the_host_gets_nothing() {
    // It opens the connection itself, with a certificate that nobody was told to trust.
    let site = Site::start(&Authority::new().certify("graph.microsoft.com"), &["http/1.1"]).await;
    let mut proxy = forwarding(site.address()).await;
    let error = failure(&through(&proxy.url("http", ""), &[]), GRAPH).await;
    assert!(matches!(&error, TransportError::Tls { host, .. } if host == "graph.microsoft.com"), "{error:?}");
    let seen = String::from_utf8_lossy(&proxy.ended().await).into_owned();
    assert!(seen.starts_with("CONNECT ") && !seen.contains(TOKEN), "{seen}");
    assert_eq!((site.connections(), site.bearers().len()), (1, 0));

    // It answers in clear, once it hears the beginning of TLS.
    let mut proxy = Server::start(|mut stream, _| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut seen = vec![stream.read_u8().await.unwrap()];
        stream.write_all(&json("{}")).await.unwrap();
        seen.extend(read_rest(&mut stream).await);
        String::from_utf8_lossy(&seen).into_owned()
    })
    .await;
    let error = failure(&through(&proxy.url("http", ""), &[]), GRAPH).await;
    assert!(matches!(error, TransportError::Tls { .. }), "{error:?}");
    assert!(!proxy.ended().await.contains(TOKEN));
}

#[tokio::test]
async fn g52_the_password_of_a_proxy_is_shown_to_the_proxy_alone() {
    let mut proxy = answering("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    let url = proxy.url("http", "").replace("http://", "http://someone:swordfish%40sea@");
    let options = Proxies::Given(SecretString::from(url.as_str()));
    assert!(!format!("{options:?}").contains("fish"));
    let transport = transport_with(options, &[]);
    assert!(!format!("{transport:?}").contains("fish"));
    let told = refused(&transport, "407").await;
    // In base64: someone:swordfish@sea
    for secret in ["swordfish", "someone", "c29tZW9uZTpzd29yZGZpc2hAc2Vh"] {
        assert!(!told.contains(secret), "{told}");
    }
    let seen = proxy.ended().await.to_lowercase();
    assert!(seen.contains("proxy-authorization: basic c29tzw9uztpzd29yzgzpc2hac2vh"), "{seen}");
}

#[tokio::test]
async fn g52_this_machine_is_never_asked_through_a_proxy() {
    let proxy = answering("HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
    let here = Server::start(|stream, _| async move { answer_once(stream, &json("{}")).await }).await;
    let port = here.address().port();
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "127.1"] {
        let transport = through(&proxy.url("http", ""), &[]);
        assert_eq!(get(&transport, &format!("http://{host}:{port}/")).await.unwrap().status, 200, "{host}");
    }
    assert_eq!((here.connections(), proxy.connections()), (4, 0));
}

#[tokio::test]
async fn g52_nothing_is_sent_in_clear_to_anybody_but_this_machine() {
    let proxy = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    for proxies in [Proxies::Given(SecretString::from(proxy.url("http", ""))), Proxies::None] {
        let error = failure(&transport_with(proxies, &[]), "http://graph.microsoft.com/").await;
        assert!(matches!(error, TransportError::Connection { .. }), "{error:?}");
        assert!(all_told(&error).contains("scheme is not allowed"), "{}", all_told(&error));
    }
    assert_eq!(proxy.connections(), 0);
}
