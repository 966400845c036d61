//! The emulator over https with a tenant of some size, and clients that know nothing of it.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use webex_azure_operator::emulator::server::{Authority, Running, serve_https};
use webex_azure_operator::emulator::{Emulator, Knobs, Settings};

use super::contract::{self, Contract};
use super::program::program;
use super::proxy::Proxy;
use super::tenant::{self, GRAPH, INTEGRATION_APP, MANY, OPERATOR_APP, SECRET, TENANT};

/// Longer than any job, with its retries, takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);

pub struct Scene {
    running: Running,
    proxy: Proxy,
    folder: TempDir,
    contract: Contract,
    jobs: u32,
}

fn now() -> Timestamp {
    // Clients compare certificates and tokens with the machine's clock.
    Timestamp::try_from(std::time::UNIX_EPOCH + std::time::UNIX_EPOCH.elapsed().unwrap()).unwrap()
}

impl Scene {
    /// A tenant of its own for each test; the program is built before anything has a lifetime.
    pub async fn new(knobs: Knobs) -> Self {
        program();
        let authority = Authority::new(now()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        authority.write(&folder.path().join("authority.pem")).unwrap();
        std::fs::write(folder.path().join("client.pem"), tenant::certificate_and_key()).unwrap();
        std::fs::write(folder.path().join("assertion"), tenant::assertion(now())).unwrap();
        let mut emulator = Emulator::new(Settings { seed: 1, public_url: String::new(), knobs });
        emulator.load(now(), &tenant::scenario()).unwrap();
        let contract = contract::watch(&mut emulator);
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let running = serve_https(emulator, any, any, Arc::new(now), &authority).unwrap();
        let proxy = Proxy::to(running.public()).await;
        Self { running, proxy, folder, contract, jobs: 0 }
    }

    /// The emulator by its own address.
    pub fn local(&self) -> String {
        format!("https://localhost:{}", self.running.public().port())
    }

    /// What a client saw that does this job with these settings beside the usual ones.
    pub async fn job(&mut self, name: &str, changes: Value) -> Value {
        self.jobs += 1;
        let (succeeded, seen, said) = self.run(name, changes).await;
        assert!(succeeded, "{name}: {said}");
        serde_json::from_str(&seen).unwrap()
    }

    async fn run(&self, name: &str, changes: Value) -> (bool, String, String) {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let mut settings = json!({
            "tenant": TENANT,
            "clientId": OPERATOR_APP,
            "secret": SECRET,
            "certificateFile": file("client.pem"),
            "assertionFile": file("assertion"),
            "local": self.local(),
            "control": self.running.control_url(),
            "cloud": "public",
            "credential": "secret",
            "appId": INTEGRATION_APP,
            "resourceId": GRAPH,
            "roleId": tenant::GROUP_READ_ALL,
            "prefix": MANY,
        });
        for (name, value) in changes.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let mut child = Command::new(program())
            .arg(name)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("HTTPS_PROXY", format!("http://{}", self.proxy.address))
            .env("SSL_CERT_FILE", self.folder.path().join("authority.pem"))
            .env("SSL_CERT_DIR", self.folder.path().join("none"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(settings.to_string().as_bytes()).await.unwrap();
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the job ends").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    /// The tenant as it is, whatever its readers still see.
    pub async fn truth(&self) -> Value {
        self.control(&format!("/truth/{TENANT}")).await
    }

    /// What was asked so far, without secrets.
    pub async fn requests(&self) -> Vec<Value> {
        self.control("/requests").await["requests"].as_array().unwrap().clone()
    }

    async fn control(&self, path: &str) -> Value {
        let address = self.running.control();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    /// No client asked for anybody else, and no answer was other than described. Tells how much was done.
    pub async fn end(self, title: &str) {
        let requests = self.requests().await;
        self.proxy.check();
        self.contract.check();
        let with = |status: u16| requests.iter().filter(|request| request["status"] == status).count();
        tell(&format!(
            "clients: {} jobs, {} requests, {} throttled, {} not found, {} hosts: {title}",
            self.jobs,
            requests.len(),
            with(429),
            with(404),
            self.proxy.named().len(),
        ));
        self.running.stop().await;
    }
}

/// Past the capture of the test harness: figures are read when all is well.
fn tell(line: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "{line}"));
}
