//! The two sockets.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use webex_azure_operator::emulator::server::{Running, ServeError, serve};
use webex_azure_operator::emulator::{Emulator, Knobs, Scenario, Settings};

use super::cloud::{OPERATOR_APP, SECRET, TENANT};
use super::contract::{self, Contract};

fn any(host: &str) -> SocketAddr {
    format!("{host}:0").parse().unwrap()
}

fn emulator() -> Emulator {
    Emulator::new(Settings { seed: 1, public_url: "http://nowhere.example".to_owned(), knobs: Knobs::calm() })
}

async fn running() -> (Running, Contract) {
    let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    let mut emulator = emulator();
    emulator.load(now, &Scenario::incident()).unwrap();
    let contract = contract::watch(&mut emulator);
    (serve(emulator, any("127.0.0.1"), any("127.0.0.1"), Arc::new(move || now)).await.unwrap(), contract)
}

/// One HTTP/1.1 request over a connection of its own; the whole answer as text.
async fn ask(address: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request =
        format!("{head} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn both_surfaces_answer_on_loopback_and_stop() {
    let (running, _contract) = running().await;
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
        let refused = serve(emulator(), any(public), any(control), Arc::new(|| Timestamp::UNIX_EPOCH)).await;
        assert!(matches!(refused, Err(ServeError::NotLoopback { .. })), "{public} {control}");
    }
}

#[tokio::test]
async fn a_body_over_four_mebibytes_is_refused() {
    let (running, _contract) = running().await;
    let large = "x".repeat(4 * 1024 * 1024 + 1);
    let answer = ask(running.public(), "POST /v1.0/$batch", &large).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    running.stop().await;
}
