//! A control plane that charts are installed into, and the questions that it is asked.

use std::{path::PathBuf, time::Duration};

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::{Api, api::PostParams};
use serde_json::{Value, json};
use webex_azure_operator::control_plane::{ControlPlane, Tool};

use crate::helm::{Helm, Said as _, assets, program};

/// How long the API server may take to heed a role or a policy that was just written.
const HEEDED_WITHIN: Duration = Duration::from_mins(1);

/// Who asks for what, and where.
pub struct Question<'a> {
    pub user: &'a str,
    pub namespace: &'a str,
    pub verb: &'a str,
    /// Group, resource, subresource.
    pub resource: (&'a str, &'a str, &'a str),
    pub name: &'a str,
}

/// A control plane with the tools to look at it.
pub struct Cluster {
    control_plane: ControlPlane,
    pub helm: Helm,
    kubectl: PathBuf,
}

impl Cluster {
    pub async fn started() -> Self {
        // Fails when another test of this process was first, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            helm: Helm::found().await,
            kubectl: program(Tool::Kubectl).await,
            control_plane: ControlPlane::start(&assets(), &|_| ()).await.unwrap_or_else(|error| panic!("{error}")),
        }
    }

    pub async fn stop(self) {
        self.control_plane.stop().await.unwrap();
    }

    pub fn helm(&self, arguments: &[&str]) -> String {
        self.helm.succeeds(&self.with_kubeconfig(arguments))
    }

    pub fn helm_fails(&self, arguments: &[&str]) -> String {
        self.helm.fails(&self.with_kubeconfig(arguments))
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments).unwrap_or_else(|said| panic!("kubectl {arguments:?}: {said}"))
    }

    pub fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        self.helm.run(&self.kubectl, &self.with_kubeconfig(arguments)).said()
    }

    fn with_kubeconfig<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let kubeconfig = self.control_plane.kubeconfig().to_str().unwrap();
        [arguments, &["--kubeconfig", kubeconfig]].concat()
    }

    pub fn get(&self, what: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "--output", "json"], what].concat());
        serde_json::from_str(&text).unwrap()
    }

    pub fn creates(&self, object: &Value) {
        let file = self.helm.file("object.json", &object.to_string());
        self.kubectl(&["create", "--filename", &file]);
    }

    pub fn has_restricted_namespace(&self, name: &str) {
        self.kubectl(&["create", "namespace", name]);
        let label = "pod-security.kubernetes.io/enforce=restricted";
        self.kubectl(&["label", "namespace", name, label]);
    }

    /// Nobody makes pods of a Deployment here, so a pod like them is offered to the server.
    pub fn pod_is_admitted(&self, namespace: &str, spec: &Value) -> Result<String, String> {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "offered"}, "spec": spec});
        let file = self.helm.file("pod.json", &pod.to_string());
        self.try_kubectl(&["create", "--dry-run=server", "--namespace", namespace, "--filename", &file])
    }

    pub async fn allows(&self, question: &Question<'_>) -> bool {
        let Question { user, namespace, verb, resource: (group, resource, subresource), name } = question;
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "metadata": {},
            "spec": {
                "user": user,
                "resourceAttributes": {
                    "namespace": namespace, "verb": verb, "group": group,
                    "resource": resource, "subresource": subresource, "name": name,
                },
            },
        });
        let review: SubjectAccessReview = serde_json::from_value(review).unwrap();
        let client = self.control_plane.client().await.unwrap();
        let answered = Api::all(client).create(&PostParams::default(), &review).await;
        answered.unwrap().status.unwrap().allowed
    }

    /// Waits until the API server answers so: it learns of roles and policies a moment after they are written.
    pub async fn until<F: AsyncFn() -> bool>(&self, claim: &str, holds: F) {
        let asked = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(100));
            while !holds().await {
                ticks.tick().await;
            }
        };
        assert!(tokio::time::timeout(HEEDED_WITHIN, asked).await.is_ok(), "not within a minute: {claim}");
    }
}
