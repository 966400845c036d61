//! One emulated tenant, and what every answer has to be whatever was asked.

use std::sync::OnceLock;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::Value;
use webex_azure_operator::emulator::{Emulator, Knobs, Scenario, Settings};

const TENANT: &str = "00000000-0000-4000-8000-000000000001";

fn now() -> Timestamp {
    Timestamp::constant(1_795_161_600, 0)
}

/// The tenant of the incident as it is at the beginning: each input meets the same one.
pub fn emulator() -> Emulator {
    let settings = Settings { seed: 1, public_url: "http://127.0.0.1:8080".to_owned(), knobs: Knobs::calm() };
    let mut emulator = Emulator::new(settings);
    emulator.load(now(), &Scenario::incident()).expect("the incident is a scenario");
    emulator
}

/// A token of the operator, signed once.
fn token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| {
        let form = "grant_type=client_credentials&client_id=00000000-0000-4000-8000-000000000031&client_secret=emulator-only-secret&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
        let request = Request::post(format!("/{TENANT}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from_static(form.as_bytes()))
            .expect("it is a request");
        let response = emulator().handle(now(), request);
        let body: Value = serde_json::from_slice(response.body()).expect("the token endpoint answers JSON");
        body["access_token"].as_str().expect("the operator signs in").to_owned()
    })
}

/// Asks as the operator. What is no address is not asked.
pub fn ask(emulator: &mut Emulator, method: &str, target: &str, eventual: bool, body: &[u8]) {
    let mut request = Request::builder().method(method).uri(target);
    request = request.header("authorization", format!("Bearer {}", token()));
    if eventual {
        request = request.header("consistencylevel", "eventual");
    }
    if let Ok(request) = request.body(Bytes::copy_from_slice(body)) {
        judge(&emulator.handle(now(), request));
    }
}

/// An answer is never a fault of the server, and a refusal has the documented members.
fn judge(response: &Response<Bytes>) {
    let status = response.status().as_u16();
    let text = String::from_utf8_lossy(response.body());
    assert!(status < 500 || status == 501, "{status}: {text}");
    if status >= 400 {
        let body: Value = serde_json::from_slice(response.body()).expect("a refusal is JSON");
        let inner = &body["error"]["innerError"];
        let has = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        assert!(has(&body["error"]["code"]) && has(&body["error"]["message"]), "{text}");
        assert!(["date", "request-id", "client-request-id"].iter().all(|name| has(&inner[*name])), "{text}");
    }
    let items: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    for item in items["responses"].as_array().into_iter().flatten() {
        assert!(item["status"].as_u64().is_some_and(|status| status < 500 || status == 501), "{item}");
    }
}

/// Reads one input as a query: the first byte says which option, on which list and whether of the index.
pub fn query(data: &[u8]) {
    const OPTIONS: [&str; 6] = ["$filter", "$search", "$expand", "$select", "$orderby", "$skiptoken"];
    const LISTS: [&str; 4] =
        ["servicePrincipals", "applications", "oauth2PermissionGrants", "auditLogs/directoryAudits"];
    let Some((first, value)) = data.split_first() else { return };
    let first = usize::from(*first);
    let (option, list, eventual) = (OPTIONS[first % 6], LISTS[first / 6 % 4], first / 24 % 2 == 1);
    let value: String = value.iter().map(|byte| format!("%{byte:02X}")).collect();
    let count = if eventual { "&$count=true" } else { "" };
    ask(&mut emulator(), "GET", &format!("/v1.0/{list}?{option}={value}{count}"), eventual, &[]);
}

/// Reads one input as the body of a batch.
pub fn batch(data: &[u8]) {
    ask(&mut emulator(), "POST", "/v1.0/$batch", false, data);
}

#[cfg(test)]
mod tests {
    fn each(folder: &str, run: fn(&[u8])) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(folder);
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty());
        for file in files {
            run(&std::fs::read(file).unwrap());
        }
    }

    #[test]
    fn the_seeds_are_answered() {
        each("query", super::query);
        each("batch", super::batch);
    }
}
