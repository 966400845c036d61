//! A release `y`, its values, its pods and their processes.

use std::{net::TcpListener, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use crate::{
    audit::Account,
    kubelet::{Kubelet, Running},
    site::{CHART, PATIENCE, Site, eventually, is_ready},
    tenant::{OPERATOR, TENANT},
};

/// YAML reads all these as booleans where they are not quoted.
pub const RELEASE: &str = "y";
/// Namespace of the release.
pub const HOME: &str = "no";
/// Namespace of the objects.
pub const TEAM: &str = "off";
/// The Secret that objects use.
pub const SECRET_NAME: &str = "on";
/// The ServiceAccount that objects use.
pub const ACCOUNT_NAME: &str = "yes";

/// A hand-over must not take longer, whatever happened to the leader.
const HAND_OVER: Duration = Duration::from_secs(20);

/// The service account that the chart makes.
pub fn account() -> Account {
    Account { namespace: HOME.to_owned(), name: format!("{RELEASE}-webex-azure-operator") }
}

/// The values of the release.
pub struct Values(Value);

impl Values {
    /// An operator for all namespaces. Its ports are free ones of this machine, because what listens on all addresses of a
    /// port elsewhere on it would be in the way.
    pub fn for_all_namespaces() -> Self {
        let credentials = json!({ "namespace": TEAM, "secrets": [SECRET_NAME], "serviceAccounts": [ACCOUNT_NAME] });
        let lent = json!({ "namespace": TEAM, "tenantId": TENANT });
        let [health, metrics] = free_ports();
        Self(json!({
            "credentials": [credentials],
            "operatorIdentity": { "enabled": true, "clientId": OPERATOR, "allow": [lent] },
            "health": { "port": health },
            "metrics": { "port": metrics },
        }))
    }

    /// The same for the namespace of the objects only.
    pub fn for_one_namespace(&self) -> Self {
        let mut values = self.0.clone();
        values["namespaces"] = json!([TEAM]);
        Self(values)
    }

    /// Runs Helm with them and waits until it finds everything ready; the pods that there are then.
    pub async fn helm(&self, site: &Site, verb: &str) -> Vec<Pod> {
        let file = site.cluster.control_plane().folder().join("values.json");
        std::fs::write(&file, self.0.to_string()).unwrap();
        let values = file.to_str().unwrap();
        let release = [verb, RELEASE, CHART, "--namespace", HOME];
        site.helm(&[&release[..], &["--wait", "--timeout", "60s", "--values", values]].concat()).await;
        let pods = site.pods(HOME, RELEASE).await;
        assert_eq!(pods.len(), 2, "the chart's default");
        assert!(pods.iter().all(is_ready), "{pods:#?}");
        pods
    }
}

/// Two ports that nobody uses now.
pub fn free_ports() -> [u16; 2] {
    let listeners = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// The processes of the pods.
pub struct Replicas {
    kubelet: Kubelet,
    further: Vec<String>,
    running: Vec<Running>,
    /// Names of the pods that led, one after the other.
    pub leaders: Vec<String>,
}

impl Replicas {
    /// None yet; they will ask the emulator at this address instead of Microsoft, and wait less than is sensible there.
    pub async fn none(site: &Site, emulator: &str) -> Self {
        Self {
            kubelet: Kubelet::new(site.client.clone(), site.cluster.control_plane()).await,
            further: vec![format!("--emulator={emulator}"), "--timing-divisor=30".to_owned()],
            running: Vec::new(),
            leaders: Vec::new(),
        }
    }

    /// Runs the pods and waits until the kubelet would call them ready.
    pub async fn run(&mut self, pods: &[Pod]) {
        for pod in pods {
            self.running.push(self.kubelet.run(pod, &self.further).await);
        }
        let all_are_ready = async || {
            for replica in &mut self.running {
                assert_eq!(replica.container.ended(), None, "{}", replica.container.log());
                if replica.probes().await != [200; 3] {
                    return false;
                }
            }
            true
        };
        eventually("all replicas are ready", PATIENCE, all_are_ready).await;
    }

    /// All of them.
    pub fn all(&self) -> &[Running] {
        &self.running
    }

    /// Fails if the kubelet would restart one or send it nothing.
    pub async fn are_alive(&self) {
        for replica in &self.running {
            assert_eq!(replica.probes().await, [200; 3], "{}", replica.name());
        }
    }

    /// Waits until one leads; its place among them. Two never do.
    pub async fn leader(&mut self) -> usize {
        let mut leader = None;
        eventually("one of the replicas leads", HAND_OVER, async || {
            let mut leading = Vec::new();
            for (place, replica) in self.running.iter().enumerate() {
                let metrics = replica.metrics().await;
                let gauge = metrics.lines().find_map(|line| line.strip_prefix("webex_azure_operator_leader "));
                if gauge.expect("it says whether it leads") == "1" {
                    leading.push(place);
                }
            }
            assert!(leading.len() < 2, "{leading:?} lead");
            leader = leading.first().copied();
            leader.is_some()
        })
        .await;
        let leader: usize = leader.unwrap();
        let name = self.running[leader].name();
        if self.leaders.last() != Some(&name) {
            self.leaders.push(name);
        }
        leader
    }

    /// Ends one as a kubelet does; its pod.
    pub async fn stop(&mut self, place: usize) -> Pod {
        let replica = self.running.remove(place);
        let grace = replica.grace();
        let Running { pod, container, .. } = replica;
        let (out, log) = container.stop(grace).await;
        assert_eq!(out, "", "what it has to say is in the log");
        for line in log.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "what collects logs reads JSON: {line}");
        }
        pod
    }

    /// Ends all of them.
    pub async fn stop_all(&mut self) {
        while !self.running.is_empty() {
            self.stop(0).await;
        }
    }
}
