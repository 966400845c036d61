//! `run`: the operator.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::SignedDuration;
use kube::Client;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{EmulatorArgument, TrustArgument};
use crate::{
    api::AppId,
    clock::Clock,
    controller::{Controller, Settings, queue::Limits},
    domain::Timing,
    graph::HttpTransport,
};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Watch this namespace only; all namespaces if left out.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_NAMESPACE", value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Most tenants that are looked at side by side.
    #[arg(long, default_value_t = 32, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    max_looks: u16,
    /// How often status.lastObservedTime is written when nothing else changes, such as 1h or 30m; 0 for never.
    #[arg(long, default_value = "1h", value_name = "DURATION", value_parser = heartbeat)]
    heartbeat: Heartbeat,
    /// Give consent links for this application too; by default only for "Cisco Webex Identity Integration". May be repeated.
    #[arg(long, value_name = "UUID")]
    consent_link_app_id: Vec<AppId>,
    #[command(flatten)]
    trust: TrustArgument,
    #[command(flatten)]
    emulator: EmulatorArgument,
    /// Shorten the confirmation window and the paces by this factor, for tests.
    #[arg(long, hide = true, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..))]
    timing_divisor: i32,
    /// Name of this process in events.
    #[arg(long, hide = true, env = "HOSTNAME", default_value = "webex-azure-operator")]
    instance: String,
}

/// How often `lastObservedTime` is written at rest.
#[derive(Debug, Clone, Copy)]
struct Heartbeat(Option<SignedDuration>);

fn heartbeat(text: &str) -> Result<Heartbeat, String> {
    if text == "0" {
        return Ok(Heartbeat(None));
    }
    let duration: SignedDuration = text.parse().map_err(|_| "must be a duration such as 1h or 30m, or 0".to_owned())?;
    if duration < SignedDuration::from_mins(1) {
        return Err("must be 1m or longer, or 0".to_owned());
    }
    Ok(Heartbeat(Some(duration)))
}

/// Runs until SIGTERM or Ctrl-C.
pub async fn run(arguments: RunArguments) -> anyhow::Result<ExitCode> {
    let client = kubernetes_client().await?;
    let server = arguments.emulator.endpoints();
    if let Some(server) = &server {
        warn!(
            url = server.graph,
            "EMULATOR: this process asks {} instead of Microsoft; its verdicts are about a pretend tenant",
            server.graph
        );
    }
    let transport = HttpTransport::new(&arguments.trust.transport_options()?)?;
    let timing =
        Timing { heartbeat: arguments.heartbeat.0, ..Timing::PRODUCTION.shortened_by(arguments.timing_divisor) };
    let settings = Settings {
        namespace: arguments.namespace,
        limits: limits(arguments.max_looks),
        timing,
        server,
        linkable: arguments.consent_link_app_id,
        instance: arguments.instance,
    };
    let stop = CancellationToken::new();
    let controller = Controller::new(client, transport, Clock::system(), settings);
    info!(version = env!("CARGO_PKG_VERSION"), "starting");
    let running = controller.run(stop.clone());
    let mut running = std::pin::pin!(running);
    let mut terminate = signal(SignalKind::terminate()).context("could not listen for SIGTERM")?;
    tokio::select! {
        biased;
        ended = &mut running => ended?,
        () = async { tokio::select! { biased; _ = terminate.recv() => {}, _ = tokio::signal::ctrl_c() => {} } } => {
            info!("stopping");
            stop.cancel();
            running.await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// As many looks side by side as asked for, a quarter of them for one tenant.
pub fn limits(total: u16) -> Limits {
    let total = usize::from(total);
    Limits { total, per_tenant: (total / 4).max(1) }
}

async fn kubernetes_client() -> anyhow::Result<Client> {
    let mut config = kube::Config::infer()
        .await
        .context("no Kubernetes cluster is configured: set KUBECONFIG, or run inside a cluster")?;
    // Repeating inside the client would hide trouble from the loop, which repeats by itself.
    config.default_retry = false;
    let url = config.cluster_url.to_string();
    let client = Client::try_from(config).context("could not set up the Kubernetes client")?;
    let version = tokio::time::timeout(std::time::Duration::from_secs(15), client.apiserver_version())
        .await
        .with_context(|| format!("the Kubernetes API server at {url} did not answer in 15 seconds"))?
        .with_context(|| format!("could not reach the Kubernetes API server at {url}"))?;
    info!(server.version = version.git_version, "connected to the Kubernetes API server at {url}");
    Ok(client)
}
