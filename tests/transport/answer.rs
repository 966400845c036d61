//! Answers that do not come, break off, drip, lead elsewhere, are compressed, or are of another length than announced.

use std::{error::Error as StdError, io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use webex_azure_operator::{
    api::Reason,
    graph::{
        HttpTransport, TransportError,
        call::{Answer, CallError, Deadlines, call, call_within},
    },
};

use super::{
    request::{TOKEN, all_told, failure, get, post, request, transport},
    server::{Server, answer_once, json, read_head, soon},
};

/// The kind of the I/O error among the causes.
fn kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    std::iter::successors(Some(error), |error| (*error).source())
        .find_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
}

#[tokio::test]
async fn g08_a_connection_that_is_refused_is_told() {
    let nobody = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    for scheme in ["http", "https"] {
        let error = failure(&transport(&[]), &format!("{scheme}://{nobody}/")).await;
        assert!(matches!(&error, TransportError::Connection { host, .. } if host == "127.0.0.1"), "{error:?}");
        assert_eq!(kind(&error), Some(io::ErrorKind::ConnectionRefused));
        assert_eq!(CallError::from(error).obstacle().reason, Reason::NetworkUnavailable);
    }
}

/// Resets the connection once a request is there.
async fn resetting() -> Server<String> {
    Server::start(|mut stream, _| async move {
        let head = read_head(&mut stream).await;
        stream.set_zero_linger().unwrap();
        head
    })
    .await
}

#[tokio::test]
async fn g08_a_reset_before_the_answer_is_told_and_the_request_is_not_sent_again() {
    for make in [request, post] {
        let mut server = resetting().await;
        let error = call(&transport(&[]), make(&server.url("http", "/"))).await.unwrap_err();
        assert!(matches!(error, CallError::Transport(TransportError::Connection { .. })), "{error:?}");
        assert_eq!(kind(&error), Some(io::ErrorKind::ConnectionReset));
        assert!(server.ended().await.contains(TOKEN), "the request was there");
        assert_eq!(server.connections(), 1, "whether it had an effect is not known down here");
    }
}

/// Time of a dripping server per byte.
const DRIP: Duration = Duration::from_millis(20);

/// Sends the first part, then the second byte by byte over and over, and tells how many bytes that were when the client
/// hung up.
async fn dripping(at_once: &'static [u8], by_and_by: &'static [u8]) -> Server<usize> {
    Server::start(move |mut stream, _| async move {
        read_head(&mut stream).await;
        stream.write_all(at_once).await.unwrap();
        let (mut reading, mut writing) = stream.into_split();
        let mut dripped = 0;
        let drip = async {
            let mut interval = tokio::time::interval(DRIP);
            for byte in by_and_by.iter().cycle() {
                interval.tick().await;
                if writing.write_all(&[*byte]).await.is_err() {
                    break;
                }
                dripped += 1;
            }
        };
        tokio::select! {
            biased;
            _ = reading.read_u8() => {}
            () = drip => {}
        }
        dripped
    })
    .await
}

