//! What happens to one object is nobody else's: a mistake of ours, and what a neighbour signs in with.

use serde_json::json;
use webex_azure_operator::{api::status::ApplicationStatus, controller::Area};

use crate::{
    object::{IN_SYNC, about, changed, conditions, integration, status},
    scene::Scene,
    stage::Stage,
    tenant::{INTEGRATION, OTHER, SECRET, TENANT},
    wire::Trouble,
};

pub async fn a_panic_is_one_objects_internal_error(stage: &Stage) {
    let scene = Scene::operated(stage, "panic").await;
    scene.tenants.add_other().await;
    scene.wire.set(Some(Trouble::Panic(OTHER)));
    scene.create(&about(OTHER, integration("unlucky"))).await;
    scene.create(&integration("contoso")).await;
    let object = scene.until_says("unlucky", "Ready=False InternalError").await;
    assert_eq!(conditions(&object), ["Stalled=True InternalError", "Ready=False InternalError"]);
    assert!(!status(&object).condition("Ready").unwrap().message.contains("on purpose"));

    scene.until_says("contoso", "Ready=True InSync").await;
    scene.tenants.delete(TENANT, INTEGRATION).await;
    scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;

    scene.wire.set(None);
    scene.ask("unlucky", "after the panic").await;
    assert_eq!(conditions(&scene.until_says("unlucky", "Ready=True InSync").await), IN_SYNC);
    scene.close().await;
}

pub async fn i17_a_neighbour_with_a_wrong_secret_gets_nothing_of_who_is_signed_in(stage: &Stage) {
    const SHARD: &str = "neighbours";
    let mut scene = Scene::open(stage, "neighbour-one").await;
    let neighbour = Scene::open_alone(stage, "neighbour-two").await;
    scene.tenants.add_other().await;
    scene.operate_with(scene.cluster.client_of_shard(SHARD), |settings| settings.areas = [Area::All].into());
    let ours = |object| changed(object, &json!({ "metadata": { "labels": { "shard": SHARD } } }));
    scene.create(&ours(about(OTHER, integration("witness")))).await;
    let seldom = json!({ "spec": { "interval": "24h" } });
    scene.create(&ours(changed(integration("contoso"), &seldom))).await;
    scene.until_in_sync("contoso").await;
    // A first look takes two requests and is followed by another one; after that the object is looked at tomorrow.
    crate::scene::eventually("the second look is made", async || scene.tenants.looks(TENANT).await >= 3).await;

    neighbour.secret("graph", &json!({ "client-secret": "emulator-only-mistake" })).await;
    let before = scene.tenants.looks(TENANT).await;
    neighbour.create(&ours(integration("contoso"))).await;
    let says = ["does not accept the client secret", "(AADSTS7000215)"];
    neighbour.until_in_vain("contoso", "CredentialInvalid", &says).await;
    scene.until_looked(OTHER, 5).await;
    assert_eq!(scene.tenants.looks(TENANT).await, before, "nothing is asked with the first one's token");
    let told = status(&neighbour.get("contoso").await);
    let is_unknown = |application: &ApplicationStatus| {
        application.service_principal_id.is_none() && application.state.as_deref() == Some("Unknown")
    };
    assert!(told.applications.iter().all(is_unknown), "{told:#?}");
    assert_eq!(conditions(&scene.get("contoso").await), IN_SYNC);

    neighbour.secret("graph", &json!({ "client-secret": SECRET })).await;
    neighbour.until_in_sync("contoso").await;
    scene.close().await;
    neighbour.close().await;
}
