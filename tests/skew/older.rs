//! An operator that is newer than the installed definition (K30).

use serde_json::json;
use webex_azure_operator::api::WebexAzureIntegration;

use crate::{
    object::{integration, status},
    scene::{Scene, definition, eventually, said, without},
    tenant::{INTEGRATION, TENANT, Tenants},
};

/// Looks after which whatever would be written again and again has been.
const LONG_ENOUGH: usize = 6;

async fn until_looked(tenants: &Tenants, more: usize) {
    let before = tenants.looks(TENANT).await;
    eventually("looked at", async || tenants.looks(TENANT).await >= before + more).await;
}

async fn undeclared(url: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let metrics = http.get(format!("http://{url}/metrics")).send().await.unwrap().text().await.unwrap();
    let name = "webex_azure_operator_undeclared_status_fields ";
    metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{metrics}")).to_owned()
}

#[tokio::test]
async fn an_older_definition_costs_the_fields_it_lacks_and_no_verdict() {
    let scene = Scene::open().await;
    let older = without(without(definition(), "drift[].attribution"), "applications[].consent.before");
    scene.define(&older).await;
    let tenants = Tenants::start();
    let operator = scene.operate(&tenants);
    let metrics = operator.until_logged("\"address\":\"").await;
    let metrics = metrics.split_once('"').unwrap().0.to_owned();

    scene.create(&integration("contoso")).await;
    scene.until_says("contoso", "Ready=True InSync").await;
    tenants.delete(TENANT, INTEGRATION).await;
    let object = scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;
    let remedy = status(&object).drift[0].remedy.clone().unwrap();
    assert_eq!(remedy.action, "Restore");

    // By now it is known who did it, and cannot be written.
    until_looked(&tenants, LONG_ENOUGH).await;
    let drifted = scene.until_asked("contoso", "now").await;
    assert_eq!(status(&drifted).drift[0].attribution, None);
    // A look that was asked for is followed by one more.
    until_looked(&tenants, LONG_ENOUGH).await;
    let later = scene.objects.get("contoso").await.unwrap();
    assert_eq!(later.metadata.resource_version, drifted.metadata.resource_version, "nothing is written at each look");
    assert_eq!(undeclared(&metrics).await, "2");

    scene.define(&definition()).await;
    let is_told_who = |object: &WebexAzureIntegration| status(object).drift[0].attribution.is_some();
    scene.until("contoso", "the definition is upgraded, and it is told who did it", is_told_who).await;
    assert_eq!(undeclared(&metrics).await, "0");

    let (_, log) = operator.stop().await;
    let warned = said(&log, "WARN");
    let of_definition: Vec<_> = warned.iter().filter(|said| said.contains("CustomResourceDefinition")).collect();
    let expected = "the installed CustomResourceDefinition is older than this operator: it does not declare status.applications[].consent.before, status.drift[].attribution, so that these are not written; verdicts still are; upgrade it with `webex-azure-operator crd | kubectl apply -f -`, or with the chart";
    assert_eq!(of_definition, [expected]);
    assert!(!warned.iter().any(|said| said.contains("failed and is repeated")), "{warned:?}");
    scene.close().await;
}

#[tokio::test]
async fn a_definition_that_becomes_older_while_the_operator_runs_costs_no_verdict() {
    let scene = Scene::open().await;
    scene.define(&definition()).await;
    let tenants = Tenants::start();
    let operator = scene.operate(&tenants);
    scene.create(&integration("contoso")).await;
    scene.until_says("contoso", "Ready=True InSync").await;

    let older = without(without(without(definition(), "summary"), "drift"), "applications[].consent.baseline");
    scene.define(&older).await;
    tenants.delete(TENANT, INTEGRATION).await;
    scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;
    until_looked(&tenants, LONG_ENOUGH).await;
    let told = scene.raw_status("contoso").await;
    assert_eq!((&told["driftCount"], told.get("summary"), told.get("drift")), (&json!(1), None, None));
    assert_eq!(scene.events("DriftDetected").await, 1, "what cannot be kept in the status is no news at each look");

    scene.define(&definition()).await;
    let object = scene.until("contoso", "all of it is written", |object| status(object).summary.is_some()).await;
    assert_eq!(status(&object).drift[0].remedy.as_ref().unwrap().action, "Restore");
    assert_eq!(scene.events("DriftDetected").await, 1);
    let (_, log) = operator.stop().await;
    let warned = said(&log, "WARN");
    let fields = "it does not declare status.applications[].consent.baseline, status.drift, status.summary,";
    assert!(warned.iter().any(|said| said.contains(fields)), "{warned:?}");
    scene.close().await;
}
