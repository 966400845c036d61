//! An operator for some namespaces, whose account has no right in any other and none in the cluster as a whole.

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, Client, api::PostParams};
use serde_json::{Value, json};
use webex_azure_operator::{
    api::WebexAzureIntegration,
    controller::{Area, Trouble, preflight},
};

use crate::{
    object::{IN_SYNC, conditions, integration, status},
    scene::{Scene, eventually},
    stage::Stage,
    tenant::TENANT,
};

const NAMESPACES: [&str; 3] = ["area-one", "area-two", "area-three"];

/// What the operator does in a namespace, and nothing else.
fn role() -> Value {
    json!([
        { "apiGroups": ["webexazure.dev"], "resources": ["webexazureintegrations"], "verbs": ["get", "list", "watch"] },
        { "apiGroups": ["webexazure.dev"], "resources": ["webexazureintegrations/status"], "verbs": ["patch"] },
        { "apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"] },
        { "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["graph"], "verbs": ["get"] },
    ])
}

/// A client of an account of the first namespace with a Role in each of these and no `ClusterRole`.
async fn account(scene: &Scene<'_>, namespaces: &[&str]) -> Client {
    let accounts: Api<ServiceAccount> = Api::namespaced(scene.cluster.client.clone(), scene.namespace);
    scene.service_account("areas", None).await;
    for namespace in namespaces {
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": role(),
            "metadata": { "name": "areas", "namespace": namespace },
        });
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": { "name": "areas", "namespace": namespace },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "areas" },
            "subjects": [{ "kind": "ServiceAccount", "name": "areas", "namespace": scene.namespace }],
        });
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [role, binding] });
        scene.cluster.apply(&list.to_string()).await.succeeded();
    }
    let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
    let issued = accounts.create_token_request("areas", &PostParams::default(), &request).await.unwrap();
    scene.cluster.client_with(issued.status.unwrap().token).await
}

pub async fn two_of_three_namespaces_are_watched_with_roles_in_them_only(stage: &Stage) {
    let [first, second, third] = NAMESPACES;
    let mut scene = Scene::open(stage, first).await;
    let graph =
        scene.cluster.kubectl(&["get", "secret", "graph", "--namespace", first, "-o", "json"]).await.succeeded();
    for namespace in [second, third] {
        scene.cluster.kubectl(&["create", "namespace", namespace]).await.succeeded();
        let graph: Value = serde_json::from_str(&graph).unwrap();
        let copy = json!({
            "apiVersion": "v1", "kind": "Secret", "data": graph["data"],
            "metadata": { "name": "graph", "namespace": namespace, "labels": graph["metadata"]["labels"] },
        });
        scene.cluster.apply(&copy.to_string()).await.succeeded();
    }
    let objects: Vec<Api<WebexAzureIntegration>> =
        NAMESPACES.iter().map(|namespace| Api::namespaced(scene.cluster.client.clone(), namespace)).collect();
    for objects in &objects {
        let object = serde_json::from_value(integration("contoso")).unwrap();
        objects.create(&PostParams::default(), &object).await.unwrap();
    }

    let client = account(&scene, &[first, second]).await;
    let areas = Area::of([first, second]);
    eventually("the API server knows of the roles", async || preflight(&client, &areas, "it").await.is_ok()).await;
    for (areas, area) in [(Area::of(NAMESPACES), Area::Namespace(third.to_owned())), ([Area::All].into(), Area::All)] {
        let trouble = preflight(&client, &areas, "it").await.unwrap_err();
        let who = "the ServiceAccount area-one/areas".to_owned();
        assert_eq!(trouble, Trouble::Forbidden { who, verb: "list".to_owned(), area });
    }
    // What it takes to know which fields of the status are declared.
    let description = http::Request::get("/openapi/v3/apis/webexazure.dev/v1alpha1").body(Vec::new()).unwrap();
    client.request::<Value>(description).await.unwrap();

    scene.operate_with(client, |settings| settings.areas = areas);
    for objects in objects.iter().take(2) {
        eventually("it is in order", async || conditions(&objects.get("contoso").await.unwrap()) == IN_SYNC).await;
    }
    scene.until_looked(TENANT, 4).await;
    let untouched = objects[2].get("contoso").await.unwrap();
    assert_eq!(status(&untouched).observed_generation, Some(-1));
    scene.close().await;
}
