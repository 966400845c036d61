//! `run`: the operator.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Args;
use jiff::SignedDuration;
use kube::Client;
use prometheus_client::registry::Registry;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{AttributionArgument, EmulatorArgument, TrustArgument};
use crate::{
    api::{AppId, TenantId},
    clock::Clock,
    controller::{Controller, Settings, credential::OperatorIdentity, queue::Limits},
    domain::Timing,
    graph::HttpTransport,
    ops::endpoint::{Endpoint, PREFIX},
};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Watch this namespace only; all namespaces if left out.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_NAMESPACE", value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Most tenants that are looked at side by side.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_MAX_LOOKS", default_value_t = 32, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    max_looks: u16,
    /// How often status.lastObservedTime is written when nothing else changes, such as 1h or 30m; 0 for never.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_HEARTBEAT", default_value = "1h", value_name = "DURATION", value_parser = heartbeat)]
    heartbeat: Heartbeat,
    /// Give consent links for this application too; by default only for "Cisco Webex Identity Integration". May be repeated,
    /// or hold several with commas between them.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_CONSENT_LINK_APP_ID", value_name = "UUID", value_delimiter = ',')]
    consent_link_app_id: Vec<AppId>,
    /// Serve metrics in the OpenMetrics form at this address, under /metrics; not served if left out.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_METRICS_ADDRESS", value_name = "ADDRESS")]
    metrics_address: Option<SocketAddr>,
    /// Give each object series of its own among the metrics; false leaves them out, for thousands of objects.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_OBJECT_METRICS", default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false", hide_possible_values = true)]
    object_metrics: bool,
    #[command(flatten)]
    attribution: AttributionArgument,
    #[command(flatten)]
    identity: IdentityArguments,
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

/// The identity of the process itself, as Microsoft's workload identity webhook hands it to a pod.
#[derive(Debug, Args)]
struct IdentityArguments {
    /// Let objects of this namespace use the operator's own identity (spec.credentials.operatorIdentity) for this tenant.
    /// May be repeated, or hold several with commas between them; nobody may by default.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_ALLOW_OPERATOR_IDENTITY", value_name = "NAMESPACE=TENANT", value_delimiter = ',', value_parser = allowed)]
    allow_operator_identity: Vec<(String, TenantId)>,
    /// Audience of the Kubernetes tokens that are exchanged, where it is another than the cloud's.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_EXCHANGE_AUDIENCE", value_name = "AUDIENCE", value_parser = audience)]
    exchange_audience: Option<String>,
    /// Application of the operator's own identity.
    #[arg(long, hide = true, env = "AZURE_CLIENT_ID")]
    azure_client_id: Option<String>,
    /// File with the token of the operator's own identity.
    #[arg(long, hide = true, env = "AZURE_FEDERATED_TOKEN_FILE")]
    azure_federated_token_file: Option<PathBuf>,
    /// Login host of the cloud of the operator's own identity.
    #[arg(long, hide = true, env = "AZURE_AUTHORITY_HOST")]
    azure_authority_host: Option<String>,
}

impl IdentityArguments {
    fn operator(&self) -> OperatorIdentity {
        // The variables may be there for something else; what is no application ID is as good as none.
        let client = self.azure_client_id.as_deref().and_then(|id| id.parse().ok());
        OperatorIdentity {
            client,
            token_file: self.azure_federated_token_file.clone(),
            authority_host: self.azure_authority_host.clone().filter(|host| !host.is_empty()),
            allowed: self.allow_operator_identity.iter().cloned().collect(),
        }
    }
}

fn allowed(text: &str) -> Result<(String, TenantId), String> {
    let wrong = || "must be NAMESPACE=TENANT with the tenant's UUID".to_owned();
    let (namespace, tenant) = text.split_once('=').ok_or_else(wrong)?;
    let is_namespace = !namespace.is_empty() && namespace.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let tenant = tenant.parse().map_err(|_| wrong())?;
    if is_namespace { Ok((namespace.to_owned(), tenant)) } else { Err(wrong()) }
}

/// Kubernetes' own audiences must not be asked for: such a token would be good at the API server.
fn audience(text: &str) -> Result<String, String> {
    match text.strip_prefix("api://") {
        Some(rest) if !rest.is_empty() => Ok(text.to_owned()),
        _ => Err("must begin with api://, such as api://AzureADTokenExchange".to_owned()),
    }
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
    let server = arguments.emulator.base();
    if let Some(url) = &server {
        warn!(url, "EMULATOR: this process asks {url} instead of Microsoft; its verdicts are about a pretend tenant");
    }
    let transport = HttpTransport::new(&arguments.trust.transport_options()?)?;
    let timing =
        Timing { heartbeat: arguments.heartbeat.0, ..Timing::PRODUCTION.shortened_by(arguments.timing_divisor) };
    let settings = Settings {
        namespace: arguments.namespace,
        limits: limits(arguments.max_looks),
        timing,
        server,
        exchange_audience: arguments.identity.exchange_audience.clone(),
        operator: arguments.identity.operator(),
        linkable: arguments.consent_link_app_id,
        attribution: arguments.attribution.how(),
        instance: arguments.instance,
    };
    let stop = CancellationToken::new();
    let mut controller = Controller::new(client, transport, Clock::system(), settings);
    let mut serving = JoinSet::new();
    if let Some(address) = arguments.metrics_address {
        let endpoint = Endpoint::bind(address).await?;
        let mut registry = Registry::with_prefix(PREFIX);
        controller.register(&mut registry);
        if arguments.object_metrics {
            controller.register_objects(&mut registry);
        }
        info!(address = endpoint.address().map(tracing::field::display), "serving metrics at /metrics");
        serving.spawn(endpoint.serve(registry, stop.clone()));
    }
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
    serving.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// As many looks side by side as asked for, a quarter of them for one tenant.
pub fn limits(total: u16) -> Limits {
    let total = usize::from(total);
    Limits { total, per_tenant: (total / 4).max(1) }
}

/// A client for the cluster of the kubeconfig, or of the pod, that answers.
pub async fn kubernetes_client() -> anyhow::Result<Client> {
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
