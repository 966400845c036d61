//! Who answers must prove to be the host, or nothing is sent.

use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tokio_rustls::TlsAcceptor;
use webex_azure_operator::{
    api::Reason,
    graph::{HttpTransport, TransportError, call::CallError},
};

use super::{
    authority::{Authority, Identity, Version},
    request::{TOKEN, failure, get, transport},
    server::{Server, answer_once, json, read_rest},
};

/// Host in the certificates of this machine.
const HERE: &str = "127.0.0.1";

/// What a server saw of a connection.
#[derive(Debug)]
enum Seen {
    /// There was no TLS connection.
    NoConnection(String),
    /// There was one, with this inside.
    Inside(String),
}

async fn over_tls(acceptor: TlsAcceptor) -> Server<Seen> {
    Server::start(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            match acceptor.accept(stream).await {
                Ok(stream) => Seen::Inside(answer_once(stream, &json("{}")).await),
                Err(error) => Seen::NoConnection(error.to_string()),
            }
        }
    })
    .await
}

/// The identity is refused in every version of TLS: told as such, with one connection, in which nothing was said.
async fn refused(identity: &Identity, transport: &HttpTransport, alert: &str) {
    for version in Version::ALL {
        for protocols in [&["h2", "http/1.1"][..], &["http/1.1"], &[]] {
            let mut server = over_tls(identity.acceptor(version, protocols)).await;
            let error = failure(transport, &server.url("https", "/v1.0/$batch")).await;
            assert!(matches!(&error, TransportError::Tls { host, .. } if host == HERE), "{version:?} {error:?}");
            match server.ended().await {
                Seen::NoConnection(reason) => assert!(reason.contains(alert), "{version:?} {reason}"),
                Seen::Inside(text) => panic!("{version:?} {text}"),
            }
            assert_eq!(server.connections(), 1, "there is no second way");
        }
    }
}

#[tokio::test]
async fn g51_an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let transport = transport(&[&authority]);
    refused(&authority.certify_expired(HERE), &transport, "CertificateExpired").await;
    refused(&authority.certify_early(HERE), &transport, "CertificateExpired").await;
}

#[tokio::test]
async fn g51_the_certificate_of_another_host_is_refused() {
    let authority = Authority::new();
    let transport = transport(&[&authority]);
    for name in ["graph.microsoft.com", "127.0.0.2", "localhost", "*.0.0.1"] {
        refused(&authority.certify(name), &transport, "BadCertificate").await;
    }
}

#[tokio::test]
async fn g51_an_unknown_authority_is_refused() {
    let (known, unknown) = (Authority::new(), Authority::called("Somebody else"));
    for trusted in [&[][..], &[&known][..]] {
        let transport = transport(trusted);
        refused(&unknown.certify(HERE), &transport, "UnknownCA").await;
        refused(&Identity::self_signed(HERE), &transport, "UnknownCA").await;
    }
    // A name is no proof.
    refused(&Authority::new().certify(HERE), &transport(&[&known]), "DecryptError").await;
}

#[tokio::test]
async fn g51_a_certificate_for_another_purpose_is_refused() {
    let authority = Authority::new();
    refused(&authority.certify_client(HERE), &transport(&[&authority]), "CertificateUnknown").await;
}

#[tokio::test]
async fn g51_an_authority_is_trusted_by_the_transport_that_was_given_it() {
    let authority = Authority::new();
    let identity = authority.certify(HERE);
    for version in Version::ALL {
        let mut server = over_tls(identity.acceptor(version, &["http/1.1"])).await;
        let trusting = transport(&[&Authority::new(), &authority]);
        let answer = get(&trusting, &server.url("https", "/v1.0/organization")).await.unwrap();
        assert_eq!(answer.status, 200);
        // The end of the connection ends the server's record.
        drop(trusting);
        match server.ended().await {
            Seen::Inside(text) => {
                assert!(text.starts_with("GET /v1.0/organization HTTP/1.1\r\n") && text.contains(TOKEN), "{text}");
            }
            Seen::NoConnection(reason) => panic!("{version:?} {reason}"),
        }
        // The same server, with a transport that was given nobody.
        let error = failure(&transport(&[]), &server.url("https", "/")).await;
        assert!(matches!(error, TransportError::Tls { .. }), "{error:?}");
    }
}

