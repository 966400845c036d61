//! `run`: the operator.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use jiff::SignedDuration;
use kube::{Client, config::InClusterError};
use prometheus_client::registry::Registry;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{AttributionArgument, EmulatorArgument, TrustArgument};
use crate::{
    api::{AppId, TenantId},
    clock::Clock,
    controller::{
        ANSWER_WITHIN, Area, Controller, Settings, Trouble,
        credential::OperatorIdentity,
        lease::{self, Candidate, LeaseName, election::Terms},
        preflight,
        queue::Limits,
        vital::{Standing, Vital},
    },
    domain::Timing,
    graph::HttpTransport,
    ops::{
        self,
        endpoint::{Endpoint, Metrics, PREFIX},
        health, register_process,
    },
};

/// Name of a process that was given none.
const NAME: &str = "webex-azure-operator";

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Watch this namespace only; all namespaces if left out. May be repeated, or be a list with commas.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_NAMESPACE", value_name = "NAMESPACE", value_delimiter = ',', value_parser = namespace)]
    namespace: Vec<String>,
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
    /// Stand for election by this Lease, so that of several processes one acts and another takes over when it is gone. Without
    /// it this process acts alone.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_LEASE", value_name = "NAMESPACE/NAME")]
    lease: Option<LeaseName>,
    /// Answer the probes of a kubelet at this address, under /livez and /readyz; not answered if left out.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_HEALTH_ADDRESS", value_name = "ADDRESS")]
    health_address: Option<SocketAddr>,
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
    /// Name of this process in events and in the Lease.
    #[arg(long, hide = true, env = "HOSTNAME")]
    instance: Option<String>,
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

/// An empty name is refused too: a list that is empty by mistake must not become all namespaces.
fn namespace(text: &str) -> Result<String, String> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = text.chars().all(is_inner) && !text.starts_with('-') && !text.ends_with('-');
    if is_name && (1..=63).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err("must be the name of a namespace: up to 63 lower-case letters, digits and -, such as webex".to_owned())
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

/// Runs until SIGTERM or Ctrl-C; a second one does not wait for anything.
pub async fn run(arguments: RunArguments) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let stop = CancellationToken::new();
    let clock = Clock::system();
    let vital = Vital::new(clock.clone());
    let mut serving = JoinSet::new();
    if let Some(address) = arguments.health_address {
        let endpoint = Endpoint::bind(address, "probes").await?;
        info!(address = endpoint.address().map(tracing::field::display), "answering probes at /livez and /readyz");
        let (live, ready) = (vital.clone(), vital.clone());
        serving.spawn(endpoint.serve(health::router(move || live.live(), move || ready.ready())));
    }
    let running = operate(arguments, clock, vital.clone(), stop.clone());
    let mut running = std::pin::pin!(running);
    tokio::select! {
        biased;
        ended = &mut running => ended?,
        _ = signals.next() => {
            info!("stopping; a second signal ends this process at once");
            vital.stopping();
            stop.cancel();
            tokio::select! {
                biased;
                ended = &mut running => ended?,
                code = signals.next() => {
                    warn!("ended at once; what was under way is dropped");
                    return Ok(ExitCode::from(code));
                }
            }
        }
    }
    serving.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// SIGTERM and Ctrl-C.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("could not listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("could not listen for SIGINT")?,
        })
    }

    /// The next of them, as the exit status of a process that it ends.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => 128 + 15,
            _ = self.interrupt.recv() => 128 + 2,
        }
    }
}

/// Connects, and runs the controller for as long as it may act.
async fn operate(arguments: RunArguments, clock: Clock, vital: Vital, stop: CancellationToken) -> anyhow::Result<()> {
    let started = clock.now();
    let areas = Area::of(arguments.namespace.clone());
    let client = tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        client = ready_client(&areas) => client?,
    };
    let candidate = arguments.candidate(&client, &clock, &vital);
    let mut registry = Registry::default();
    register_process(&mut registry, started);
    let own = registry.sub_registry_with_prefix(PREFIX);
    match &candidate {
        Some(candidate) => candidate.register(own),
        None => lease::register_alone(own),
    }
    let metrics = Metrics::new(registry);
    let mut serving = JoinSet::new();
    if let Some(address) = arguments.metrics_address {
        let endpoint = Endpoint::bind(address, "metrics").await?;
        info!(address = endpoint.address().map(tracing::field::display), "serving metrics at /metrics");
        serving.spawn(endpoint.serve(metrics.clone().router()));
    }
    let transport = Arc::new(HttpTransport::new(&arguments.trust.transport_options()?)?);
    let has_object_metrics = arguments.object_metrics;
    let settings = arguments.settings();
    info!(version = env!("CARGO_PKG_VERSION"), "starting");
    let start = |client: Client| {
        let mut controller = Controller::new(client, Arc::clone(&transport), clock.clone(), settings.clone());
        controller.show_life(vital.clone());
        let mut registry = Registry::with_prefix(PREFIX);
        controller.register(&mut registry);
        if has_object_metrics {
            controller.register_objects(&mut registry);
        }
        let shown = metrics.show(registry);
        let stop = stop.clone();
        async move {
            controller.read_schema().await;
            let ended = controller.run(stop).await;
            drop(shown);
            ended
        }
    };
    if let Some(candidate) = candidate {
        candidate.lead(stop.clone(), start).await?;
    } else {
        info!("no lease is named (--lease): this process acts without an election, so let no second one run");
        vital.stands(Standing::Alone);
        start(client).await?;
    }
    serving.shutdown().await;
    Ok(())
}

