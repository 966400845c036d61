//! An object's life: quiet, asked for, suspended, deleted, created anew.
//!
//! Where a test claims that nothing happens, a second object about another tenant shows that time went by: it is looked
//! at several times meanwhile.

use kube::api::DeleteParams;
use serde_json::json;
use webex_azure_operator::api::WebexAzureIntegration;

use crate::{
    object::{IN_SYNC, changed, conditions, integration, status},
    scene::Scene,
    stage::Stage,
    tenant::{INTEGRATION, OTHER, TENANT},
};

/// A tenant's truth without its provisioning jobs, which go on by themselves.
fn without_jobs(mut truth: serde_json::Value) -> serde_json::Value {
    truth["synchronizationJobs"].take();
    truth
}

/// Looks at another object that show that nothing is going to happen to the first.
const LONG_ENOUGH: usize = 5;

fn witness() -> serde_json::Value {
    changed(integration("witness"), &json!({ "spec": { "tenantId": OTHER } }))
}

pub async fn a_suspended_object_is_left_alone_until_it_is_resumed(stage: &Stage) {
    let scene = Scene::operated(stage, "suspended").await;
    scene.tenants.add_other().await;
    scene.create(&witness()).await;
    scene.create(&integration("contoso")).await;
    scene.until_says("contoso", "Ready=True InSync").await;
    scene.tenants.delete(TENANT, INTEGRATION).await;
    scene.until_says("contoso", "Stalled=True ServicePrincipalSoftDeleted").await;

    let asleep = scene.edit("contoso", &json!({ "spec": { "suspend": true } })).await;
    let generation = asleep.metadata.generation;
    let object = scene.until_says("contoso", "Suspended=True SuspendedByUser").await;
    assert_eq!(
        conditions(&object),
        [
            "Ready=False ServicePrincipalSoftDeleted",
            "Suspended=True SuspendedByUser",
            "Observed=True ObservationComplete",
            "Drifted=True DriftDetected",
            "ServicePrincipalsPresent=False ServicePrincipalSoftDeleted",
            "SignInEnabled=Unknown NotObserved",
            "ConsentGranted=Unknown NotObserved",
            "ProvisioningHealthy=True Healthy",
            "CertificatesCurrent=True Current",
        ]
    );
    let told = status(&object);
    assert_eq!(told.observed_generation, generation);
    assert!(told.conditions.iter().all(|condition| condition.observed_generation == generation), "{told:#?}");
    assert_eq!(writes_after(&scene, "contoso", &asleep).await, 1, "one write says all of it");

    let before = scene.tenants.requests(TENANT).await.len();
    scene.until_looked(OTHER, LONG_ENOUGH).await;
    assert_eq!(scene.tenants.requests(TENANT).await.len(), before);
    assert_eq!(scene.get("contoso").await.metadata.resource_version, object.metadata.resource_version);

    let principal = status(&object).application("identity-integration").unwrap().service_principal_id.clone().unwrap();
    scene.tenants.restore(TENANT, &principal).await;
    scene.edit("contoso", &json!({ "spec": { "suspend": false } })).await;
    assert_eq!(conditions(&scene.until_says("contoso", "Ready=True InSync").await), IN_SYNC);
    scene.close().await;
}

/// How many versions of the object came after this one; only it is written in its namespace meanwhile.
async fn writes_after(scene: &Scene<'_>, name: &str, earlier: &WebexAzureIntegration) -> usize {
    use futures::StreamExt as _;
    use kube::api::{WatchEvent, WatchParams};
    let parameters = WatchParams::default().fields(&format!("metadata.name={name}")).timeout(1);
    let version = earlier.metadata.resource_version.clone().unwrap();
    let events = scene.objects.watch(&parameters, &version).await.unwrap();
    events.filter(|event| std::future::ready(matches!(event, Ok(WatchEvent::Modified(_))))).count().await
}

pub async fn a_quiet_object_is_not_written(stage: &Stage) {
    let scene = Scene::operated(stage, "quiet").await;
    scene.create(&integration("contoso")).await;
    scene.until_says("contoso", "Ready=True InSync").await;
    // A first look is followed by another, which may still have to note when it was.
    scene.until_looked(TENANT, 2).await;
    let quiet = scene.get("contoso").await;
    scene.until_looked(TENANT, LONG_ENOUGH).await;
    let later = scene.get("contoso").await;
    assert_eq!(later.metadata.resource_version, quiet.metadata.resource_version);
    assert_eq!(later.status, quiet.status);
    assert_eq!(scene.events("contoso").await, Vec::<String>::new());

    scene.tenants.delete(TENANT, INTEGRATION).await;
    scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;
    let is_attributed = |object: &WebexAzureIntegration| status(object).drift[0].attribution.is_some();
    scene.until("contoso", "it is known who did it", is_attributed).await;
    scene.until_looked(TENANT, 2).await;
    let drifted = scene.get("contoso").await;
    scene.until_looked(TENANT, LONG_ENOUGH).await;
    assert_eq!(scene.get("contoso").await.metadata.resource_version, drifted.metadata.resource_version);
    scene.close().await;
}

