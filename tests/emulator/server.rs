//! The two sockets.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use webex_azure_operator::clock::Clock;
use webex_azure_operator::emulator::server::{Authority, AuthorityError, Running, ServeError, serve, serve_https};
use webex_azure_operator::emulator::{Emulator, Knobs, Scenario, Settings};

use super::cloud::{OPERATOR_APP, SECRET, TENANT};
use super::contract::{self, Contract};

fn any(host: &str) -> SocketAddr {
    format!("{host}:0").parse().unwrap()
}

fn emulator() -> Emulator {
    Emulator::new(Settings { seed: 1, public_url: "http://nowhere.example".to_owned(), knobs: Knobs::calm() })
}

fn now() -> Timestamp {
    // rustls compares with the machine's clock, which is not that of the tests elsewhere.
    Clock::system().now()
}

fn running() -> (Running, Contract) {
    let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    let mut emulator = emulator();
    emulator.load(now, &Scenario::incident()).unwrap();
    let contract = contract::watch(&mut emulator);
    (serve(emulator, any("127.0.0.1"), any("127.0.0.1"), Arc::new(move || now)).unwrap(), contract)
}

/// One HTTP/1.1 request over a connection of its own; the whole answer as text.
async fn ask(address: SocketAddr, head: &str, body: &str) -> String {
    let stream = TcpStream::connect(address).await.unwrap();
    ask_through(stream, &address.to_string(), head, body).await
}

async fn ask_through(mut stream: impl AsyncRead + AsyncWrite + Unpin, host: &str, head: &str, body: &str) -> String {
    let length = body.len();
    let request =
        format!("{head} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A connection to a host of this name at this address, by someone who trusts this authority and nobody else.
async fn connect(
    address: SocketAddr,
    name: &'static str,
    authority_pem: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority_pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), stream).await
}

#[tokio::test]
async fn https_answers_under_each_name_of_the_emulator_and_links_lead_back_to_it() {
    let authority = Authority::new(now()).unwrap();
    let running = serve_https(emulator(), any("127.0.0.1"), any("127.0.0.1"), Arc::new(now), &authority).unwrap();
    let address = running.public();
    assert_eq!(running.public_url(), format!("https://{address}"));
    let path = "GET /common/v2.0/.well-known/openid-configuration";
    for (name, host, login) in [
        ("127.0.0.1", format!("127.0.0.1:{}", address.port()), format!("https://127.0.0.1:{}", address.port())),
        ("localhost", format!("localhost:{}", address.port()), format!("https://localhost:{}", address.port())),
        (
            "login.microsoftonline.com",
            "login.microsoftonline.com".to_owned(),
            "https://login.microsoftonline.com".to_owned(),
        ),
        ("graph.microsoft.us", "graph.microsoft.us".to_owned(), "https://login.microsoftonline.us".to_owned()),
    ] {
        let stream = connect(address, name, authority.certificate_pem()).await.unwrap();
        let answer = ask_through(stream, &host, path, "").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{name}: {answer}");
        let token_endpoint = format!("\"token_endpoint\":\"{login}/common/oauth2/v2.0/token\"");
        assert!(answer.contains(&token_endpoint), "{name}: {answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn https_is_trusted_by_its_own_authority_alone_and_for_its_own_names_alone() {
    let authority = Authority::new(now()).unwrap();
    let running = serve_https(emulator(), any("127.0.0.1"), any("127.0.0.1"), Arc::new(now), &authority).unwrap();
    let address = running.public();
    let other = Authority::new(now()).unwrap();
    let refused = |error: std::io::Error| error.to_string();
    let stranger = connect(address, "localhost", other.certificate_pem()).await.map_err(refused).unwrap_err();
    assert!(stranger.contains("invalid peer certificate"), "{stranger}");
    let elsewhere =
        connect(address, "portal.azure.com", authority.certificate_pem()).await.map_err(refused).unwrap_err();
    assert!(elsewhere.contains("not valid for name"), "{elsewhere}");
    // The control surface stays what it was, and plain text on the public one is not an answer.
    assert!(ask(running.control(), "GET /truth", "").await.starts_with("HTTP/1.1 "));
    assert!(!ask(address, "GET /v1.0/", "").await.starts_with("HTTP/1.1 2"));
    running.stop().await;
}

#[test]
fn the_certificate_replaces_that_of_an_earlier_emulator_and_no_other_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let (first, second) = (Authority::new(now()).unwrap(), Authority::new(now()).unwrap());
    first.write(&path).unwrap();
    second.write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), second.certificate_pem());
    let bundle = format!("{}{}", first.certificate_pem(), second.certificate_pem());
    for kept in ["not a certificate", &bundle] {
        std::fs::write(&path, kept).unwrap();
        assert!(matches!(first.write(&path), Err(AuthorityError::Foreign { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), kept);
    }
}

#[tokio::test]
async fn both_surfaces_answer_on_loopback_and_stop() {
    let (running, _contract) = running();
    let (public, control) = (running.public(), running.control());
    let form = format!(
        "grant_type=client_credentials&client_id={OPERATOR_APP}&client_secret={SECRET}&scope=http%3A%2F%2F{public}%2F.default"
    );
    let token = ask(public, &format!("POST /{TENANT}/oauth2/v2.0/token"), &form).await;
    assert!(token.starts_with("HTTP/1.1 200 OK\r\n"), "{token}");
    assert!(token.contains("\"access_token\":\"ey"), "{token}");
    let graph = ask(public, "GET /v1.0/servicePrincipals", "").await;
    assert!(graph.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{graph}");
    assert!(
        graph.contains(&format!("authorization_uri=\"{}/common/oauth2/authorize\"", running.public_url())),
        "{graph}"
    );
    let truth = ask(control, &format!("GET /truth/{TENANT}"), "").await;
    assert!(truth.contains("\"tenantId\":\"00000000-0000-4000-8000-000000000001\""), "{truth}");
    // The control surface is not reachable through the public port.
    assert!(ask(public, "GET /truth", "").await.starts_with("HTTP/1.1 404"));
    running.stop().await;
    assert!(TcpStream::connect(public).await.is_err());
    assert!(TcpStream::connect(control).await.is_err());
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    for (public, control) in [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"), ("192.0.2.1", "127.0.0.1")] {
        let refused = serve(emulator(), any(public), any(control), Arc::new(|| Timestamp::UNIX_EPOCH));
        assert!(matches!(refused, Err(ServeError::NotLoopback { .. })), "{public} {control}");
    }
}

#[tokio::test]
async fn a_body_over_eight_mebibytes_is_not_read() {
    let (running, _contract) = running();
    let large = "x".repeat(8 * 1024 * 1024 + 1);
    let answer = ask(running.public(), "POST /v1.0/$batch", &large).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    running.stop().await;
}
