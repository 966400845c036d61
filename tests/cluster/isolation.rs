//! A mistake of ours in one object's pass is that object's trouble.

use serde_json::json;

use crate::{
    object::{IN_SYNC, changed, conditions, integration, status},
    scene::Scene,
    stage::Stage,
    tenant::{INTEGRATION, OTHER, TENANT},
    wire::Trouble,
};

pub async fn a_panic_is_one_objects_internal_error(stage: &Stage) {
    let scene = Scene::operated(stage, "panic").await;
    scene.tenants.add_other().await;
    scene.wire.set(Some(Trouble::Panic(OTHER)));
    scene.create(&changed(integration("unlucky"), &json!({ "spec": { "tenantId": OTHER } }))).await;
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
