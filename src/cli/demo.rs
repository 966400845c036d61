//! `demo`: the incident that this operator was made for, told as it happens on a real Kubernetes API server.

mod story;
mod tenant;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use jiff::SignedDuration;
use kube::Client;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{output, run::limits};
use crate::{
    clock::Clock,
    control_plane::{Assets, ControlPlane, Tool},
    controller::{Area, Controller, RunError, Settings, credential::OperatorIdentity},
    domain::{Attribution, Timing},
    emulator::{self, Emulator, Knobs, Scenario, server},
    graph::{HttpTransport, TransportOptions},
};
use story::Story;
use tenant::Tenant;

/// The operator's windows and paces in the demo: 60 seconds become 3.
const SPEED: i32 = 20;

/// Replication lag of the pretend tenant.
const LAG: SignedDuration = SignedDuration::from_millis(500);

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Leave everything running at the end, with what to try printed; Ctrl-C ends it.
    #[arg(long)]
    keep: bool,
    /// Folder with etcd, kube-apiserver and kubectl; without it they are built once, which takes about 7 minutes.
    #[arg(long, env = "KUBEBUILDER_ASSETS", value_name = "FOLDER")]
    assets: Option<PathBuf>,
}

/// Tells the story and exits 0 if it came out as it should.
pub async fn demo(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    let interrupted = tokio::signal::ctrl_c();
    tokio::select! {
        biased;
        _ = interrupted => {
            output::say("\nInterrupted; everything is ended and removed.");
            Ok(ExitCode::from(130))
        }
        ended = perform(&arguments) => ended,
    }
}

async fn perform(arguments: &DemoArguments) -> anyhow::Result<ExitCode> {
    let progress = |sentence: &str| output::say(&format!("  {sentence}"));
    let assets = Assets::new(arguments.assets.clone(), Assets::beside_target());
    let kubectl = assets.path(Tool::Kubectl, &progress).await?;
    let clock = Clock::system();
    let control_plane = ControlPlane::start(&assets, &progress).await?;
    let emulator = start_emulator(&clock)?;
    let stop = CancellationToken::new();
    let client = control_plane.client().await?;
    let mut controller = start_controller(client.clone(), &emulator, clock.clone(), stop.clone())?;

    let tenant = Tenant::new(&emulator)?;
    let story = Story::new(&control_plane, client, kubectl, tenant, clock);
    let ending = async {
        story.tell().await?;
        if arguments.keep {
            story.invite(&emulator)?;
            std::future::pending::<()>().await;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        biased;
        Some(ended) = controller.join_next() => {
            ended.context("the operator ended before the story did")?.context("the operator failed")?;
        }
        told = ending => told?,
    }
    stop.cancel();
    while controller.join_next().await.is_some() {}
    emulator.stop().await;
    control_plane.stop().await?;
    Ok(ExitCode::SUCCESS)
}

fn start_emulator(clock: &Clock) -> anyhow::Result<server::Running> {
    let knobs = Knobs { replication_lag: LAG, ..Knobs::calm() };
    let mut emulator = Emulator::new(emulator::Settings { seed: 1, public_url: String::new(), knobs });
    emulator.load(clock.now(), &Scenario::incident())?;
    let clock = clock.clone();
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    Ok(server::serve(emulator, loopback, loopback, Arc::new(move || clock.now()))?)
}

fn start_controller(
    client: Client,
    emulator: &server::Running,
    clock: Clock,
    stop: CancellationToken,
) -> anyhow::Result<JoinSet<Result<(), RunError>>> {
    let settings = Settings {
        areas: Area::of(Vec::<String>::new()),
        limits: limits(8),
        timing: Timing::PRODUCTION.shortened_by(SPEED),
        server: Some(emulator.public_url()),
        exchange_audience: None,
        operator: OperatorIdentity::default(),
        linkable: Vec::new(),
        attribution: Attribution::Names,
        instance: "demo".to_owned(),
    };
    let transport = HttpTransport::new(&TransportOptions::from_environment())?;
    let mut tasks = JoinSet::new();
    let waiting = client.clone();
    tasks.spawn(async move {
        // The definition is part of the story; the operator begins when it is there.
        wait_for_definition(waiting).await;
        Controller::new(client, transport, clock, settings).run(stop).await
    });
    Ok(tasks)
}

async fn wait_for_definition(client: Client) {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::{Api, runtime::wait};
    let api: Api<CustomResourceDefinition> = Api::all(client);
    let name = "webexazureintegrations.webexazure.dev";
    // An error of the watch only means that the operator's own watch waits instead.
    let _ = wait::await_condition(api, name, wait::conditions::is_crd_established()).await;
}
