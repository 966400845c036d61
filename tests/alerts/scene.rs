//! The built program on a real API server, with the emulator in Microsoft's place and objects in all kinds of states.

use std::{path::PathBuf, time::Duration};

use k8s_openapi::{
    api::core::v1::{Namespace, Secret},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, ResourceExt as _,
    api::{DeleteParams, PostParams},
    runtime::wait::{self, conditions::is_crd_established},
};
use serde_json::{Value, json};
use webex_azure_operator::{
    api::{CREDENTIALS_LABEL, WebexAzureIntegration},
    control_plane::{Assets, ControlPlane},
};

use crate::{
    object::{about, changed, integration, says, signing_in_with},
    program::Program,
    tenant::{INTEGRATION, OPERATOR, OTHER, SECRET, Tenants, numbered},
};

const DEFINITION: &str = include_str!("../../crds/webexazureintegrations.webexazure.dev.yaml");
const CERTIFICATE: &str = include_str!("../fixtures/sign-in/client-certificate.pem");
const KEY: &str = include_str!("../fixtures/sign-in/PUBLIC-TEST-KEY-NOT-A-SECRET-client.pem");

/// Where the objects are.
pub const NAMESPACE: &str = "webex";

/// Application of "Cisco Webex Identity" in the incident's tenant, which has the provisioning job.
const IDENTITY: &str = "00000000-0000-4000-8000-000000000012";

/// Longest wait for one thing, on a machine that does a lot at once.
const PATIENCE: Duration = Duration::from_secs(90);

/// What `/metrics` says in the end, in the text form and as OpenMetrics.
pub async fn scraped() -> (String, String) {
    // Nobody was first: this is the start of the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let prebuilt = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let assets = Assets::new(prebuilt, Assets::beside_target());
    let control_plane = ControlPlane::start(&assets, &|_| {}).await.unwrap_or_else(|error| panic!("{error}"));
    let client = control_plane.client().await.unwrap();
    install(&client).await;
    let tenants = tenants().await;
    let objects: Api<WebexAzureIntegration> = Api::namespaced(client, NAMESPACE);
    for (object, _) in declared() {
        objects.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    }
    let program = start(&tenants, &control_plane);
    let address = program.until_logged("\"message\":\"serving metrics at /metrics\",\"address\":\"").await;
    let address = address.split('"').next().unwrap().to_owned();
    for (object, condition) in declared() {
        until_says(&objects, object["metadata"]["name"].as_str().unwrap(), condition).await;
    }
    drift(&tenants).await;
    for (name, condition) in DRIFTED {
        until_says(&objects, name, condition).await;
    }
    objects.delete("gone", &DeleteParams::default()).await.unwrap();
    let is_told = |text: &str| {
        let is_counted =
            text.contains("looks_total{result=\"drifted\"}") && text.contains("credential_expiry_timestamp");
        is_counted && DRIFTED.iter().all(|(name, _)| has_drift(text, name)) && !text.contains("name=\"gone\"")
    };
    let text = eventually_reads(&address, "text/plain", is_told).await;
    let open_metrics = eventually_reads(&address, "application/openmetrics-text;version=1.0.0", is_told).await;
    program.stop().await;
    tenants.stop().await;
    control_plane.stop().await.unwrap();
    (text, open_metrics)
}

fn has_drift(text: &str, name: &str) -> bool {
    text.lines().any(|line| line.contains("_drift{") && line.contains(&format!("name=\"{name}\"")))
}

/// The objects, and what each says at first.
fn declared() -> Vec<(Value, &'static str)> {
    let other = |name: &str, number| about(&numbered(number), integration(name));
    let suspended = changed(integration("suspended"), &json!({ "spec": { "suspend": true } }));
    let wrong = json!({ "spec": { "credentials": { "clientSecret": { "name": "wrong" } } } });
    let certificate = json!({ "clientCertificate": { "name": "certificate", "key": "client.pem" } });
    vec![
        (integration("in-sync"), "Ready=True InSync"),
        (integration("gone"), "Ready=True InSync"),
        (suspended, "Suspended=True SuspendedByUser"),
        (about(OTHER, integration("deleted")), "Ready=True InSync"),
        (other("consent", 3), "Ready=True InSync"),
        (other("quarantine", 4), "Ready=True InSync"),
        (about(&numbered(5), signing_in_with("certificate", &certificate)), "Ready=True InSync"),
        (changed(integration("refused"), &wrong), "Ready=False CredentialInvalid"),
    ]
}

