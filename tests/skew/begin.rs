//! What keeps the operator from starting is said in one sentence with what to do, as the last line of a log that is JSON.

use std::process::Stdio;

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::scene::{NAMESPACE, Scene, definition, lines};

const INSTALL: &str =
    "install it with `webex-azure-operator crd | kubectl apply -f -`, or with crds.install=true of the chart";

/// Runs the program, which must give up, and tells its last words.
async fn last_words(kubeconfig: &str, arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_webex-azure-operator"))
        .arg("run")
        .args(arguments)
        .env_clear()
        .env("KUBECONFIG", kubeconfig)
        // The API server is asked directly, and what the proxy is asked with is nobody's business.
        .env("HTTPS_PROXY", "http://somebody:canary@127.0.0.1:9")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_mins(1), run).await.unwrap().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &[][..]), "{log}");
    assert!(!log.contains("canary"), "{log}");
    let lines = lines(&log);
    let (last, earlier) = lines.split_last().unwrap();
    assert!(earlier.iter().all(|line| line["level"] == "INFO"), "what went wrong is said once: {log}");
    assert_eq!(last["level"], "ERROR", "{log}");
    last["message"].as_str().unwrap().to_owned()
}

/// A kubeconfig like the administrator's, changed by this.
fn kubeconfig(scene: &Scene, change: impl FnOnce(&mut Value)) -> tempfile::NamedTempFile {
    let text = std::fs::read_to_string(scene.kubeconfig()).unwrap();
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    change(&mut config);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config.to_string()).unwrap();
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().unwrap()
}

/// A kubeconfig of a ServiceAccount without rights.
async fn account(scene: &Scene) -> tempfile::NamedTempFile {
    let accounts: Api<ServiceAccount> = Api::namespaced(scene.client.clone(), NAMESPACE);
    let mut account = ServiceAccount::default();
    account.metadata.name = Some("operator".to_owned());
    accounts.create(&PostParams::default(), &account).await.unwrap();
    let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
    let issued = accounts.create_token_request("operator", &PostParams::default(), &request).await.unwrap();
    let token = issued.status.unwrap().token;
    kubeconfig(scene, |config| config["users"][0]["user"]["token"] = token.into())
}

/// Lets the account do this with the objects of the namespace.
async fn allow(scene: &Scene, verbs: &[&str]) {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "operator" },
        "rules": [{ "apiGroups": ["webexazure.dev"], "resources": ["webexazureintegrations"], "verbs": verbs }],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "operator" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operator" },
        "subjects": [{ "kind": "ServiceAccount", "name": "operator", "namespace": NAMESPACE }],
    });
    let parameters = PatchParams::apply("test").force();
    let roles: Api<Role> = Api::namespaced(scene.client.clone(), NAMESPACE);
    roles.patch("operator", &parameters, &Patch::Apply(role)).await.unwrap();
    let bindings: Api<RoleBinding> = Api::namespaced(scene.client.clone(), NAMESPACE);
    bindings.patch("operator", &parameters, &Patch::Apply(binding)).await.unwrap();
}

#[tokio::test]
async fn a_missing_definition_and_one_of_another_version_are_told_apart() {
    let scene = Scene::open().await;
    let missing = last_words(scene.kubeconfig(), &[]).await;
    assert_eq!(missing, format!("the kind WebexAzureIntegration is not installed in this cluster; {INSTALL}"));

    let mut other = definition();
    other["spec"]["versions"][0]["name"] = "v1".into();
    scene.define(&other).await;
    let other = last_words(scene.kubeconfig(), &["--namespace", NAMESPACE]).await;
    let expected = "this cluster serves WebexAzureIntegration as v1 and not as v1alpha1, which this operator reads; install the operator that goes with that definition, or this operator's definition with `webex-azure-operator crd | kubectl apply -f -`, or with crds.install=true of the chart";
    assert_eq!(other, expected);
    scene.close().await;
}

#[tokio::test]
async fn a_missing_right_is_named_with_who_what_and_where() {
    let scene = Scene::open().await;
    scene.define(&definition()).await;
    let account = account(&scene).await;
    let everywhere = last_words(path(&account), &[]).await;
    assert_eq!(
        everywhere,
        "the ServiceAccount webex/operator may not list WebexAzureIntegration objects in all namespaces; give it the roles of the chart with `namespaces` left empty, or name the namespaces that it may read with --namespace"
    );
    allow(&scene, &["list"]).await;
    // The API server learns of roles by a watch of its own.
    let mut said = String::new();
    for _ in 0..10 {
        said = last_words(path(&account), &["--namespace", NAMESPACE]).await;
        if !said.contains("may not list") {
            break;
        }
    }
    assert_eq!(
        said,
        "the ServiceAccount webex/operator may not watch WebexAzureIntegration objects in namespace webex; add webex to `namespaces` of the chart, which makes the roles"
    );
    allow(&scene, &["list", "watch"]).await;
    let elsewhere = last_words(path(&account), &["--namespace", "webex,team-a"]).await;
    assert_eq!(
        elsewhere,
        "the ServiceAccount webex/operator may not list WebexAzureIntegration objects in namespace team-a; add team-a to `namespaces` of the chart, which makes the roles"
    );
    scene.close().await;
}

#[tokio::test]
async fn an_api_server_that_cannot_be_spoken_to_is_named_with_its_address_and_the_reason() {
    let scene = Scene::open().await;
    let server = format!("the Kubernetes API server at {}/", scene.control_plane.url());

    let stranger = kubeconfig(&scene, |config| config["users"][0]["user"]["token"] = "nobody's".into());
    let said = last_words(path(&stranger), &[]).await;
    assert!(said.starts_with(&format!("{server} does not accept the credentials of the operator (401 ")), "{said}");

    let distrustful = kubeconfig(&scene, |config| {
        config["clusters"][0]["cluster"].as_object_mut().unwrap().remove("certificate-authority").unwrap();
    });
    let said = last_words(path(&distrustful), &[]).await;
    assert!(said.starts_with(&format!("the certificate of {server} is not trusted (")), "{said}");
    assert!(said.contains("UnknownIssuer") && said.contains("certificate-authority-data"), "{said}");

    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let deserted = kubeconfig(&scene, |config| {
        config["clusters"][0]["cluster"]["server"] = format!("https://127.0.0.1:{port}").into();
    });
    let said = last_words(path(&deserted), &[]).await;
    let expected =
        format!("could not reach the Kubernetes API server at https://127.0.0.1:{port}/ (Connection refused");
    assert!(said.starts_with(&expected) && said.contains("kubeconfig"), "{said}");
    scene.close().await;
}
