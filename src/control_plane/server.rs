//! etcd and kube-apiserver: their flags, and the wait until they serve.

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use secrecy::SecretString;
use tokio::time::MissedTickBehavior;

use super::process::Process;
use super::{Error, Tool, files};

/// Three seconds are usual. Test processes on a busy machine start several control planes at once.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// Short against the three seconds, long against the cost of a request.
const POLL_EVERY: Duration = Duration::from_millis(50);
/// A single request to a server that may not be listening yet.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);
/// Losing one race for a port is chance, losing five is something else.
const PORT_ATTEMPTS: usize = 5;
/// What Go programs say about a port that somebody else has.
const PORT_IS_TAKEN: &str = "address already in use";

/// A socket in the folder: no port to clash with, and nobody else can reach it. It is named relative to the
/// working directory of both programs, because the whole path of a socket has to be short.
const ETCD_SOCKET: &str = "unix://etcd:0";

/// Which requests an audited API server writes down, and how much of them.
const AUDIT_POLICY: &str = include_str!("audit-policy.yaml");

/// What kube-apiserver writes down of what it is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Audit {
    /// Nothing.
    None,
    /// What service accounts ask for.
    ServiceAccounts,
}

/// The advertised addresses must look like host and port; a cluster of one member never connects to them.
pub(super) fn start_etcd(program: &Path, folder: &Path) -> Result<Process, Error> {
    let arguments = vec![
        "--name=only".into(),
        flag("--data-dir=", files::etcd_data(folder)),
        format!("--listen-client-urls={ETCD_SOCKET}").into(),
        "--advertise-client-urls=http://localhost:2379".into(),
        "--listen-peer-urls=unix://peer:0".into(),
        "--initial-advertise-peer-urls=http://localhost:2380".into(),
        "--initial-cluster=only=http://localhost:2380".into(),
        "--unsafe-no-fsync".into(),
    ];
    Process::start(Tool::Etcd, program, arguments, folder)
}

/// Starts kube-apiserver on a free port, writes the kubeconfig and waits until it is ready.
pub(super) async fn start_kube_apiserver(
    program: &Path,
    folder: &Path,
    token: &SecretString,
    audit: Audit,
    etcd: &mut Process,
) -> Result<(Process, u16), Error> {
    let audit = audit_arguments(folder, audit)?;
    let kubeconfig = files::kubeconfig(folder);
    let mut last_port = 0;
    for _ in 0..PORT_ATTEMPTS {
        let port = free_port()?;
        files::write_private(&kubeconfig, &files::kubeconfig_text(folder, port, token))?;
        let arguments = [kube_apiserver_arguments(folder, port), audit.clone()].concat();
        let mut kube_apiserver = Process::start(Tool::KubeApiserver, program, arguments, folder)?;
        match wait_until_ready(&mut kube_apiserver, etcd, &kubeconfig).await {
            Ok(()) => return Ok((kube_apiserver, port)),
            Err(Error::EndedEarly { tool: Tool::KubeApiserver, .. })
                if kube_apiserver.log().contains(PORT_IS_TAKEN) =>
            {
                last_port = port;
            }
            Err(other) => return Err(other),
        }
    }
    Err(Error::PortTaken { tool: Tool::KubeApiserver, port: last_port, attempts: PORT_ATTEMPTS })
}

/// A client that shows each answer as it came: no retries.
pub(super) async fn client(kubeconfig: &Path) -> Result<kube::Client, Error> {
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| Error::MakeClient { path: kubeconfig.to_owned(), source };
    let content = Kubeconfig::read_from(kubeconfig).map_err(|error| failed(error.into()))?;
    let options = KubeConfigOptions::default();
    let mut config =
        kube::Config::from_custom_kubeconfig(content, &options).await.map_err(|error| failed(error.into()))?;
    config.default_retry = false;
    kube::Client::try_from(config).map_err(|error| failed(error.into()))
}

/// The advertised address is set, because kube-apiserver would look for one that others can reach and fail
/// on a machine without a network; then nobody may publish it either, as endpoints refuse a loopback address.
///
/// Tokens of service accounts are signed with the server's own RSA key. The server makes that key before it
/// reads the file for signing, so that no other one has to be made, and tokens are RS256 as in most clusters.
fn kube_apiserver_arguments(folder: &Path, port: u16) -> Vec<OsString> {
    vec![
        format!("--etcd-servers={ETCD_SOCKET}").into(),
        flag("--cert-dir=", files::certificates(folder)),
        format!("--secure-port={port}").into(),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        "--endpoint-reconciler-type=none".into(),
        flag("--service-account-key-file=", files::serving_key(folder)),
        flag("--service-account-signing-key-file=", files::serving_key(folder)),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        "--authorization-mode=RBAC".into(),
        flag("--token-auth-file=", files::token_table(folder)),
        "--service-cluster-ip-range=10.0.0.0/24".into(),
        "--allow-privileged=true".into(),
    ]
}

/// The log is written before the answer is given, which is what `blocking` says.
fn audit_arguments(folder: &Path, audit: Audit) -> Result<Vec<OsString>, Error> {
    match audit {
        Audit::None => Ok(Vec::new()),
        Audit::ServiceAccounts => {
            files::write_private(&files::audit_policy(folder), AUDIT_POLICY)?;
            Ok(vec![
                flag("--audit-policy-file=", files::audit_policy(folder)),
                flag("--audit-log-path=", files::audit_log(folder)),
                "--audit-log-mode=blocking".into(),
            ])
        }
    }
}

pub(super) fn flag(name: &str, value: PathBuf) -> OsString {
    let mut whole = OsString::from(name);
    whole.push(value);
    whole
}

fn free_port() -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::FindPort)
}

async fn wait_until_ready(kube_apiserver: &mut Process, etcd: &mut Process, kubeconfig: &Path) -> Result<(), Error> {
    let polled = tokio::time::timeout(READY_WITHIN, poll(kube_apiserver, etcd, kubeconfig)).await;
    polled.unwrap_or_else(|_elapsed| {
        Err(Error::NotReady {
            tool: Tool::KubeApiserver,
            seconds: READY_WITHIN.as_secs(),
            log: kube_apiserver.log_end(),
        })
    })
}

async fn poll(kube_apiserver: &mut Process, etcd: &mut Process, kubeconfig: &Path) -> Result<(), Error> {
    let mut ticks = tokio::time::interval(POLL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut client = None;
    loop {
        ticks.tick().await;
        for (tool, process) in [(Tool::Etcd, &mut *etcd), (Tool::KubeApiserver, &mut *kube_apiserver)] {
            if let Some(status) = process.ended()? {
                let log = process.log_end();
                return Err(Error::EndedEarly { tool, status, log });
            }
        }
        if client.is_none() {
            // Fails until the server has written the whole of its certificate.
            client = self::client(kubeconfig).await.ok();
        }
        if let Some(client) = &client
            && is_ready(client).await
        {
            return Ok(());
        }
    }
}

/// Ready, and the namespace is there in which most examples live; the server makes it a moment later.
async fn is_ready(client: &kube::Client) -> bool {
    let asked = async {
        let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else {
            return false;
        };
        client.request_text(request).await.is_ok() && Api::<Namespace>::all(client.clone()).get("default").await.is_ok()
    };
    tokio::time::timeout(REQUEST_WITHIN, asked).await.unwrap_or(false)
}
