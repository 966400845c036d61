//! The local control plane: that it serves, that nothing of it stays behind, and what it says when it cannot start.
#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, outside of functions marked as tests")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use webex_azure_operator::control_plane::{Assets, Cluster, ControlPlane, Error, Tool};

/// Set to the file that a second process of this test writes its folder to.
const REPORT: &str = "CONTROL_PLANE_TEST_REPORT";

#[tokio::test]
async fn an_administrator_is_served_and_nobody_else() {
    let control_plane = started().await;
    let mode = std::fs::metadata(control_plane.folder()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    let admin = control_plane.client().await.unwrap();
    if prebuilt_by_environment().is_none() {
        let version = admin.apiserver_version().await.unwrap();
        assert_eq!(version.git_version, format!("v{}", Tool::KubeApiserver.version()));
    }
    let namespaces = names_of_namespaces(admin.clone()).await.unwrap();
    assert!(namespaces.iter().any(|name| name == "default"), "{namespaces:?}");

    let anonymous = client_with_token(&control_plane, None).await;
    let refused = names_of_namespaces(anonymous).await.unwrap_err();
    assert!(refused.to_string().contains("system:anonymous"), "{refused}");

    let token = token_of_a_service_account(&admin).await;
    let service_account = client_with_token(&control_plane, Some(token)).await;
    let refused = names_of_namespaces(service_account).await.unwrap_err();
    assert!(refused.to_string().contains("system:serviceaccount:default:robot"), "{refused}");

    control_plane.stop().await.unwrap();
}

#[tokio::test]
async fn stop_leaves_no_process_and_no_folder() {
    let control_plane = started().await;
    let folder = control_plane.folder().to_owned();
    assert!(is_named_by_a_process(&folder));
    control_plane.stop().await.unwrap();
    assert!(!folder.exists());
    nothing_is_left_of(&folder).await;
}

#[tokio::test]
async fn a_panic_leaves_no_process_and_no_folder() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let control_plane = started().await;
        sender.send(control_plane.folder().to_owned()).unwrap();
        panic!("on purpose, with a control plane in hand");
    });
    let folder = receiver.await.unwrap();
    assert!(tasks.join_next().await.unwrap().unwrap_err().is_panic());
    assert!(!folder.exists());
    nothing_is_left_of(&folder).await;
}

/// The test starts itself in a second process, which is then killed without a chance to clean up.
#[tokio::test]
async fn a_killed_process_leaves_no_process_and_no_folder() {
    if let Some(report) = std::env::var_os(REPORT) {
        let control_plane = started().await;
        return report_and_stay(Path::new(&report), control_plane.folder()).await;
    }
    nothing_is_left_of_a_killed("a_killed_process_leaves_no_process_and_no_folder", 2).await;
}

