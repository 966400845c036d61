//! Compressed request bodies.
//! <https://github.com/microsoftgraph/msgraph-sdk-design/blob/master/middleware/CompressionHandler.md>

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;
use serde_json::json;

use super::cloud::{ALL_ROLES, Answer, Cloud, INTEGRATION, with_roles};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn send(cloud: &mut Cloud, method: &str, path: &str, encoding: &str, body: Vec<u8>) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/v1.0{path}"))
        .header("authorization", format!("Bearer {}", cloud.token))
        .header("content-type", "application/json")
        .header("content-encoding", encoding);
    cloud.handle(request.body(Bytes::from(body)).unwrap())
}

#[test]
fn a_compressed_body_counts_as_the_plain_one() {
    let mut cloud = with_roles(&ALL_ROLES);
    for encoding in ["gzip", "GZIP"] {
        let body = gzip(json!({"displayName": encoding}).to_string().as_bytes());
        let made = send(&mut cloud, "POST", "/applications", encoding, body);
        assert_eq!((made.status.as_u16(), made.body["displayName"].as_str()), (201, Some(encoding)));
    }
    let item = json!({"id": "1", "method": "GET", "url": format!("/servicePrincipals/{INTEGRATION}")});
    let body = gzip(json!({"requests": [item]}).to_string().as_bytes());
    let answer = send(&mut cloud, "POST", "/$batch", "gzip", body);
    assert_eq!(answer.body["responses"][0]["body"]["id"], INTEGRATION);
}

#[test]
fn a_body_that_is_not_compressed_as_it_says_cannot_be_read() {
    let mut cloud = with_roles(&ALL_ROLES);
    let plain = json!({"displayName": "Made"}).to_string();
    let cut_short = gzip(plain.as_bytes()).split_at(20).0.to_vec();
    for (encoding, body) in [("gzip", plain.clone().into_bytes()), ("gzip", cut_short), ("br", gzip(plain.as_bytes()))]
    {
        let answer = send(&mut cloud, "POST", "/applications", encoding, body);
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "BadRequest"), "{}", answer.text);
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("Unable to read JSON request payload."), "{message}");
    }
}

#[test]
fn a_small_body_that_grows_large_is_too_large() {
    let mut cloud = with_roles(&ALL_ROLES);
    let body = gzip(&vec![b' '; 64 * 1024 * 1024]);
    assert!(body.len() < 100_000, "{}", body.len());
    assert_eq!(send(&mut cloud, "POST", "/applications", "gzip", body).status, 413);
}
