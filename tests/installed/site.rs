//! A cluster that runs pods, Helm, and what an administrator of it does.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, time::Duration};

use k8s_openapi::api::{
    core::v1::{Namespace, Pod, Secret, ServiceAccount},
    events::v1::Event,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
    runtime::wait,
};
use serde_json::{Value, json};
use tokio::process::Command;
use webex_azure_operator::{
    api::{CLIENT_ID_ANNOTATION, CREDENTIALS_LABEL, REQUESTED_AT_ANNOTATION, WebexAzureIntegration},
    control_plane::{Assets, Cluster, Tool},
};

use crate::object::{says, status};

/// The chart as it is now.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/webex-azure-operator");

/// Longest wait for one thing.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Pause between two questions whether something has come true.
const TICK: Duration = Duration::from_millis(100);

/// The cluster.
pub struct Site {
    /// All of it.
    pub cluster: Cluster,
    /// A client for the administrator.
    pub client: Client,
    assets: Assets,
    helm: PathBuf,
}

impl Site {
    /// Starts it.
    pub async fn start() -> Self {
        // Fails when another test of this process was first, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let assets = Assets::new(std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from), Assets::beside_target());
        let progress = |sentence: &str| eprintln!("{sentence}");
        let helm = assets.path(Tool::Helm, &progress).await.unwrap_or_else(|error| panic!("{error}"));
        let cluster = Cluster::start(&assets, &progress).await.unwrap_or_else(|error| panic!("{error}"));
        let client = cluster.control_plane().client().await.unwrap();
        Self { cluster, client, assets, helm }
    }

    /// The search path of somebody who has kubectl and Helm.
    pub async fn programs(&self) -> String {
        let kubectl = self.assets.path(Tool::Kubectl, &|_| ()).await.unwrap_or_else(|error| panic!("{error}"));
        let folders = [&self.helm, &kubectl].map(|program| program.parent().unwrap().display().to_string());
        [&folders[..], &["/usr/bin".to_owned(), "/bin".to_owned()]].concat().join(":")
    }

    /// Ends it.
    pub async fn stop(self) {
        self.cluster.stop().await.unwrap();
    }

    /// Helm with a home of its own, which must succeed.
    pub async fn helm(&self, arguments: &[&str]) -> String {
        let control_plane = self.cluster.control_plane();
        let home = control_plane.folder().join("helm");
        let mut command = Command::new(&self.helm);
        command.env_clear().env("HOME", &home);
        command.env("HELM_CACHE_HOME", &home).env("HELM_CONFIG_HOME", &home).env("HELM_DATA_HOME", &home);
        command.args(arguments).arg("--kubeconfig").arg(control_plane.kubeconfig());
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "helm {arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// Makes a namespace with these labels.
    pub async fn namespace(&self, name: &str, labels: &[(&str, &str)]) {
        let labels: BTreeMap<&str, &str> = labels.iter().copied().collect();
        let namespace: Namespace =
            serde_json::from_value(json!({ "metadata": { "name": name, "labels": labels } })).unwrap();
        Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    }

    /// The pods of a release that are not on their way out, by name.
    pub async fn pods(&self, namespace: &str, release: &str) -> Vec<Pod> {
        let own = ListParams::default().labels(&format!("app.kubernetes.io/instance={release}"));
        let mut pods = Api::<Pod>::namespaced(self.client.clone(), namespace).list(&own).await.unwrap().items;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
        pods.sort_by_key(ResourceExt::name_any);
        pods
    }

    /// What belongs to the people of this namespace.
    pub fn team(&self, namespace: &str) -> Team {
        Team {
            client: self.client.clone(),
            namespace: namespace.to_owned(),
            objects: Api::namespaced(self.client.clone(), namespace),
        }
    }
}

/// Whether a pod says of itself that it is ready.
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// A namespace with objects, and who writes them.
pub struct Team {
    client: Client,
    namespace: String,
    /// The objects.
    pub objects: Api<WebexAzureIntegration>,
}

impl Team {
    /// Writes a Secret that the operator may use.
    pub async fn secret(&self, name: &str, value: &str) {
        let metadata = json!({ "name": name, "labels": { CREDENTIALS_LABEL: "true" } });
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": { "client-secret": value },
        });
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        api.patch(name, &PatchParams::apply("team").force(), &Patch::Apply(&secret)).await.unwrap();
    }

    /// Makes a ServiceAccount that is bound to this application.
    pub async fn service_account(&self, name: &str, application: &str) {
        let annotations = json!({ CLIENT_ID_ANNOTATION: application });
        let account = json!({ "metadata": { "name": name, "annotations": annotations } });
        let account: ServiceAccount = serde_json::from_value(account).unwrap();
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.namespace);
        api.create(&PostParams::default(), &account).await.unwrap();
    }

    /// Creates this object.
    pub async fn create(&self, object: &Value) {
        let object = serde_json::from_value(object.clone()).unwrap();
        self.objects.create(&PostParams::default(), &object).await.unwrap();
    }

    /// Merges this into the object.
    pub async fn edit(&self, name: &str, change: &Value) {
        self.objects.patch(name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
    }

    /// Asks for a look and waits until it was made.
    pub async fn until_asked(&self, name: &str, value: &str) -> WebexAzureIntegration {
        self.edit(name, &json!({ "metadata": { "annotations": { REQUESTED_AT_ANNOTATION: value } } })).await;
        let is_answered =
            |object: &WebexAzureIntegration| status(object).last_handled_reconcile_at.as_deref() == Some(value);
        self.until(name, &format!("the look {value:?} was made"), is_answered).await
    }

    /// Waits until the object has this condition, written as `Type=Status Reason`.
    pub async fn until_says(&self, name: &str, condition: &str) -> WebexAzureIntegration {
        self.until(name, condition, |object| says(object, condition)).await
    }

    /// Waits until the object is so.
    pub async fn until(
        &self,
        name: &str,
        what: &str,
        is_so: impl Fn(&WebexAzureIntegration) -> bool + Send,
    ) -> WebexAzureIntegration {
        let condition = |object: Option<&WebexAzureIntegration>| object.is_some_and(&is_so);
        let met = tokio::time::timeout(PATIENCE, wait::await_condition(self.objects.clone(), name, condition)).await;
        let Ok(object) = met else {
            panic!("{name}: waited {PATIENCE:?} in vain until {what}: {:#?}", self.objects.get_opt(name).await);
        };
        object.unwrap().unwrap()
    }

    /// Reasons of all events about this object, in order of time.
    pub async fn events(&self, name: &str) -> Vec<String> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = api.list(&ListParams::default()).await.unwrap().items;
        events
            .retain(|event| event.regarding.as_ref().is_some_and(|regarding| regarding.name.as_deref() == Some(name)));
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        events.into_iter().filter_map(|event| event.reason).collect()
    }
}

/// Asks again and again until it is so.
pub async fn eventually(what: &str, within: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let asked = async {
        let mut ticks = tokio::time::interval(TICK);
        while !is_so().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(within, asked).await.is_ok(), "waited {within:?} in vain until {what}");
}