#[tokio::test]
async fn pods_of_a_cluster_run_and_its_audit_log_holds_what_service_accounts_ask() {
    let cluster = cluster().await;
    let control_plane = cluster.control_plane();
    let folder = control_plane.folder().to_owned();
    assert_eq!(programs_that_name(&folder), 5);
    let admin = control_plane.client().await.unwrap();
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "no-such-image" }] },
            },
        },
    });
    let api = Api::<Deployment>::default_namespaced(admin.clone());
    api.create(&PostParams::default(), &serde_json::from_value(deployment).unwrap()).await.unwrap();
    let is_available = |deployment: Option<&Deployment>| {
        let status = deployment.and_then(|deployment| deployment.status.as_ref());
        status.and_then(|status| status.available_replicas) == Some(2)
    };
    let available = wait::await_condition(api.clone(), "web", is_available);
    tokio::time::timeout(Duration::from_secs(30), available).await.expect("two pods turn ready").unwrap();
    let pods = Api::<Pod>::default_namespaced(admin.clone());
    assert_eq!(pods.list(&ListParams::default()).await.unwrap().items.len(), 2);
    api.delete("web", &DeleteParams::default()).await.unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let gone = async {
        while !pods.list(&ListParams::default()).await.unwrap().items.is_empty() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("the pods go with their owner");

    let token = token_of_a_service_account(&admin).await;
    let service_account = client_with_token(control_plane, Some(token)).await;
    names_of_namespaces(service_account).await.unwrap_err();
    let log = std::fs::read_to_string(cluster.audit_log()).unwrap();
    let robots: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &Value| event["user"]["username"] == "system:serviceaccount:default:robot")
        .collect();
    let [refused] = &robots[..] else { panic!("{log}") };
    assert_eq!((&refused["verb"], &refused["objectRef"]["resource"]), (&json!("list"), &json!("namespaces")));
    assert_eq!(refused["responseStatus"]["code"], 403);
    assert!(!log.contains(r#""username":"admin""#), "{log}");

    cluster.stop().await.unwrap();
    assert!(!folder.exists());
    nothing_is_left_of(&folder).await;
}

#[tokio::test]
async fn a_dropped_cluster_leaves_no_process_and_no_folder() {
    let cluster = cluster().await;
    let folder = cluster.control_plane().folder().to_owned();
    drop(cluster);
    assert!(!folder.exists());
    nothing_is_left_of(&folder).await;
}

#[tokio::test]
async fn a_killed_process_leaves_no_process_and_no_folder_of_its_cluster() {
    if let Some(report) = std::env::var_os(REPORT) {
        let cluster = cluster().await;
        return report_and_stay(Path::new(&report), cluster.control_plane().folder()).await;
    }
    nothing_is_left_of_a_killed("a_killed_process_leaves_no_process_and_no_folder_of_its_cluster", 5).await;
}

#[tokio::test]
async fn an_incomplete_prebuilt_folder_is_told_with_the_missing_file() {
    let scratch = tempfile::tempdir().unwrap();
    let error = failure(&prebuilt(&scratch)).await;
    let missing = scratch.path().join("etcd");
    assert_eq!(
        error.to_string(),
        format!("{} is missing: the folder given for prebuilt Kubernetes programs must hold etcd", missing.display())
    );
}

#[tokio::test]
async fn a_taken_port_is_tried_again_and_then_told() {
    let scratch = tempfile::tempdir().unwrap();
    script(&scratch.path().join("etcd"), "exec sleep 600");
    script(
        &scratch.path().join("kube-apiserver"),
        "echo 'listen tcp 127.0.0.1:1: bind: address already in use'; exit 1",
    );
    let error = failure(&prebuilt(&scratch)).await;
    assert!(matches!(error, Error::PortTaken { attempts: 5, .. }), "{error}");
}

#[tokio::test]
async fn an_early_end_is_told_with_the_end_of_the_log() {
    let scratch = tempfile::tempdir().unwrap();
    script(&scratch.path().join("etcd"), "exec sleep 600");
    script(&scratch.path().join("kube-apiserver"), "echo first; echo 'unknown flag'; exit 3");
    let error = failure(&prebuilt(&scratch)).await;
    assert_eq!(
        error.to_string(),
        "kube-apiserver ended before it was ready (exit status: 3); the last lines of its log:\nfirst\nunknown flag"
    );
}

#[tokio::test]
async fn a_missing_go_is_told_with_what_to_do() {
    let scratch = tempfile::tempdir().unwrap();
    let go = scratch.path().join("go");
    let error = failure(&built_with(&scratch, &go)).await;
    assert!(matches!(error, Error::FindGo { tool: Tool::Etcd, .. }));
    let text = error.to_string();
    assert!(text.contains("building etcd 3.6.8 needs Go 1.26.0 or newer"), "{text}");
    assert!(text.contains("KUBEBUILDER_ASSETS"), "{text}");
}

#[tokio::test]
async fn an_old_go_is_told_with_both_versions() {
    let scratch = tempfile::tempdir().unwrap();
    let go = scratch.path().join("go");
    script(&go, "echo go version go1.25.9 linux/amd64");
    let error = failure(&built_with(&scratch, &go)).await;
    assert_eq!(error.to_string(), "Go 1.25.9 is too old to build etcd 3.6.8: it needs 1.26.0 or newer");
}

#[tokio::test]
async fn a_failed_build_is_told_with_the_end_of_its_output() {
    let scratch = tempfile::tempdir().unwrap();
    let go = scratch.path().join("go");
    script(&go, "[ $1 = version ] && exec echo go version go1.26.8 linux/amd64; echo 'no such host' >&2; exit 1");
    let error = failure(&built_with(&scratch, &go)).await;
    assert_eq!(error.to_string(), "etcd 3.6.8 could not be built; the last lines of go build:\nno such host");
}

#[tokio::test]
async fn a_program_is_built_once_and_again_when_its_stamp_differs() {
    let scratch = tempfile::tempdir().unwrap();
    let go = scratch.path().join("go");
    let builds = scratch.path().join("builds");
    script(
        &go,
        &format!(
            "[ $1 = version ] && exec echo go version go1.26.8 linux/amd64
             while [ \"$1\" != -o ]; do shift; done
             echo \"$3\" >> '{}'; echo built > \"$2\"",
            builds.display()
        ),
    );
    let assets = built_with(&scratch, &go);
    let said = Mutex::new(Vec::new());
    let progress = |sentence: &str| said.lock().unwrap().push(sentence.to_owned());

    let (first, second) = tokio::join!(assets.path(Tool::Kwok, &progress), assets.path(Tool::Kwok, &progress));
    let program = first.unwrap();
    assert_eq!(program, second.unwrap());
    assert!(program.is_file());
    let told = said.lock().unwrap().clone();
    let building = "Building kwok 0.8.0 from its published module; once, less than 1 minute on 2 cores";
    assert_eq!(told.iter().filter(|sentence| *sentence == building).count(), 1, "{told:?}");
    assert_eq!(std::fs::read_to_string(&builds).unwrap(), "sigs.k8s.io/kwok/cmd/kwok\n");

    std::fs::write(program.with_extension("stamp"), "of an older pin\n").unwrap();
    assets.path(Tool::Kwok, &progress).await.unwrap();
    assert_eq!(std::fs::read_to_string(&builds).unwrap().lines().count(), 2);
}

async fn started() -> ControlPlane {
    // Fails when another test of this process was first, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let assets = Assets::new(prebuilt_by_environment(), Assets::beside_target());
    ControlPlane::start(&assets, &|_| ()).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn cluster() -> Cluster {
    // Fails when another test of this process was first, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let assets = Assets::new(prebuilt_by_environment(), Assets::beside_target());
    Cluster::start(&assets, &|_| ()).await.unwrap_or_else(|error| panic!("{error}"))
}

/// What the second process of a test does until it is killed.
async fn report_and_stay(report: &Path, folder: &Path) {
    let unfinished = report.with_extension("unfinished");
    std::fs::write(&unfinished, folder.to_str().unwrap()).unwrap();
    std::fs::rename(&unfinished, report).unwrap();
    std::future::pending::<()>().await;
}

/// Runs this test in a second process and kills it when it has told its folder and has this many programs running.
async fn nothing_is_left_of_a_killed(test: &str, programs: usize) {
    let scratch = tempfile::tempdir().unwrap();
    let report = scratch.path().join("report");
    let mut second = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(REPORT, &report)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // Long enough for a first build.
    let reports_or_ends = || report.exists() || second.try_wait().unwrap().is_some();
    eventually(Duration::from_mins(20), "the second process reports", reports_or_ends).await;
    let folder = PathBuf::from(std::fs::read_to_string(&report).unwrap());
    let running = programs_that_name(&folder);
    second.kill().unwrap();
    second.wait().unwrap();
    assert_eq!(running, programs);
    nothing_is_left_of(&folder).await;
}

fn prebuilt_by_environment() -> Option<PathBuf> {
    std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from)
}

async fn failure(assets: &Assets) -> Error {
    ControlPlane::start(assets, &|_| ()).await.unwrap_err()
}

fn prebuilt(scratch: &TempDir) -> Assets {
    Assets::new(Some(scratch.path().to_owned()), scratch.path().join("unused"))
}

fn built_with(scratch: &TempDir, go: &Path) -> Assets {
    Assets::new(None, scratch.path().join("built")).with_go(go.to_owned())
}

async fn client_with_token(control_plane: &ControlPlane, token: Option<String>) -> kube::Client {
    let mut content = Kubeconfig::read_from(control_plane.kubeconfig()).unwrap();
    for user in &mut content.auth_infos {
        user.auth_info.as_mut().unwrap().token = token.clone().map(Into::into);
    }
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(content, &options).await.unwrap();
    kube::Client::try_from(config).unwrap()
}

async fn names_of_namespaces(client: kube::Client) -> Result<Vec<String>, kube::Error> {
    let list = Api::<Namespace>::all(client).list(&ListParams::default()).await?;
    Ok(list.items.into_iter().filter_map(|namespace| namespace.metadata.name).collect())
}

async fn token_of_a_service_account(admin: &kube::Client) -> String {
    let api = Api::<ServiceAccount>::namespaced(admin.clone(), "default");
    let mut robot = ServiceAccount::default();
    robot.metadata.name = Some("robot".to_owned());
    api.create(&PostParams::default(), &robot).await.unwrap();
    let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
    let issued = api.create_token_request("robot", &PostParams::default(), &request).await;
    issued.unwrap().status.unwrap().token
}

/// Written by a shell: a file that this process has open for writing cannot be run, and a child that another
/// test starts at the same moment holds it open too.
fn script(path: &Path, text: &str) {
    let status = Command::new("/bin/sh")
        .args(["-c", r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod +x "$1""#, "sh"])
        .arg(path)
        .arg(text)
        .status()
        .unwrap();
    assert!(status.success());
}

async fn nothing_is_left_of(folder: &Path) {
    eventually(Duration::from_secs(30), "no process and no folder", || {
        !folder.exists() && !is_named_by_a_process(folder)
    })
    .await;
}

async fn eventually(within: Duration, claim: &str, mut holds: impl FnMut() -> bool) {
    let polled = tokio::time::timeout(within, async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while !holds() {
            ticks.tick().await;
        }
    });
    assert!(polled.await.is_ok(), "not within {within:?}: {claim}");
}

/// Each process of a control plane has the folder among its arguments, and so have the shells that watch over them.
fn is_named_by_a_process(folder: &Path) -> bool {
    !that_name(folder).is_empty()
}

fn programs_that_name(folder: &Path) -> usize {
    that_name(folder).iter().filter(|arguments| !arguments.starts_with("/bin/sh\0")).count()
}

/// The arguments of each process that has the folder among them.
fn that_name(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let arguments = |entry: std::io::Result<std::fs::DirEntry>| {
        let bytes = std::fs::read(entry.unwrap().path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    std::fs::read_dir("/proc").unwrap().map(arguments).filter(|arguments| arguments.contains(folder)).collect()
}