/// What becomes of some of them.
const DRIFTED: [(&str, &str); 3] = [
    ("deleted", "Ready=False ServicePrincipalSoftDeleted"),
    ("consent", "Ready=False ConsentIncomplete"),
    ("quarantine", "Ready=False ProvisioningQuarantined"),
];

async fn tenants() -> Tenants {
    let tenants = Tenants::start();
    tenants.add_other().await;
    for number in [3, 4] {
        tenants.load(&numbered(number), |_| {}).await;
    }
    let register = |scenario: &mut Value| {
        let own = json!({ "appId": OPERATOR, "certificate": CERTIFICATE });
        scenario["clientCertificates"].as_array_mut().unwrap().push(own);
    };
    tenants.load(&numbered(5), register).await;
    tenants
}

async fn drift(tenants: &Tenants) {
    tenants.delete(OTHER, INTEGRATION).await;
    tenants.revoke(&numbered(3), "GroupMember.Read.All").await;
    tenants.quarantine(&numbered(4), IDENTITY, "EncounteredBaseEscrowThreshold").await;
}

async fn install(client: &Client) {
    let definition: CustomResourceDefinition = serde_saphyr::from_str(DEFINITION).unwrap();
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions.create(&PostParams::default(), &definition).await.unwrap();
    wait::await_condition(definitions, &definition.name_any(), is_crd_established()).await.unwrap();
    let namespace = serde_json::from_value(json!({ "metadata": { "name": NAMESPACE } })).unwrap();
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    for (name, data) in [
        ("graph", json!({ "client-secret": SECRET })),
        ("wrong", json!({ "client-secret": "not this one" })),
        ("certificate", json!({ "client.pem": format!("{CERTIFICATE}{KEY}") })),
    ] {
        let metadata = json!({ "name": name, "labels": { CREDENTIALS_LABEL: "true" } });
        let secret = serde_json::from_value(json!({ "metadata": metadata, "stringData": data })).unwrap();
        secrets.create(&PostParams::default(), &secret).await.unwrap();
    }
}

fn start(tenants: &Tenants, control_plane: &ControlPlane) -> Program {
    let url = tenants.url();
    let arguments = [
        ["run", "--log=info"],
        ["--log-format", "json"],
        ["--namespace", NAMESPACE],
        ["--emulator", &url],
        ["--metrics-address", "127.0.0.1:0"],
        ["--timing-divisor", "30"],
    ];
    Program::start(arguments.as_flattened(), &[("KUBECONFIG", control_plane.kubeconfig().to_str().unwrap())])
}

async fn until_says(objects: &Api<WebexAzureIntegration>, name: &str, condition: &str) {
    let is_so = |object: Option<&WebexAzureIntegration>| object.is_some_and(|object| says(object, condition));
    let met = tokio::time::timeout(PATIENCE, wait::await_condition(objects.clone(), name, is_so)).await;
    assert!(met.is_ok(), "{name} does not say {condition}: {:#?}", objects.get_opt(name).await);
}

async fn eventually_reads(address: &str, accept: &str, is_told: impl Fn(&str) -> bool) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut text = String::new();
    eventually("the metrics tell everything", async || {
        let answer = http.get(format!("http://{address}/metrics")).header("accept", accept).send().await.unwrap();
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(accept.split(';').next().unwrap()));
        text = answer.error_for_status().unwrap().text().await.unwrap();
        is_told(&text)
    })
    .await;
    text
}

/// Asks again and again until it is so.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asked = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        while !is_so().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, asked).await.is_ok(), "waited {PATIENCE:?} in vain until {what}");
}
