//! The commands of the page, run as they stand there, by a shell and the real kubectl, against a real API server.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::{Value, json};
use webex_azure_operator::control_plane::{Assets, ControlPlane, Tool};

use super::{document, file};

/// A cluster and the kubectl that speaks to it.
struct Cluster {
    control_plane: ControlPlane,
    kubectl: PathBuf,
}

impl Cluster {
    async fn start() -> Self {
        // Fails when another test of this process was first, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let assets = Assets::new(std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from), Assets::beside_target());
        let kubectl = assets.path(Tool::Kubectl, &|_| ()).await.unwrap_or_else(|error| panic!("{error}"));
        let control_plane = ControlPlane::start(&assets, &|_| ()).await.unwrap_or_else(|error| panic!("{error}"));
        Self { control_plane, kubectl }
    }

    /// Runs a line as a person does who stands in the root of the repository.
    fn run(&self, line: &str) -> String {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.kubectl.parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&path));
        let Output { status, stdout, stderr } = Command::new("sh")
            .args(["-ec", line])
            .current_dir(file::path(""))
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env("KUBECONFIG", self.control_plane.kubeconfig())
            .output()
            .unwrap();
        assert!(status.success(), "{line}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8_lossy(&stdout).into_owned()
    }

    fn get(&self, what: &str) -> Value {
        serde_json::from_str(&self.run(&format!("kubectl get {what} --output json"))).unwrap()
    }
}

#[tokio::test]
async fn the_commands_of_the_page_do_what_it_says() {
    let cluster = Cluster::start().await;
    for line in [
        "kubectl apply --filename crds",
        "kubectl wait crd/webexazureintegrations.webexazure.dev --for=condition=Established --timeout=1m",
        "kubectl create namespace argocd",
        "kubectl create namespace webex",
        "kubectl create configmap argocd-cm --namespace argocd --from-literal=url=https://argocd.example.com",
        "kubectl apply --filename examples/incident.yaml",
    ] {
        cluster.run(line);
    }
    let [patch, annotate, wait] = <[String; 3]>::try_from(document::commands()).unwrap();

    cluster.run(&patch);
    let data = &cluster.get("configmap argocd-cm --namespace argocd")["data"];
    assert_eq!(data["url"], "https://argocd.example.com", "what was there stays");
    let key = "resource.customizations.health.webexazure.dev_WebexAzureIntegration";
    assert_eq!(data[key], file::read(super::judge::HEALTH_SCRIPT));

    let object = || cluster.get("webexazureintegration contoso --namespace webex");
    assert_eq!(object()["status"], json!({ "observedGeneration": -1 }), "fresh");
    cluster.run(&annotate);
    let requested = object()["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"].clone();
    assert!(requested.as_str().unwrap().parse::<u64>().is_ok(), "{requested}");

    let is_ready = |generation: i64| {
        let status = json!({ "observedGeneration": generation, "conditions": [{
            "type": "Ready", "status": "True", "reason": "InSync", "message": "In order.",
            "lastTransitionTime": "2026-11-23T08:00:00Z", "observedGeneration": generation,
        }] });
        let patch = json!({ "status": status });
        cluster.run(&format!("kubectl patch wai contoso -n webex --subresource status --type merge --patch '{patch}'"));
    };
    is_ready(object()["metadata"]["generation"].as_i64().unwrap());
    assert_eq!(cluster.run(&wait), "webexazureintegration.webexazure.dev/contoso condition met\n");

    cluster.control_plane.stop().await.unwrap();
}
