//! Runs the built program, beside an emulator of its own.

use std::{net::SocketAddr, path::Path, process::Stdio, sync::Arc};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::{io::AsyncWriteExt as _, process::Command};
use webex_azure_operator::{
    clock::Clock,
    emulator::{Emulator, Knobs, Scenario, Settings, server},
};

use super::contract::{self, Contract};

/// The manifest that the repository shows.
pub const EXAMPLE: &str = include_str!("../../examples/incident.yaml");

/// "Cisco Webex Identity Integration".
pub const INTEGRATION: &str = "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae";

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    /// Exit status.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs the program with these arguments and this standard input, in an empty environment but for what is given.
pub async fn run(arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_webex-azure-operator"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that does not read its input may have closed it already.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A pretend tenant whose time stands still, so that deadlines in golden files do not move.
pub struct Tenant {
    running: server::Running,
    now: Timestamp,
    /// Fails the test at its end if the emulator answered otherwise than Microsoft describes.
    _contract: Contract,
}

impl Tenant {
    /// The tenant of the incident, in order.
    pub fn new() -> Self {
        Self::of(&Scenario::incident())
    }

    /// A tenant of one's own.
    pub fn of(scenario: &Scenario) -> Self {
        let now = Timestamp::from_second(Clock::system().now().as_second()).unwrap();
        let mut emulator = Emulator::new(Settings { seed: 1, public_url: String::new(), knobs: Knobs::calm() });
        emulator.load(now, scenario).unwrap();
        let contract = contract::watch(&mut emulator);
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        // The program has the machine's time, by which deadlines pass and provisioning is overdue. Tokens are checked
        // against the emulator's, which may stand still.
        let running = server::serve(emulator, loopback, loopback, Arc::new(move || now)).unwrap();
        Self { running, now, _contract: contract }
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        self.running.public_url()
    }

    /// What an administrator does.
    pub async fn act(&self, method: &str, path: &str, body: serde_json::Value) {
        self.ask(method, path, body).await;
    }

    /// What an administrator of this tenant does.
    pub async fn act_in(&self, tenant: &str, method: &str, path: &str, body: serde_json::Value) {
        self.ask_in(tenant, method, path, body).await;
    }

    async fn ask(&self, method: &str, path: &str, body: serde_json::Value) -> Bytes {
        self.ask_in("00000000-0000-4000-8000-000000000001", method, path, body).await
    }

    async fn ask_in(&self, tenant: &str, method: &str, path: &str, body: serde_json::Value) -> Bytes {
        // The first of several tests is the one that succeeds.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let request = serde_json::json!({
            "tenantId": tenant, "user": "admin@contoso.com",
            "method": method, "path": path, "body": body,
        });
        let answer = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .post(format!("{}/as", self.running.control_url()))
            .header("content-type", "application/json")
            .body(Bytes::from(request.to_string()))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.status());
        answer.bytes().await.unwrap()
    }

    /// Takes `Directory.Read.All` from the operator's application; from the next token on.
    pub async fn revoke_directory_read_all(&self) {
        const ROLE: &str = "7ab1d382-f21e-4acd-a863-ba3e13f7da61";
        let path = "/servicePrincipals/00000000-0000-4000-8000-000000000032/appRoleAssignments";
        let answer = self.ask("GET", path, serde_json::Value::Null).await;
        let list: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let of = |assignment: &serde_json::Value, name| assignment.get(name)?.as_str().map(str::to_owned);
        let assignments = list.get("value").and_then(|value| value.as_array()).into_iter().flatten();
        let mut held = assignments.filter(|assignment| of(assignment, "appRoleId").as_deref() == Some(ROLE));
        let id = held.next().and_then(|assignment| of(assignment, "id")).expect("the role is held");
        self.act("DELETE", &format!("{path}/{id}"), serde_json::Value::Null).await;
    }

    /// Output without the port of this emulator and as if it were always the same time, so that it can be compared.
    pub fn plain(&self, output: &str) -> String {
        let later = self.now.checked_add(SignedDuration::from_hours(30 * 24)).unwrap();
        output
            .replace(&self.url(), "http://127.0.0.1:PORT")
            .replace(&self.now.to_string(), "2026-11-23T08:00:00Z")
            .replace(&later.to_string(), "2026-12-23T08:00:00Z")
    }
}

/// Compares with a golden file; `UPDATE=1` rewrites it.
#[expect(clippy::disallowed_methods, reason = "the switch that rewrites files is not an argument of the test runner")]
pub fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli").join(name);
    if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{} differs; if the new text is better: UPDATE=1 cargo test", path.display());
}