/// Sends these bytes to whoever connects, and tells all that came.
async fn raw(bytes: &'static [u8], ends: bool) -> Server<Vec<u8>> {
    Server::start(move |mut stream: TcpStream, _| async move {
        stream.readable().await.unwrap();
        stream.write_all(bytes).await.unwrap();
        if ends {
            stream.shutdown().await.unwrap();
        }
        read_rest(&mut stream).await
    })
    .await
}

/// Types of the records in what a client sent: 22 for the handshake, 21 for an alert, 23 for data.
fn records(mut bytes: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        types.push(*kind);
        bytes = rest.get(usize::from(*high) * 256 + usize::from(*low)..).unwrap_or_default();
    }
    types
}

/// A `ServerHello` in this version, and in no extension another one.
const fn old_server_hello(minor: u8) -> [u8; 47] {
    let mut hello = [7; 47];
    let head = [22, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor];
    let mut index = 0;
    while index < head.len() {
        hello[index] = head[index];
        index += 1;
    }
    // No session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    [hello[43], hello[44], hello[45], hello[46]] = [0, 0, 0x2f, 0];
    hello
}

#[tokio::test]
async fn g51_old_versions_of_tls_are_refused() {
    const TLS_1_0: &[u8] = &old_server_hello(1);
    const TLS_1_1: &[u8] = &old_server_hello(2);
    const PROTOCOL_VERSION_ALERT: &[u8] = &[21, 3, 1, 0, 2, 2, 70];
    let transport = transport(&[]);
    for bytes in [TLS_1_0, TLS_1_1, PROTOCOL_VERSION_ALERT] {
        let mut server = raw(bytes, false).await;
        let error = failure(&transport, &server.url("https", "/")).await;
        assert!(matches!(error, TransportError::Tls { .. }), "{bytes:?} {error:?}");
        let sent = records(&server.ended().await);
        assert_eq!(sent.first(), Some(&22), "{bytes:?}");
        assert!(!sent.contains(&23), "{bytes:?} {sent:?}");
        assert_eq!(server.connections(), 1, "there is no older version to fall back to");
    }
}

#[tokio::test]
async fn g51_a_server_that_speaks_no_tls_gets_nothing() {
    let transport = transport(&[]);
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.9\r\n", &[0; 64], &[255; 64]] {
        let mut server = raw(bytes, false).await;
        let error = failure(&transport, &server.url("https", "/")).await;
        assert!(matches!(error, TransportError::Tls { .. }), "{bytes:?} {error:?}");
        assert!(!records(&server.ended().await).contains(&23));
    }
}

#[tokio::test]
async fn g51_a_server_that_closes_in_the_handshake_is_a_broken_connection() {
    let transport = transport(&[]);
    // Nothing at all, and a part of a ServerHello: no certificate was refused, so none is complained about.
    for bytes in [&b""[..], &[22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3]] {
        let mut server = raw(bytes, true).await;
        let error = failure(&transport, &server.url("https", "/")).await;
        assert!(matches!(error, TransportError::Connection { .. }), "{bytes:?} {error:?}");
        assert!(!records(&server.ended().await).contains(&23));
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn g51_the_condition_names_the_host_and_the_flag() {
    let mut server = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n", false).await;
    let error = CallError::from(failure(&transport(&[]), &server.url("https", "/")).await);
    server.ended().await;
    let obstacle = error.obstacle();
    assert_eq!(obstacle.reason, Reason::TLSFailure);
    assert!(obstacle.message.contains(HERE) && obstacle.message.contains("--trust-ca-file"), "{}", obstacle.message);
}
