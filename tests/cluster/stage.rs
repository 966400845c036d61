//! The control plane that all tests share, with the definition installed, and the tools that speak to it.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
};

use http::Request;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::{
    io::AsyncWriteExt as _,
    process::Command,
    sync::{OnceCell, RwLock},
};
use webex_azure_operator::control_plane::{Assets, ControlPlane, Tool};

use crate::scene::eventually;

/// The definition as the repository holds it.
pub const DEFINITION: &str = include_str!("../../crds/webexazureintegrations.webexazure.dev.yaml");

/// What the tests share.
#[derive(Default)]
pub struct Stage {
    cluster: OnceCell<Cluster>,
    /// Held for writing by a test that changes the definition, for reading by all others.
    pub definition: RwLock<()>,
}

/// A running control plane.
pub struct Cluster {
    control_plane: ControlPlane,
    /// A client for the administrator.
    pub client: Client,
    /// What kubectl said when the definition was installed.
    pub installation: Said,
    kubectl: PathBuf,
    helm: PathBuf,
}

/// What a tool said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Exit code; none if it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// Standard output of a tool that succeeded.
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Stage {
    /// The control plane, started by whoever asks first.
    pub async fn cluster(&self) -> &Cluster {
        self.cluster.get_or_init(Cluster::start).await
    }

    /// Ends the control plane, if there is one, and removes what it left.
    pub async fn end(self) {
        if let Some(cluster) = self.cluster.into_inner() {
            cluster.control_plane.stop().await.unwrap();
        }
    }
}

impl Cluster {
    async fn start() -> Self {
        let assets = Assets::new(std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from), Assets::beside_target());
        let progress = |sentence: &str| eprintln!("{sentence}");
        let kubectl = assets.path(Tool::Kubectl, &progress).await.unwrap_or_else(|error| panic!("{error}"));
        let helm = assets.path(Tool::Helm, &progress).await.unwrap_or_else(|error| panic!("{error}"));
        let control_plane = ControlPlane::start(&assets, &progress).await.unwrap_or_else(|error| panic!("{error}"));
        let client = control_plane.client().await.unwrap();
        let nothing = Said { code: None, out: String::new(), err: String::new() };
        let mut cluster = Self { control_plane, client, installation: nothing, kubectl, helm };
        cluster.installation = cluster.apply(DEFINITION).await;
        let established = ["wait", "--for=condition=Established", "crd/webexazureintegrations.webexazure.dev"];
        // kubectl gives up at once where it finds no conditions yet.
        eventually("the definition is established", async || cluster.kubectl(&established).await.code == Some(0)).await;
        cluster
    }

    /// kubectl as the administrator.
    pub async fn kubectl(&self, arguments: &[&str]) -> Said {
        self.fed(arguments, "").await
    }

    /// `kubectl apply` of this text.
    pub async fn apply(&self, yaml: &str) -> Said {
        self.fed(&["apply", "-f", "-"], yaml).await
    }

    /// kubectl with this text as its standard input.
    pub async fn fed(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = Command::new(&self.kubectl);
        // What kubectl remembers of a server goes with the server.
        command.arg("--cache-dir").arg(self.control_plane.folder().join("kubectl"));
        command.arg("--kubeconfig").arg(self.control_plane.kubeconfig()).args(arguments);
        run(command, input).await
    }

    /// What the chart installs with these values.
    pub async fn chart(&self, release: &str, namespace: &str, values: &str) -> String {
        const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/webex-azure-operator");
        let mut command = Command::new(&self.helm);
        let home = self.control_plane.folder().join("helm");
        command.env("HELM_CACHE_HOME", &home).env("HELM_CONFIG_HOME", &home).env("HELM_DATA_HOME", &home);
        command.args(["template", release, CHART, "--namespace", namespace, "--set-json", values]);
        run(command, "").await.succeeded()
    }

    /// A client of the administrator that lists of all namespaces' objects only those with this label `shard`, so that an
    /// operator for all namespaces leaves alone what belongs to other tests.
    pub fn client_of_shard(&self, shard: &'static str) -> Client {
        const ALL: &str = "/apis/webexazure.dev/v1alpha1/webexazureintegrations?";
        let inner = self.client.clone();
        let send = move |mut request: Request<kube::client::Body>| {
            let uri = request.uri().to_string();
            if uri.starts_with(ALL) {
                *request.uri_mut() = format!("{uri}&labelSelector=shard%3D{shard}").parse().unwrap();
            }
            let client = inner.clone();
            async move { client.send(request).await.map_err(tower::BoxError::from) }
        };
        Client::new(tower::service_fn(send), "default")
    }

    /// A client with this token instead of the administrator's.
    pub async fn client_with(&self, token: String) -> Client {
        let mut kubeconfig = Kubeconfig::read_from(self.control_plane.kubeconfig()).unwrap();
        for user in &mut kubeconfig.auth_infos {
            user.auth_info.as_mut().unwrap().token = Some(token.clone().into());
        }
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        config.default_retry = false;
        Client::try_from(config).unwrap()
    }
}

async fn run(mut command: Command, input: &str) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A tool that does not read to the end says why by itself.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    child.wait_with_output().await.unwrap().into()
}
