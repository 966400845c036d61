//! The Helm chart, installed by a real Helm into a real API server.
#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, outside of functions marked as tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use tempfile::TempDir;
use webex_azure_operator::control_plane::{Assets, ControlPlane, Tool};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/webex-azure-operator");
/// Names that YAML reads as booleans and numbers unless they are quoted.
const CREDENTIALS: &str = r#"credentials=[{"namespace":"off","secrets":["on","1e3"],"serviceAccounts":["yes"]}]"#;
const EVERYTHING: &str = r#"{
    "image": {"repository": "registry.example/operator", "digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "pullPolicy": "Always"},
    "imagePullSecrets": ["yes"],
    "fullnameOverride": "null",
    "crds": {"install": false},
    "credentials": [{"namespace": "off", "secrets": ["on"]}, {"namespace": "webex", "serviceAccounts": ["no"]}],
    "metrics": {"enabled": true, "port": 9090},
    "serviceAccount": {"annotations": {"azure.workload.identity/client-id": "1e3"}},
    "args": ["--flag=true", "0x10"],
    "env": [{"name": "RUST_LOG", "value": "true"}],
    "podLabels": {"azure.workload.identity/use": "true"},
    "podAnnotations": {"example.com/number": "1"},
    "resources": {"limits": {"memory": "64Mi"}},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}]
}"#;

#[tokio::test]
async fn the_chart_lints_with_no_values_and_with_all_of_them() {
    let helm = Helm::found().await;
    helm.succeeds(&["lint", "--strict", CHART]);
    helm.succeeds(&["lint", "--strict", CHART, "--values", &helm.file("all.json", EVERYTHING)]);
}

#[tokio::test]
async fn values_that_would_open_every_secret_are_refused() {
    let helm = Helm::found().await;
    let values = r#"credentials=[{"namespace":"webex","secrets":[]}]"#;
    let template = ["template", "y", CHART, "--set-json", values];
    let by_schema = helm.fails(&template);
    assert!(by_schema.contains("minItems"), "{by_schema}");
    let by_template = helm.fails(&[&template[..], &["--skip-schema-validation"]].concat());
    assert!(by_template.contains("names no secrets and no serviceAccounts"), "{by_template}");
}

#[tokio::test]
async fn unknown_values_are_refused() {
    let helm = Helm::found().await;
    let said = helm.fails(&["template", "y", CHART, "--set", "credentails=1"]);
    assert!(said.contains("credentails"), "{said}");
}

#[tokio::test]
async fn a_release_installs_runs_restricted_and_may_do_what_it_must() {
    let cluster = Cluster::started().await;
    cluster.has_restricted_namespace("no");
    cluster.kubectl(&["create", "namespace", "off"]);
    cluster.helm(&["install", "y", CHART, "--namespace", "no", "--set-json", CREDENTIALS]);

    let account = cluster.get(&["serviceaccount", "y-webex-azure-operator", "--namespace", "no"]);
    assert_eq!(account["automountServiceAccountToken"], false);
    let deployment = cluster.get(&["deployment", "y-webex-azure-operator", "--namespace", "no"]);
    assert_eq!(deployment["spec"]["selector"]["matchLabels"]["app.kubernetes.io/instance"], "y");
    let pod_spec = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod_spec["containers"][0]["args"], json!(["run", "--metrics-address=0.0.0.0:8080"]));
    assert_eq!(pod_spec["containers"][0]["ports"][0]["containerPort"], 8080);
    assert_eq!(pod_spec["containers"][0]["image"], "webex-azure-operator:0.1.0");

    let said = cluster.pod_is_admitted("no", pod_spec).unwrap();
    assert!(said.contains("server dry run"), "{said}");
    let careless = json!({"containers": [{"name": "careless", "image": "careless"}],
        "serviceAccountName": "y-webex-azure-operator"});
    let said = cluster.pod_is_admitted("no", &careless).unwrap_err();
    assert!(said.contains("violates PodSecurity \"restricted:latest\""), "{said}");

    let user = "system:serviceaccount:no:y-webex-azure-operator";
    cluster.permissions_are_exact(user).await;
    cluster.stop().await;
}

