//! The operator as the service account that the chart makes, with the rights that the chart gives it.

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, api::PostParams};

use crate::{
    object::{IN_SYNC, conditions, integration, status},
    scene::{Scene, eventually},
    stage::Stage,
    tenant::{INTEGRATION, TENANT},
};

pub async fn the_charts_permissions_are_enough_and_name_each_secret(stage: &Stage) {
    let mut scene = Scene::open(stage, "chart").await;
    let release = "webex-azure-operator";
    let without_secrets = scene.cluster.chart(release, "chart", "crds.install=false").await;
    scene.cluster.apply(&without_secrets).await.succeeded();
    let accounts: Api<ServiceAccount> = Api::namespaced(scene.cluster.client.clone(), "chart");
    let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
    let issued = accounts.create_token_request(release, &PostParams::default(), &request).await.unwrap();
    scene.operate(scene.cluster.client_with(issued.status.unwrap().token).await);

    scene.create(&integration("contoso")).await;
    let object = scene.until_says("contoso", "Ready=False SecretForbidden").await;
    let expected = ["Stalled=True SecretForbidden", "Ready=False SecretForbidden", "Observed=False SecretForbidden"];
    assert_eq!(conditions(&object)[..3], expected);
    let message = status(&object).condition("Observed").unwrap().message.clone();
    assert!(message.contains("may not read the Secret chart/graph"), "{message}");
    assert!(message.contains("credentials (namespace chart, secret graph)"), "{message}");

    let values = r#"crds.install=false,credentials=[{"namespace":"chart","secrets":["graph"]}]"#;
    let with_secret = scene.cluster.chart(release, "chart", values).await;
    scene.cluster.apply(&with_secret).await.succeeded();
    assert_eq!(conditions(&scene.until_says("contoso", "Ready=True InSync").await), IN_SYNC);
    scene.tenants.delete(TENANT, INTEGRATION).await;
    scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;
    let told = ["ObservationFailed", "DriftDetected"];
    eventually("the event is written", async || scene.events("contoso").await == told).await;
    scene.close().await;
}