async fn late(deadlines: Deadlines, server: &mut Server<usize>) {
    let transport = transport(&[]);
    let asked = call_within(deadlines, &transport, request(&server.url("http", "/")));
    let error = soon(asked).await.unwrap_err();
    assert!(matches!(&error, CallError::Deadline { host } if host == "127.0.0.1"), "{error:?}");
    assert_eq!(error.obstacle().reason, Reason::GraphTimeout);
    let dripped = server.ended().await;
    assert!(dripped > 1, "only {dripped} bytes dripped: the deadline is not renewed by each of them");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn g10_a_head_that_drips_ends_at_the_deadline_with_the_connection_closed() {
    let mut server = dripping(b"HTTP/1.1 200 OK\r\n", b"x-drop: x\r\n").await;
    late(Deadlines { head: DRIP * 10, whole: Deadlines::PRODUCTION.whole }, &mut server).await;
}

#[tokio::test]
async fn g10_a_body_that_drips_ends_at_the_deadline_with_the_connection_closed() {
    for head in [
        &b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4096\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n",
    ] {
        let mut server = dripping(head, b" ").await;
        late(Deadlines { head: Deadlines::PRODUCTION.head, whole: DRIP * 10 }, &mut server).await;
    }
}

/// A server with one answer.
async fn answering(answer: Vec<u8>) -> Server<String> {
    Server::start(move |stream: TcpStream, _| {
        let answer = answer.clone();
        async move { answer_once(stream, &answer).await }
    })
    .await
}

#[tokio::test]
async fn g11_a_body_that_is_shorter_than_announced_is_no_answer() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    for body in [
        "content-length: 4\r\n\r\n{}",
        "content-length: 2\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "transfer-encoding: chunked\r\n\r\n4\r\n{}",
    ] {
        let mut server = Server::start(move |mut stream, _| async move {
            let asked = read_head(&mut stream).await;
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            asked
        })
        .await;
        let error = get(&transport(&[]), &server.url("http", "/")).await.unwrap_err();
        assert!(matches!(error, CallError::CutShort { .. }), "{body}: {error:?}");
        assert!(server.ended().await.starts_with("GET "));
    }
}

#[tokio::test]
async fn g11_what_comes_after_the_announced_length_is_nobodys_answer() {
    let mut bytes = json("{}");
    bytes.extend(json(r#"{"smuggled":true}"#));
    let server = answering(bytes).await;
    let transport = transport(&[]);
    for _ in 0..10 {
        let Answer { body, .. } = get(&transport, &server.url("http", "/")).await.unwrap();
        assert_eq!(body, "{}");
    }
    assert_eq!(server.connections(), 10, "a connection with something left over is not used again");
}

#[tokio::test]
async fn g14_a_compressed_answer_is_refused_and_none_is_asked_for() {
    for encoding in ["gzip", "br", "deflate", "zstd"] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: {encoding}\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        let mut server = answering(answer.into_bytes()).await;
        let transport = transport(&[]);
        let error = get(&transport, &server.url("http", "/")).await.unwrap_err();
        assert!(matches!(error, CallError::Encoded), "{encoding}: {error:?}");
        drop(transport);
        let asked = server.ended().await.to_lowercase();
        assert!(asked.contains("\r\naccept: application/json\r\n"), "{asked}");
        assert!(!asked.contains("accept-encoding"), "{asked}");
    }
}

#[tokio::test]
async fn g50_a_name_that_is_not_found_is_told_with_the_name() {
    // RFC 6761: there is nobody under `invalid`.
    for host in ["graph.microsoft.invalid", "login.microsoftonline.invalid"] {
        let error = failure(&transport(&[]), &format!("https://{host}/")).await;
        assert!(matches!(&error, TransportError::Connection { host: named, .. } if named == host), "{error:?}");
        assert!(all_told(&error).contains("dns error"), "{}", all_told(&error));
        let obstacle = CallError::from(error).obstacle();
        assert_eq!(obstacle.reason, Reason::NetworkUnavailable);
        assert!(obstacle.message.contains(host), "{}", obstacle.message);
    }
}

#[tokio::test]
async fn g53_no_redirect_is_followed() {
    let elsewhere = answering(json("{}")).await;
    for status in [301, 302, 303, 307, 308] {
        for make in [request, post] {
            let location = elsewhere.url("http", "/elsewhere");
            let answer = format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            let server = answering(answer.into_bytes()).await;
            let error = call(&transport(&[]), make(&server.url("http", "/"))).await.unwrap_err();
            assert!(matches!(error, CallError::Redirect { status: found } if found == status), "{error:?}");
            assert_eq!(error.obstacle().reason, Reason::MalformedResponse);
            assert_eq!(server.connections(), 1);
        }
    }
    assert_eq!(elsewhere.connections(), 0);
    // It would have answered.
    let answer: Result<Answer, CallError> = get(&transport(&[]) as &HttpTransport, &elsewhere.url("http", "/")).await;
    assert_eq!(answer.unwrap().status, 200);
}
