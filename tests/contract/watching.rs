//! Whoever watches an emulator is told, wherever it runs, and is told again.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use webex_azure_operator::emulator::{Emulator, Knobs, Scenario, Settings, server};

use super::check::{memory, watch};

const TENANT: &str = "00000000-0000-4000-8000-000000000001";
const JOBS: &str = "/v1.0/servicePrincipals/00000000-0000-4000-8000-000000000011/synchronization/jobs";
const FORM: &str = "grant_type=client_credentials&client_id=00000000-0000-4000-8000-000000000031&client_secret=emulator-only-secret&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";

fn now() -> Timestamp {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

/// An emulator whose provisioning job has this state.
fn emulator(state: &str) -> Emulator {
    let mut scenario = json!(Scenario::incident());
    // The job is shown as it is written, however wrong that is.
    scenario["provisioningTargets"] = json!({});
    for jobs in scenario["synchronizationJobs"].as_object_mut().unwrap().values_mut() {
        jobs[0]["status"]["code"] = state.into();
    }
    let public_url = "http://127.0.0.1:8080".to_owned();
    let mut emulator = Emulator::new(Settings { seed: 1, public_url, knobs: Knobs::calm() });
    emulator.load(now(), &serde_json::from_value(scenario).unwrap()).unwrap();
    emulator
}

fn jobs(emulator: &mut Emulator) {
    let request = Request::post(format!("/{TENANT}/oauth2/v2.0/token")).body(Bytes::from(FORM)).unwrap();
    let answer: Value = serde_json::from_slice(emulator.handle(now(), request).body()).unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let request = Request::get(JOBS).header("authorization", format!("Bearer {token}")).body(Bytes::new()).unwrap();
    assert_eq!(emulator.handle(now(), request).status(), 200);
}

#[test]
fn a_right_answer_is_nothing_to_tell() {
    let mut emulator = emulator("Active");
    let contract = watch(&mut emulator);
    jobs(&mut emulator);
    jobs(&mut emulator);
    contract.check();
}

#[test]
fn a_wrong_answer_is_told_each_time() {
    let mut emulator = emulator("Splendid");
    let contract = watch(&mut emulator);
    for _ in 0..2 {
        jobs(&mut emulator);
        let told = contract.take();
        assert_eq!(told.len(), 1, "{told:?}");
        for part in [
            "servicePrincipal.synchronization.ListJob",
            JOBS.trim_start_matches("/v1.0"),
            "/value/0/status/code",
            "Splendid",
        ] {
            assert!(told[0].contains(part), "{part}: {}", told[0]);
        }
    }
}

#[test]
fn a_wrong_answer_fails_whoever_does_not_ask() {
    let mut emulator = emulator("Splendid");
    let contract = watch(&mut emulator);
    jobs(&mut emulator);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(contract)));
    let words = *failed.unwrap_err().downcast::<String>().unwrap();
    assert!(words.contains("/value/0/status/code"), "{words}");
}

#[tokio::test]
async fn a_wrong_answer_of_a_server_is_told_and_the_server_lives_on() {
    let mut emulator = emulator("Splendid");
    let contract = watch(&mut emulator);
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let running = server::serve(emulator, loopback, loopback, Arc::new(now)).unwrap();
    let ask = async |head: String, body: &str| {
        let mut stream = tokio::net::TcpStream::connect(running.public()).await.unwrap();
        let length = body.len();
        let request = format!("{head}\r\nhost: here\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let form = FORM.replace("https%3A%2F%2Fgraph.microsoft.com", &running.public_url().replace(':', "%3A"));
    let answer = ask(format!("POST /{TENANT}/oauth2/v2.0/token HTTP/1.1"), &form).await;
    let token = answer.split("\"access_token\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for _ in 0..2 {
        let answer = ask(format!("GET {JOBS} HTTP/1.1\r\nauthorization: Bearer {token}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert_eq!(contract.take().len(), 1);
    }
    running.stop().await;
}

/// The shapes of a batch with these items.
fn shapes(items: &[(&str, &str)]) -> Vec<u64> {
    let requests: Vec<String> =
        items.iter().map(|(id, _)| format!(r#"{{"id":"{id}","method":"GET","url":"/servicePrincipals"}}"#)).collect();
    let responses: Vec<String> = items
        .iter()
        .map(|(id, body)| format!(r#"{{"body":{body},"headers":{{"a":"id"}},"id":"{id}","status":200}}"#))
        .collect();
    let request = format!(r#"{{"requests":[{}]}}"#, requests.join(","));
    let response = format!(r#"{{"responses":[{}]}}"#, responses.join(","));
    let request = Request::post("/v1.0/$batch").body(Bytes::from(request)).unwrap();
    memory::shapes(&request, &Response::new(Bytes::from(response)))
}

#[test]
fn a_shape_leaves_out_identifiers_and_dates_and_nothing_else() {
    let shape = |text: &str| shapes(&[("1", text)]);
    let same = [
        (r#"{"id":"00000000-0000-4000-8000-000000000001"}"#, r#"{"id":"ffffffff-0000-4000-8000-000000000002"}"#),
        (r#"{"at":"2026-11-20T08:00:00Z"}"#, r#"{"at":"2025-01-31T23:59:59.123Z"}"#),
        (r#"{"at":"2026-11-20T08:00:00"}"#, r#"{"at":"2025-01-31T23:59:59"}"#),
        (r#"{"n":123456}"#, r#"{"n":1234}"#),
        (
            r#"{"i":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"}"#,
            r#"{"i":"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB-2"}"#,
        ),
    ];
    for (left, right) in same {
        assert_eq!(shape(left), shape(right), "{left} {right}");
    }
    let different = [
        (r#"{"id":"00000000-0000-4000-8000-000000000001"}"#, r#"{"id":"00000000-0000-4000-8000-00000000000x"}"#),
        (r#"{"id":"00000000-0000-4000-8000-000000000001"}"#, r#"{"id":null}"#),
        (r#"{"at":"2026-11-20T08:00:00Z"}"#, r#"{"at":"2026-11-20T08:00:00"}"#),
        (r#"{"at":"2026-11-20T08:00:00Z"}"#, r#"{"at":"2026-13-20T08:00:00Z"}"#),
        (r#"{"at":"2026-11-20T08:00:00Z"}"#, r#"{"at":"2026-02-29T08:00:00Z"}"#),
        (r#"{"at":"2026-11-20T08:00:00Z"}"#, r#"{"at":"2026-11-20 08:00:00Z"}"#),
        (r#"{"n":1234}"#, r#"{"n":"1234"}"#),
        (r#"{"n":1234}"#, r#"{"n":12345678901}"#),
        (r#"{"code":"Active"}"#, r#"{"code":"active"}"#),
        (r#"{"code":"Active"}"#, r#"{"kode":"Active"}"#),
        (r#"{"code":"Active"}"#, r#"{"code":"Active","more":[]}"#),
        (r#"{"code":200}"#, r#"{"code":201}"#),
    ];
    for (left, right) in different {
        assert_ne!(shape(left), shape(right), "{left} {right}");
    }
}

#[test]
fn the_shapes_of_a_batch_do_not_depend_on_the_order_of_its_answers() {
    let (one, two) = (("1", r#"{"a":"}],{\"id\":\"x"}"#), ("2", r#"{"b":[1,{"id":"2"}]}"#));
    let (mut straight, mut turned) = (shapes(&[one, two]), shapes(&[two, one]));
    assert_eq!(straight.len(), 2);
    straight.sort_unstable();
    turned.sort_unstable();
    assert_eq!(straight, turned);
}
