//! What a kubelet does with a pod: arguments, environment, volumes and tokens as the pod says, the security context, and
//! the probes.
//!
//! It knows what the chart renders and fails at anything else. Two things are not as in a cluster. All pods share the
//! machine's network, so each has a loopback address of its own, and where the pod says to listen on all addresses the
//! program listens on that one. And no image is pulled: the program is the one that cargo built.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use k8s_openapi::{
    api::{
        authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec},
        core::v1::{self as core, ConfigMap, Pod, Probe, ServiceAccount, ServiceAccountTokenProjection},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::{Api, Client, ResourceExt as _, api::PostParams};
use tempfile::TempDir;
use url::Url;
use webex_azure_operator::control_plane::ControlPlane;

use crate::sandbox::{Container, Image, Order, Way, write_for};

/// Further addresses of this process's pods.
static PODS: AtomicU8 = AtomicU8::new(1);

/// The kubelet of all nodes.
pub struct Kubelet {
    client: Client,
    image: Image,
    api_server: Url,
    /// Volumes are here; it goes with the cluster, however that ends.
    folder: PathBuf,
}

/// A pod whose only container runs.
pub struct Running {
    /// The pod as the API server has it.
    pub pod: Pod,
    /// Its container.
    pub container: Container,
    /// How its root was made.
    pub way: Way,
    address: Ipv4Addr,
    _volumes: TempDir,
}

impl Kubelet {
    /// It acts as the administrator and tells pods that the API server is there.
    pub async fn new(client: Client, control_plane: &ControlPlane) -> Self {
        let api_server = control_plane.url().parse().unwrap();
        Self { client, image: Image::built().await, api_server, folder: control_plane.folder().to_owned() }
    }

    /// Runs the pod, with these arguments after its own.
    pub async fn run(&self, pod: &Pod, further: &[String]) -> Running {
        let address = address();
        let container = only_container(pod);
        assert_eq!(container.command, None, "the image's own entry point is run");
        let user = user_of(pod);
        let volumes = tempfile::tempdir_in(&self.folder).unwrap();
        let mut order = Order { user: user.0, group: user.1, ..Order::default() };
        let on_own_address = |value: &str| value.replace("0.0.0.0:", &format!("{address}:"));
        for argument in container.args.iter().flatten() {
            assert!(!argument.contains("$("), "variables in arguments are not expanded here: {argument}");
            order.arguments.push(on_own_address(argument));
        }
        order.arguments.extend_from_slice(further);
        for (name, value) in self.environment(pod, address).await {
            order.environment.push((name, on_own_address(&value)));
        }
        for mount in container.volume_mounts.iter().flatten() {
            assert_eq!(mount.read_only, Some(true), "nothing in the container can be written: {mount:?}");
            let folder = volumes.path().join(&mount.name);
            std::fs::create_dir_all(&folder).unwrap();
            self.fill(pod, &mount.name, &folder, user.0).await;
            order.mounts.push((folder, mount.mount_path.clone()));
        }
        // A user that is not ours has to get in.
        readable(volumes.path());
        let container = Container::start(&pod.name_any(), &self.image, &order, &self.folder).await;
        Running { pod: pod.clone(), container, way: self.image.way, address, _volumes: volumes }
    }

    /// What runtimes set, what kubelets add, and what the pod says: later ones win.
    async fn environment(&self, pod: &Pod, address: Ipv4Addr) -> BTreeMap<String, String> {
        let host = self.api_server.host_str().unwrap();
        let port = self.api_server.port().unwrap().to_string();
        let mut environment: BTreeMap<String, String> = [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", "/"),
            ("HOSTNAME", &pod.name_any()),
            ("KUBERNETES_SERVICE_HOST", host),
            ("KUBERNETES_SERVICE_PORT", &port),
            ("KUBERNETES_SERVICE_PORT_HTTPS", &port),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let container = only_container(pod);
        for source in container.env_from.iter().flatten() {
            assert_eq!((&source.prefix, &source.secret_ref), (&None, &None), "unknown here");
            let name = &source.config_map_ref.as_ref().unwrap().name;
            environment.extend(self.config_map(pod, name).await);
        }
        for variable in container.env.iter().flatten() {
            let value = match (&variable.value, &variable.value_from) {
                (value, None) => value.clone().unwrap_or_default(),
                (_, Some(source)) => field(pod, address, &source.field_ref.as_ref().unwrap().field_path),
            };
            environment.insert(variable.name.clone(), value);
        }
        environment
    }

    /// Writes what the volume of this name holds. A file cannot change in it: the pods of a test are younger than their
    /// tokens are allowed to get.
    async fn fill(&self, pod: &Pod, name: &str, folder: &Path, user: u32) {
        let spec = pod.spec.as_ref().unwrap();
        let volume = spec.volumes.iter().flatten().find(|volume| volume.name == name).unwrap();
        if let Some(source) = &volume.config_map {
            self.fill_from(pod, &source.name, source.items.as_ref(), folder).await;
            return;
        }
        let projected = volume.projected.as_ref().unwrap_or_else(|| panic!("unknown here: {volume:?}"));
        for source in projected.sources.iter().flatten() {
            if let Some(token) = &source.service_account_token {
                let text = self.token(pod, token).await;
                write_for(&self.image, user, &folder.join(&token.path), &text);
            } else if let Some(source) = &source.config_map {
                self.fill_from(pod, &source.name, source.items.as_ref(), folder).await;
            } else if let Some(source) = &source.downward_api {
                for file in source.items.iter().flatten() {
                    let path = &file.field_ref.as_ref().unwrap().field_path;
                    std::fs::write(folder.join(&file.path), field(pod, Ipv4Addr::LOCALHOST, path)).unwrap();
                }
            } else {
                panic!("unknown here: {source:?}");
            }
        }
    }

    async fn fill_from(&self, pod: &Pod, name: &str, items: Option<&Vec<core::KeyToPath>>, folder: &Path) {
        for (key, value) in self.config_map(pod, name).await {
            let path = match items {
                None => key,
                Some(items) => match items.iter().find(|item| item.key == key) {
                    None => continue,
                    Some(item) => item.path.clone(),
                },
            };
            std::fs::write(folder.join(path), value).unwrap();
        }
    }

    async fn config_map(&self, pod: &Pod, name: &str) -> BTreeMap<String, String> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &pod.namespace().unwrap());
        api.get(name).await.unwrap().data.unwrap_or_default()
    }

    /// A token of the pod's service account that dies with the pod.
    async fn token(&self, pod: &Pod, projection: &ServiceAccountTokenProjection) -> String {
        let account = pod.spec.as_ref().unwrap().service_account_name.clone().unwrap();
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &pod.namespace().unwrap());
        let spec = TokenRequestSpec {
            audiences: projection.audience.iter().cloned().collect(),
            expiration_seconds: projection.expiration_seconds,
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
            }),
        };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        api.create_token_request(&account, &PostParams::default(), &request).await.unwrap().status.unwrap().token
    }
}

