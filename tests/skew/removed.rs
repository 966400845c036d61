//! A definition that goes while the operator runs, and comes back (K18).

use crate::{
    object::integration,
    scene::{Scene, definition, said},
    tenant::Tenants,
};

#[tokio::test]
async fn a_definition_that_is_removed_is_missed_in_one_line_and_welcome_when_it_is_back() {
    let scene = Scene::open().await;
    scene.define(&definition()).await;
    let tenants = Tenants::start();
    let operator = scene.operate_with(&tenants, &["--log", "info,webex_azure_operator=debug"]);
    scene.create(&integration("contoso")).await;
    scene.until_says("contoso", "Ready=True InSync").await;

    scene.undefine().await;
    operator.until_logged("the kind WebexAzureIntegration is not installed in this cluster").await;
    operator.until_logged("is still broken").await;
    scene.define(&definition()).await;
    scene.create(&integration("contoso")).await;
    scene.until_says("contoso", "Ready=True InSync").await;
    operator.until_logged("the watch of WebexAzureIntegration objects in namespace webex works again").await;

    let (_, log) = operator.stop().await;
    let missed = said(&log, "WARN").into_iter().filter(|said| said.contains("is not installed in this cluster"));
    assert_eq!(
        missed.collect::<Vec<_>>(),
        [
            "the watch of WebexAzureIntegration objects in namespace webex broke and is made anew: the kind WebexAzureIntegration is not installed in this cluster; install it with `webex-azure-operator crd | kubectl apply -f -`, or with crds.install=true of the chart"
        ]
    );
    scene.close().await;
}
