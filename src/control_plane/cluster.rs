//! A control plane behind which something happens: controllers, a scheduler, and nodes that only pretend.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::Api;
use kube::api::PostParams;
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::process::Process;
use super::server::{Audit, flag};
use super::{Assets, ControlPlane, Error, Progress, Tool, files};

/// What a node and a pod do, in the language of kwok.
const STAGES: &str = include_str!("cluster/stages.yaml");
/// Two, so that replicas that keep away from each other find a place each.
const NODES: [&str; 2] = ["node-1", "node-2"];
/// Three seconds are usual; the machine may be busy.
const READY_WITHIN: Duration = Duration::from_secs(90);
const POLL_EVERY: Duration = Duration::from_millis(50);

/// A [`ControlPlane`] with kube-controller-manager, kube-scheduler and two nodes that kwok pretends to be.
///
/// Deployments get pods, which are placed and turn ready at once: nothing of them is run, and nobody looks at their
/// images, probes or volumes. What service accounts ask for is written to an audit log.
///
/// It ends as a control plane does.
#[derive(Debug)]
pub struct Cluster {
    // Fields are dropped in this order: clients first, so that none of them waits for a server that is gone.
    kwok: Process,
    kube_scheduler: Process,
    kube_controller_manager: Process,
    control_plane: ControlPlane,
}

impl Cluster {
    /// Starts all five and returns once pods can be made, placed and run.
    ///
    /// The process must have a default crypto provider of rustls.
    pub async fn start(assets: &Assets, progress: Progress<'_>) -> Result<Self, Error> {
        let kube_controller_manager = assets.path(Tool::KubeControllerManager, progress).await?;
        let kube_scheduler = assets.path(Tool::KubeScheduler, progress).await?;
        let kwok = assets.path(Tool::Kwok, progress).await?;
        let control_plane = ControlPlane::start_with(assets, Audit::ServiceAccounts, progress).await?;
        let folder = control_plane.folder();
        files::write_private(&files::stages(folder), STAGES)?;
        let start = |tool, program: &Path, arguments| Process::start(tool, program, arguments, folder);
        let mut cluster = Self {
            kube_controller_manager: start(
                Tool::KubeControllerManager,
                &kube_controller_manager,
                controller_manager_arguments(folder),
            )?,
            kube_scheduler: start(Tool::KubeScheduler, &kube_scheduler, scheduler_arguments(folder))?,
            kwok: start(Tool::Kwok, &kwok, kwok_arguments(folder))?,
            control_plane,
        };
        cluster.register_nodes().await?;
        cluster.wait_until_ready().await?;
        Ok(cluster)
    }

    /// The etcd and kube-apiserver in front of it all.
    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    /// One line of JSON, an `audit.k8s.io/v1` `Event`, for what a service account asked and was answered, in the order of
    /// the answers; a watch has a line when it begins and one when it ends. A line is written before its answer is given.
    pub fn audit_log(&self) -> PathBuf {
        files::audit_log(self.control_plane.folder())
    }

    /// Ends all five, the servers last, and removes the folder; unlike a drop it says what went wrong.
    pub async fn stop(self) -> Result<(), Error> {
        let Self { mut kwok, mut kube_scheduler, mut kube_controller_manager, control_plane } = self;
        let ended = tokio::task::spawn_blocking(move || {
            kwok.end()?;
            kube_scheduler.end()?;
            kube_controller_manager.end()
        });
        // The blocking part has no panic of its own; a runtime that shuts down drops it, and that ends all three.
        ended.await.unwrap_or(Ok(()))?;
        control_plane.stop().await
    }

    /// What a kubelet does first.
    async fn register_nodes(&self) -> Result<(), Error> {
        let nodes: Api<Node> = Api::all(self.control_plane.client().await?);
        for name in NODES {
            let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::RegisterNode { name, source };
            let resources = json!({ "cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi" });
            let node = json!({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": { "name": name, "labels": labels(name) },
                "status": { "allocatable": resources, "capacity": resources },
            });
            let node = serde_json::from_value(node).map_err(|error| failed(error.into()))?;
            nodes.create(&PostParams::default(), &node).await.map_err(|error| failed(error.into()))?;
        }
        Ok(())
    }

    async fn wait_until_ready(&mut self) -> Result<(), Error> {
        let client = self.control_plane.client().await?;
        let mut missing = Tool::KubeControllerManager;
        let polled = tokio::time::timeout(READY_WITHIN, self.poll(&client, &mut missing)).await;
        polled.unwrap_or_else(|_elapsed| {
            let log = if missing == Tool::Kwok { self.kwok.log_end() } else { self.kube_controller_manager.log_end() };
            Err(Error::NotReady { tool: missing, seconds: READY_WITHIN.as_secs(), log })
        })
    }

    /// `missing` is the program whose doing has not been seen yet.
    async fn poll(&mut self, client: &kube::Client, missing: &mut Tool) -> Result<(), Error> {
        let mut ticks = tokio::time::interval(POLL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for (tool, process) in [
                (Tool::KubeControllerManager, &mut self.kube_controller_manager),
                (Tool::KubeScheduler, &mut self.kube_scheduler),
                (Tool::Kwok, &mut self.kwok),
            ] {
                if let Some(status) = process.ended()? {
                    return Err(Error::EndedEarly { tool, status, log: process.log_end() });
                }
            }
            *missing = Tool::KubeControllerManager;
            if !has_default_account(client).await {
                continue;
            }
            *missing = Tool::Kwok;
            if nodes_are_ready(client).await {
                return Ok(());
            }
        }
    }
}

/// Pods are refused without it.
async fn has_default_account(client: &kube::Client) -> bool {
    Api::<ServiceAccount>::default_namespaced(client.clone()).get("default").await.is_ok()
}

/// Ready, and the controller manager has taken away the taint that it gives to a node that is not.
async fn nodes_are_ready(client: &kube::Client) -> bool {
    for name in NODES {
        let Ok(node) = Api::<Node>::all(client.clone()).get(name).await else { return false };
        let conditions = node.status.and_then(|status| status.conditions).unwrap_or_default();
        let is_ready = conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
        let taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
        if !is_ready || !taints.is_empty() {
            return false;
        }
    }
    true
}

/// What charts select nodes by.
fn labels(node: &str) -> serde_json::Value {
    json!({
        "kubernetes.io/hostname": node,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "topology.kubernetes.io/zone": format!("zone-of-{node}"),
    })
}

/// Port 0 means that nothing is served: nobody would ask.
fn controller_manager_arguments(folder: &Path) -> Vec<OsString> {
    vec![
        flag("--kubeconfig=", files::kubeconfig(folder)),
        flag("--root-ca-file=", files::serving_certificate(folder)),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
    ]
}

fn scheduler_arguments(folder: &Path) -> Vec<OsString> {
    vec![flag("--kubeconfig=", files::kubeconfig(folder)), "--leader-elect=false".into(), "--secure-port=0".into()]
}

/// Leases of nodes are renewed well within the 40 seconds after which the controller manager gives a node up.
fn kwok_arguments(folder: &Path) -> Vec<OsString> {
    vec![
        flag("--kubeconfig=", files::kubeconfig(folder)),
        flag("--config=", files::stages(folder)),
        "--manage-all-nodes=true".into(),
        "--node-lease-duration-seconds=40".into(),
    ]
}