impl RunArguments {
    /// Whoever stands for election, if a Lease is named.
    fn candidate(&self, client: &Client, clock: &Clock, vital: &Vital) -> Option<Candidate> {
        let name = self.lease.clone()?;
        // Two processes of one name would both believe that the lease is theirs.
        let identity = self.name().map_or_else(|| format!("{NAME}_{}", clock.uuid()), str::to_owned);
        let terms = Terms::PRODUCTION.shortened_by(self.timing_divisor.unsigned_abs());
        Some(Candidate::new(client.clone(), name, identity, terms, clock.clone(), vital.clone()))
    }

    fn name(&self) -> Option<&str> {
        self.instance.as_deref().filter(|name| !name.is_empty())
    }

    fn settings(self) -> Settings {
        let server = self.emulator.base();
        if let Some(url) = &server {
            warn!(
                url,
                "EMULATOR: this process asks {url} instead of Microsoft; its verdicts are about a pretend tenant"
            );
        }
        Settings {
            instance: self.name().unwrap_or(NAME).to_owned(),
            areas: Area::of(self.namespace),
            limits: limits(self.max_looks),
            timing: Timing { heartbeat: self.heartbeat.0, ..Timing::PRODUCTION.shortened_by(self.timing_divisor) },
            server,
            exchange_audience: self.identity.exchange_audience.clone(),
            operator: self.identity.operator(),
            linkable: self.consent_link_app_id,
            attribution: self.attribution.how(),
        }
    }
}

/// As many looks side by side as asked for, a quarter of them for one tenant.
pub fn limits(total: u16) -> Limits {
    let total = usize::from(total);
    Limits { total, per_tenant: (total / 4).max(1) }
}

/// A client for a cluster in which these areas can be watched.
async fn ready_client(areas: &BTreeSet<Area>) -> anyhow::Result<Client> {
    let (client, server) = connect().await?;
    preflight(&client, areas, &server).await?;
    Ok(client)
}

/// A client for the cluster of the kubeconfig, or of the pod, that answers.
pub async fn kubernetes_client() -> anyhow::Result<Client> {
    connect().await.map(|(client, _)| client)
}

/// The client, and how its server is called in sentences.
async fn connect() -> anyhow::Result<(Client, String)> {
    let mut config = kube::Config::infer().await.map_err(|error| unconfigured(&error))?;
    // Repeating inside the client would hide trouble from the loop, which repeats by itself.
    config.default_retry = false;
    // HTTPS_PROXY is about the way to Microsoft; and it may hold a password, which an error of kube would show.
    config.proxy_url = None;
    let server = format!("the Kubernetes API server at {}", config.cluster_url);
    let client = Client::try_from(config).context("could not set up the Kubernetes client")?;
    let version = tokio::time::timeout(ANSWER_WITHIN, client.apiserver_version())
        .await
        .map_err(|_| Trouble::silent(&server))?
        .map_err(|error| Trouble::of(&error, &server))?;
    info!(server.version = version.git_version, "connected to {server}");
    Ok((client, server))
}

/// Why no cluster is known: in a pod, where there is always one, because its account cannot be read.
fn unconfigured(error: &kube::config::InferConfigError) -> anyhow::Error {
    match kube::Config::incluster() {
        Ok(_) | Err(InClusterError::ReadEnvironmentVariable(_)) => {
            let cause = std::error::Error::source(error).map(ops::chain).unwrap_or_default();
            anyhow::anyhow!(cause).context("no Kubernetes cluster is configured: set KUBECONFIG, or run inside a cluster")
        }
        Err(error) => anyhow::anyhow!(ops::chain(&error)).context(
            "the ServiceAccount of this pod cannot be used: let its token be mounted (automountServiceAccountToken: true)",
        ),
    }
}
