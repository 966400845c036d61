//! Stored objects that break the rules are their own trouble, and nobody else's.

use serde_json::{Value, json};
use webex_azure_operator::api::WebexAzureIntegration;

use crate::{
    object::{IN_SYNC, changed, conditions, integration, status},
    scene::Scene,
    stage::{DEFINITION, Stage},
    tenant::{INTEGRATION, TENANT},
};

/// Objects get past the rules while an older definition has none, and are found when the present one is back.
pub async fn an_object_that_cannot_be_read_suffers_alone(stage: &Stage) {
    let definition = stage.definition.write().await;
    let mut scene = Scene::open_alone(stage, "unreadable").await;
    scene.create(&integration("contoso")).await;
    let without_rules = without_rules(&serde_saphyr::from_str(DEFINITION).unwrap());
    scene.cluster.apply(&without_rules.to_string()).await.succeeded();
    let wrong_type = changed(integration("wrong-type"), &json!({ "spec": { "suspend": "yes" } }));
    // A rule in CEL that cannot be evaluated makes the API server refuse every write to the object, to its status too.
    let unwritable = changed(integration("unwritable"), &json!({ "spec": { "tenantId": 5 } }));
    let wrong_object = changed(integration("no-client"), &json!({ "spec": { "credentials": { "clientId": null } } }));
    let wrong_rule = changed(integration("one-day"), &json!({ "spec": { "interval": "1d" } }));
    for object in [&wrong_type, &unwritable, &wrong_object, &wrong_rule] {
        // The API server takes the definition on shortly after it was written.
        crate::scene::eventually("the object is accepted", async || {
            scene.cluster.apply(&in_namespace(object, scene.namespace)).await.code == Some(0)
        })
        .await;
    }
    scene.cluster.apply(DEFINITION).await.succeeded();

    scene.operate(scene.cluster.client.clone());
    for (name, says) in [
        ("wrong-type", "spec.suspend: must be of type boolean"),
        ("no-client", "spec.credentials.clientId: is required"),
        ("one-day", "spec.interval: interval must be a duration between 30s and 24h"),
    ] {
        let invalid = scene.until_invalid(name).await;
        let own: Vec<String> = conditions(&invalid);
        assert_eq!(own, ["Stalled=True InvalidSpec", "Ready=False InvalidSpec"], "{name}");
        let message = &status(&invalid).condition("Ready").unwrap().message.clone();
        assert!(message.contains(says), "{name}: {message}");
    }
    assert_eq!(conditions(&scene.until_says("contoso", "Ready=True InSync").await), IN_SYNC);
    scene.tenants.delete(TENANT, INTEGRATION).await;
    let drifted = scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;
    let principal = status(&drifted).application("identity-integration").unwrap().service_principal_id.clone().unwrap();
    scene.tenants.restore(TENANT, &principal).await;

    // Mended, each is judged like any other, and nothing of the complaint stays behind.
    for (name, spec) in [
        ("wrong-type", json!({ "suspend": false })),
        ("no-client", integration("")["spec"].clone()),
        ("one-day", json!({ "interval": "30s" })),
    ] {
        let mended = json!({ "spec": spec }).to_string();
        let patch = ["patch", "wai", "--namespace", scene.namespace, name, "--type=merge", "--patch", &mended];
        scene.cluster.kubectl(&patch).await.succeeded();
    }
    for name in ["contoso", "wrong-type", "no-client", "one-day"] {
        assert_eq!(conditions(&scene.until_says(name, "Ready=True InSync").await), IN_SYNC, "{name}");
    }
    assert_eq!(
        scene.cluster.kubectl(&["delete", "wai", "--namespace", scene.namespace, "unwritable"]).await.code,
        Some(0)
    );
    scene.close().await;
    drop(definition);
}

impl Scene<'_> {
    /// Waits for the verdict on an object that no client of ours can read whole.
    async fn until_invalid(&self, name: &str) -> WebexAzureIntegration {
        let arguments = ["get", "wai", "--namespace", self.namespace, name, "--output", "json"];
        let read =
            async || -> Value { serde_json::from_str(&self.cluster.kubectl(&arguments).await.succeeded()).unwrap() };
        let has_verdict = async || read().await.pointer("/status/conditions").is_some();
        crate::scene::eventually(&format!("{name} has a verdict"), has_verdict).await;
        let mut object = read().await;
        object["spec"] = integration(name)["spec"].clone();
        serde_json::from_value(object).unwrap()
    }
}

fn in_namespace(object: &Value, namespace: &str) -> String {
    changed(object.clone(), &json!({ "metadata": { "namespace": namespace } })).to_string()
}

/// The definition as it would be if anything went as a spec.
fn without_rules(definition: &Value) -> Value {
    let mut definition = definition.clone();
    let anything = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    *definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec").unwrap() = anything;
    definition
}