#[tokio::test]
async fn releases_live_side_by_side_are_upgraded_and_go_without_a_trace() {
    let cluster = Cluster::started().await;
    for namespace in ["no", "off"] {
        cluster.has_restricted_namespace(namespace);
    }
    let same_name = "webex-azure-operator";
    cluster.helm(&["install", same_name, CHART, "--namespace", "no", "--set-json", CREDENTIALS]);
    let second = ["--namespace", "off", "--set-json", CREDENTIALS, "--set", "crds.install=false"];
    cluster.helm(&[&["install", same_name, CHART], &second[..]].concat());
    cluster.get(&["clusterrole", "no:webex-azure-operator"]);
    cluster.get(&["role", "no:webex-azure-operator", "--namespace", "off"]);
    cluster.get(&["role", "off:webex-azure-operator", "--namespace", "off"]);

    let all = cluster.helm.file("all.json", EVERYTHING);
    cluster.kubectl(&["create", "namespace", "webex"]);
    cluster.helm(&["upgrade", same_name, CHART, "--namespace", "off", "--values", &all]);
    let deployment = cluster.get(&["deployment", "null", "--namespace", "off"]);
    let pod = &deployment["spec"]["template"];
    assert_eq!(pod["metadata"]["labels"]["azure.workload.identity/use"], "true");
    assert_eq!(pod["spec"]["imagePullSecrets"], json!([{"name": "yes"}]));
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["args"], json!(["run", "--metrics-address=0.0.0.0:9090", "--flag=true", "0x10"]));
    assert_eq!(container["env"], json!([{"name": "RUST_LOG", "value": "true"}]));

    for namespace in ["no", "off"] {
        cluster.helm(&["uninstall", same_name, "--namespace", namespace]);
    }
    let kinds = "deployments,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings";
    let label = "app.kubernetes.io/name=webex-azure-operator";
    let left = cluster.get(&[kinds, "--all-namespaces", "--selector", label]);
    assert_eq!(left["items"], json!([]));
    cluster.stop().await;
}

/// Helm with a home of its own, so that nobody's repositories and plugins matter.
struct Helm {
    program: PathBuf,
    home: TempDir,
}

impl Helm {
    async fn found() -> Self {
        Self { program: program(Tool::Helm).await, home: tempfile::tempdir().unwrap() }
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        let home = self.home.path();
        Command::new(program)
            .args(arguments)
            .env_clear()
            .env("HOME", home)
            .env("HELM_CACHE_HOME", home.join("cache"))
            .env("HELM_CONFIG_HOME", home.join("config"))
            .env("HELM_DATA_HOME", home.join("data"))
            .output()
            .unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        self.run(&self.program, arguments).said().unwrap_or_else(|said| panic!("helm {arguments:?}: {said}"))
    }

    fn fails(&self, arguments: &[&str]) -> String {
        self.run(&self.program, arguments).said().unwrap_err()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A control plane with the tools to look at it.
struct Cluster {
    control_plane: ControlPlane,
    helm: Helm,
    kubectl: PathBuf,
}

impl Cluster {
    async fn started() -> Self {
        // Fails when another test of this process was first, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            helm: Helm::found().await,
            kubectl: program(Tool::Kubectl).await,
            control_plane: ControlPlane::start(&assets(), &|_| ()).await.unwrap_or_else(|error| panic!("{error}")),
        }
    }

    async fn stop(self) {
        self.control_plane.stop().await.unwrap();
    }

    fn helm(&self, arguments: &[&str]) -> String {
        self.helm.succeeds(&self.with_kubeconfig(arguments))
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments).unwrap_or_else(|said| panic!("kubectl {arguments:?}: {said}"))
    }

    fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        self.helm.run(&self.kubectl, &self.with_kubeconfig(arguments)).said()
    }

    fn with_kubeconfig<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let kubeconfig = self.control_plane.kubeconfig().to_str().unwrap();
        [arguments, &["--kubeconfig", kubeconfig]].concat()
    }

    fn get(&self, what: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "--output", "json"], what].concat());
        serde_json::from_str(&text).unwrap()
    }

    fn has_restricted_namespace(&self, name: &str) {
        self.kubectl(&["create", "namespace", name]);
        let label = "pod-security.kubernetes.io/enforce=restricted";
        self.kubectl(&["label", "namespace", name, label]);
    }

    /// Nobody makes pods of a Deployment here, so a pod like them is offered to the server.
    fn pod_is_admitted(&self, namespace: &str, spec: &Value) -> Result<String, String> {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "offered"}, "spec": spec});
        let file = self.helm.file("pod.json", &pod.to_string());
        self.try_kubectl(&["create", "--dry-run=server", "--namespace", namespace, "--filename", &file])
    }

    async fn permissions_are_exact(&self, user: &str) {
        let integrations = ("webexazure.dev", "webexazureintegrations", "");
        let status = ("webexazure.dev", "webexazureintegrations", "status");
        let events = ("events.k8s.io", "events", "");
        let secrets = ("", "secrets", "");
        for (verb, resource, name, expected) in [
            ("get", integrations, "any", true),
            ("list", integrations, "", true),
            ("watch", integrations, "", true),
            ("create", integrations, "", false),
            ("update", integrations, "any", false),
            ("patch", integrations, "any", false),
            ("delete", integrations, "any", false),
            ("get", status, "any", true),
            ("patch", status, "any", true),
            ("update", status, "any", false),
            ("create", events, "", true),
            ("patch", events, "any", true),
            ("list", events, "", false),
            ("create", ("", "events", ""), "", false),
            ("get", secrets, "on", true),
            ("get", secrets, "1e3", true),
            ("get", secrets, "other", false),
            ("list", secrets, "", false),
            ("watch", secrets, "on", false),
            ("update", secrets, "on", false),
            ("get", ("", "serviceaccounts", ""), "yes", true),
            ("get", ("", "serviceaccounts", ""), "any", false),
            ("list", ("", "serviceaccounts", ""), "", false),
            ("create", ("", "serviceaccounts", "token"), "yes", true),
            ("create", ("", "serviceaccounts", "token"), "any", false),
        ] {
            let allowed = self.allows(user, verb, resource, name).await;
            assert_eq!(allowed, expected, "{verb} {resource:?} {name:?}");
        }
    }

    /// In the namespace of the credentials.
    async fn allows(
        &self,
        user: &str,
        verb: &str,
        (group, resource, subresource): (&str, &str, &str),
        name: &str,
    ) -> bool {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "metadata": {},
            "spec": {
                "user": user,
                "resourceAttributes": {
                    "namespace": "off", "verb": verb, "group": group,
                    "resource": resource, "subresource": subresource, "name": name,
                },
            },
        });
        let review: SubjectAccessReview = serde_json::from_value(review).unwrap();
        let client = self.control_plane.client().await.unwrap();
        let answered = Api::all(client).create(&PostParams::default(), &review).await;
        answered.unwrap().status.unwrap().allowed
    }
}

trait Said {
    /// Standard output of a success, standard error of a failure.
    fn said(self) -> Result<String, String>;
}

impl Said for Output {
    fn said(self) -> Result<String, String> {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if self.status.success() { Ok(text(&self.stdout)) } else { Err(text(&self.stderr)) }
    }
}

fn assets() -> Assets {
    let prebuilt = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    Assets::new(prebuilt, Assets::beside_target())
}

async fn program(tool: Tool) -> PathBuf {
    let path = assets().path(tool, &|_| ()).await;
    path.unwrap_or_else(|error| panic!("{error}"))
}