pub async fn an_annotation_asks_for_a_look_at_once(stage: &Stage) {
    let scene = Scene::operated(stage, "asked").await;
    scene.create(&changed(integration("contoso"), &json!({ "spec": { "interval": "24h" } }))).await;
    scene.until_says("contoso", "Ready=True InSync").await;
    // The first look counts as asked for, and such a look is followed by one more; the next is due in 48 minutes.
    crate::scene::eventually("the second look is made", async || scene.tenants.looks(TENANT).await >= 2).await;
    for value in ["2026-11-23T08:00:00Z", "again"] {
        let before = scene.tenants.looks(TENANT).await;
        scene.ask("contoso", value).await;
        scene
            .until("contoso", "the value is echoed", |object| {
                status(object).last_handled_reconcile_at.as_deref() == Some(value)
            })
            .await;
        assert!(scene.tenants.looks(TENANT).await > before);
    }
    assert_eq!(conditions(&scene.get("contoso").await), IN_SYNC);
    scene.close().await;
}

pub async fn a_deleted_object_is_released(stage: &Stage) {
    let scene = Scene::operated(stage, "released").await;
    scene.tenants.add_other().await;
    scene.create(&witness()).await;
    scene.create(&integration("contoso")).await;
    let object = scene.until_says("contoso", "Ready=True InSync").await;
    assert_eq!(object.metadata.finalizers, None);
    let truth = without_jobs(scene.tenants.truth(TENANT).await);

    let gone = scene.objects.delete("contoso", &DeleteParams::default()).await.unwrap();
    assert!(gone.is_right(), "the API server has nothing to wait for");
    assert!(scene.objects.get_opt("contoso").await.unwrap().is_none());

    // A look that had begun may end.
    scene.until_looked(OTHER, 2).await;
    let before = scene.tenants.requests(TENANT).await.len();
    scene.until_looked(OTHER, LONG_ENOUGH).await;
    let requests = scene.tenants.requests(TENANT).await;
    assert_eq!(requests.len(), before);
    let only_reads = |request: &serde_json::Value| {
        let items = request["items"].as_array().cloned().unwrap_or_default();
        request["method"] == "GET"
            || request["path"].as_str().unwrap().ends_with("/token")
            || items.iter().all(|item| item["method"] == "GET")
    };
    assert!(requests.iter().all(only_reads), "{requests:#?}");
    assert_eq!(without_jobs(scene.tenants.truth(TENANT).await), truth);
    scene.close().await;
}

pub async fn a_recreated_object_gets_a_verdict_of_its_own(stage: &Stage) {
    let scene = Scene::operated(stage, "recreated").await;
    scene.tenants.add_other().await;
    scene.create(&integration("contoso")).await;
    scene.until_says("contoso", "Ready=True InSync").await;
    scene.tenants.delete(TENANT, INTEGRATION).await;
    let first = scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;

    scene.objects.delete("contoso", &DeleteParams::default()).await.unwrap();
    let second = scene.create(&changed(integration("contoso"), &json!({ "spec": { "tenantId": OTHER } }))).await;
    assert_ne!(first.metadata.uid, second.metadata.uid);
    assert_eq!(status(&second).observed_generation, Some(-1));
    let judged = |object: &WebexAzureIntegration| status(object).observed_generation == Some(1);
    let object = scene.until("contoso", "the second object has a verdict", judged).await;
    assert_eq!(object.metadata.uid, second.metadata.uid);
    assert_eq!(conditions(&object), IN_SYNC);
    let told = status(&object);
    let created = second.metadata.creation_timestamp.unwrap().0;
    assert!(told.conditions.iter().all(|condition| condition.last_transition_time.0 >= created), "{told:#?}");

    scene.objects.delete("contoso", &DeleteParams::default()).await.unwrap();
    scene.create(&integration("contoso")).await;
    let object = scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;
    assert_eq!(status(&object).observed_generation, Some(1));
    scene.close().await;
}

pub async fn a_display_name_cannot_deceive_a_terminal(stage: &Stage) {
    const NAME: &str = "Cisco\u{202e}xebeW\u{1b}[31m\r\n\u{200b}\u{7}Identity \"Integration\"";
    const SHOWN: &str = "Cisco\\u{202e}xebeW\\u{1b}[31m\\u{d}\\u{a}\\u{200b}\\u{7}Identity 'Integration'";
    let scene = Scene::operated(stage, "names").await;
    let path = format!("/servicePrincipals(appId='{INTEGRATION}')");
    scene.tenants.act(TENANT, "PATCH", &path, Some(json!({ "displayName": NAME }))).await;
    scene.create(&integration("contoso")).await;
    let object = scene.until_says("contoso", "Ready=True InSync").await;
    let shown = status(&object).application("identity-integration").unwrap().display_name.clone();
    assert_eq!(shown.as_deref(), Some(SHOWN));
    scene.tenants.delete(TENANT, INTEGRATION).await;
    let object = scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;
    assert_eq!(status(&object).application("identity-integration").unwrap().display_name.as_deref(), Some(SHOWN));

    let of = |arguments: &[&'static str]| [arguments, &["--namespace", "names"]].concat();
    crate::scene::eventually("the event is written", async || !scene.events("contoso").await.is_empty()).await;
    for (arguments, is_named) in [
        (of(&["get", "wai", "-o", "wide"]), false),
        (of(&["describe", "wai"]), true),
        (of(&["get", "wai", "-o", "yaml"]), true),
        (of(&["get", "events"]), false),
    ] {
        let text = scene.cluster.kubectl(&arguments).await.succeeded();
        assert_eq!(text.contains("xebeW"), is_named, "{text}");
        let deceives =
            |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
        assert!(!text.contains(deceives), "{text:?}");
    }
    scene.close().await;
}