impl Running {
    /// Its name.
    pub fn name(&self) -> String {
        self.pod.name_any()
    }

    /// How its probes are answered: those of its start, of its life and of its readiness.
    pub async fn probes(&self) -> [u16; 3] {
        let core::Container { startup_probe, liveness_probe, readiness_probe, .. } = only_container(&self.pod);
        let mut answers = [0; 3];
        for (answer, probe) in answers.iter_mut().zip([startup_probe, liveness_probe, readiness_probe]) {
            *answer = self.probe(probe.as_ref()).await;
        }
        answers
    }

    /// Its metrics.
    pub async fn metrics(&self) -> String {
        let url = format!("http://{}:{}/metrics", self.address, self.port(&IntOrString::String("metrics".to_owned())));
        http().get(url).send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
    }

    /// 0 where nobody answers, as before the program listens.
    async fn probe(&self, probe: Option<&Probe>) -> u16 {
        let action = probe.and_then(|probe| probe.http_get.as_ref()).expect("the pod has all probes, over HTTP");
        let path = action.path.as_deref().unwrap_or("/");
        let url = format!("http://{}:{}{path}", self.address, self.port(&action.port));
        http().get(url).send().await.map_or(0, |answer| answer.status().as_u16())
    }

    fn port(&self, port: &IntOrString) -> i32 {
        match port {
            IntOrString::Int(number) => *number,
            IntOrString::String(name) => {
                let ports = only_container(&self.pod).ports.as_ref();
                let named = ports.into_iter().flatten().find(|port| port.name.as_ref() == Some(name));
                named.unwrap_or_else(|| panic!("there is a port named {name}")).container_port
            }
        }
    }

    /// As long as the pod says that it may take to end.
    pub fn grace(&self) -> Duration {
        let seconds = self.pod.spec.as_ref().unwrap().termination_grace_period_seconds.unwrap();
        Duration::from_secs(seconds.try_into().unwrap())
    }
}

/// The pod's only container.
pub fn only_container(pod: &Pod) -> &core::Container {
    let spec = pod.spec.as_ref().unwrap();
    assert_eq!(spec.init_containers, None);
    let [container] = &spec.containers[..] else { panic!("one container: {:?}", spec.containers) };
    container
}

/// Its user and group; what a container of these tests cannot do, the pod must not be allowed either.
fn user_of(pod: &Pod) -> (u32, u32) {
    let own = only_container(pod).security_context.clone().unwrap();
    let shared = pod.spec.as_ref().unwrap().security_context.clone().unwrap_or_default();
    assert_eq!(own.read_only_root_filesystem, Some(true));
    assert_eq!(own.allow_privilege_escalation, Some(false));
    let capabilities = own.capabilities.unwrap();
    assert_eq!((capabilities.drop, capabilities.add), (Some(vec!["ALL".to_owned()]), None));
    let user = own.run_as_user.or(shared.run_as_user).unwrap();
    let group = own.run_as_group.or(shared.run_as_group).unwrap();
    (user.try_into().unwrap(), group.try_into().unwrap())
}

/// What the downward API tells.
fn field(pod: &Pod, address: Ipv4Addr, path: &str) -> String {
    match path {
        "metadata.name" => pod.name_any(),
        "metadata.namespace" => pod.namespace().unwrap(),
        "metadata.uid" => pod.uid().unwrap(),
        "status.podIP" => address.to_string(),
        _ => panic!("unknown here: {path}"),
    }
}

/// The next pod's own loopback address. Tests of other processes have others, but for a rare chance.
fn address() -> Ipv4Addr {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 16 + high % 200, low, PODS.fetch_add(1, Ordering::Relaxed))
}

fn readable(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap()
}
