//! What a person sees who has nothing but kubectl: kept as golden files, because the words are an interface.

use std::time::Duration;

use serde_json::json;
use webex_azure_operator::api::WebexAzureIntegration;

use crate::{
    golden::{Mask, check},
    object::{changed, integration, status},
    scene::Scene,
    stage::Stage,
    tenant::{INTEGRATION, OTHER, TENANT},
};

/// The object and its Secret as the repository shows them.
const EXAMPLE: &str = include_str!("../../examples/incident.yaml");

pub async fn what_kubectl_shows_reads_well(stage: &Stage) {
    let scene = Scene::operated(stage, "webex").await;
    let cluster = scene.cluster;
    scene.tenants.add_other().await;
    cluster.apply(EXAMPLE).await.succeeded();
    scene.secret("mistaken", &json!({ "client-secret": "emulator-only-mistake" })).await;
    let change = json!({ "spec": { "tenantId": OTHER, "credentials": { "clientSecret": { "name": "mistaken" } } } });
    scene.create(&changed(integration("fabrikam"), &change)).await;
    scene.create(&changed(integration("northwind"), &json!({ "spec": { "tenantId": OTHER } }))).await;
    for name in ["contoso", "northwind"] {
        let wait = ["wait", "wai", "--namespace", "webex", name, "--for=condition=Ready", "--timeout=40s"];
        let said = cluster.kubectl(&wait).await.succeeded();
        assert_eq!(said, format!("webexazureintegration.webexazure.dev/{name} condition met\n"));
    }
    scene.until_says("fabrikam", "Ready=False CredentialInvalid").await;
    scene.tenants.delete(TENANT, INTEGRATION).await;
    // The interval of the example is 10 seconds at this speed; nobody has to wait for it.
    scene.ask("contoso", "now").await;
    scene
        .until("contoso", "the look was made", |object| {
            status(object).last_handled_reconcile_at.as_deref() == Some("now")
        })
        .await;
    scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;
    let is_told_who = |object: &WebexAzureIntegration| {
        let drift = status(object).drift;
        drift.iter().filter_map(|entry| entry.attribution.as_ref()).any(|who| who.time.is_some())
    };
    let object = scene.until("contoso", "it is told who did it", is_told_who).await;
    crate::scene::eventually("the event is written", async || !scene.events("contoso").await.is_empty()).await;

    let mask = Mask::of(&object, &scene.tenants.url());
    for (file, arguments) in [
        ("get.txt", &["get", "wai", "-n", "webex"][..]),
        ("get-wide.txt", &["get", "wai", "-n", "webex", "-o", "wide"]),
        ("describe.txt", &["describe", "wai", "-n", "webex", "contoso"]),
        ("explain.txt", &["explain", "wai.spec"]),
    ] {
        let text = cluster.kubectl(arguments).await.succeeded();
        check(file, &format!("$ kubectl {}\n{}", arguments.join(" "), mask.applied(&text)));
    }

    let brief = ["wait", "wai", "-n", "webex", "contoso", "--for=condition=Ready", "--timeout=1s"];
    assert_eq!(cluster.kubectl(&brief).await.code, Some(1));
    let delete = ["delete", "wai", "-n", "webex", "fabrikam", "--timeout=20s"];
    let began = scene.tenants.truth(OTHER).await;
    let said = tokio::time::timeout(Duration::from_secs(20), cluster.kubectl(&delete)).await.unwrap().succeeded();
    assert!(said.contains("\"fabrikam\" deleted"), "{said}");
    assert_eq!(scene.tenants.truth(OTHER).await, began);
    scene.close().await;
}
