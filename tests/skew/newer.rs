//! An operator that is older than the installed definition (K30).

use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{
    object::{IN_SYNC, changed, conditions, integration},
    scene::{NAMESPACE, Scene, definition, eventually, said, schema},
    tenant::{INTEGRATION, TENANT, Tenants},
};

#[tokio::test]
async fn a_newer_definition_changes_nothing_but_for_objects_with_values_that_only_it_knows() {
    let mut newer = definition();
    let properties = &mut schema(&mut newer)["properties"];
    properties["spec"]["properties"]["flavour"] = json!({ "type": "string", "default": "plain" });
    properties["spec"]["properties"]["cloud"]["enum"].as_array_mut().unwrap().push(json!("Mars"));
    properties["status"]["properties"]["forecast"] = json!({ "type": "string" });
    properties["status"]["properties"]["applications"]["items"]["properties"]["hue"] = json!({ "type": "string" });
    let scene = Scene::open().await;
    scene.define(&newer).await;
    let tenants = Tenants::start();
    let operator = scene.operate(&tenants);

    scene.create(&changed(integration("contoso"), &json!({ "spec": { "flavour": "vanilla" } }))).await;
    scene
        .create(&changed(
            integration("martian"),
            &json!({ "spec": { "cloud": "Mars", "identityIntegration": { "appId": INTEGRATION } } }),
        ))
        .await;
    scene.until("contoso", "it is in order", |object| conditions(object) == IN_SYNC).await;
    // The client of this test knows as little of Mars as the operator.
    let mut ready = Value::Null;
    eventually("the martian is told", async || {
        let told = scene.raw_status("martian").await;
        let conditions = told["conditions"].as_array().cloned().unwrap_or_default();
        ready = conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default();
        ready["reason"] == "InvalidSpec"
    })
    .await;
    assert!(ready["message"].as_str().unwrap().contains("spec.cloud"), "{ready}");

    // What somebody else owns stays through the writes of this version.
    let parameters = PatchParams::apply("newer-operator").force();
    let foreign = json!({
        "apiVersion": "webexazure.dev/v1alpha1", "kind": "WebexAzureIntegration", "metadata": { "name": "contoso" },
        "status": { "forecast": "sunny", "applications": [{ "name": "identity", "hue": "blue" }] },
    });
    let objects: Api<kube::api::DynamicObject> = Api::namespaced_with(
        scene.client.clone(),
        NAMESPACE,
        &kube::api::ApiResource::erase::<webex_azure_operator::api::WebexAzureIntegration>(&()),
    );
    objects.patch_status("contoso", &parameters, &Patch::Apply(&foreign)).await.unwrap();
    tenants.delete(TENANT, INTEGRATION).await;
    scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;
    let told = scene.raw_status("contoso").await;
    assert_eq!(told["forecast"], "sunny");
    let identity = told["applications"].as_array().unwrap().iter().find(|entry| entry["name"] == "identity").unwrap();
    assert_eq!(identity["hue"], "blue");

    let (_, log) = operator.stop().await;
    assert_eq!(said(&log, "ERROR"), Vec::<String>::new());
    assert!(!said(&log, "WARN").iter().any(|said| said.contains("CustomResourceDefinition")), "{log}");
    scene.close().await;
}
