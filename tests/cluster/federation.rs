//! Objects that sign in with a ServiceAccount of their namespace: the tokens are the real API server's, and the emulated
//! tenant verifies them with the keys that this API server publishes.

use serde_json::{Value, json};

use crate::{
    object::{about, changed, signing_in_with},
    scene::Scene,
    sign_in::{AUDIENCE, Issuer},
    stage::Stage,
    tenant::{INTEGRATION, OPERATOR, TENANT, numbered},
};

/// An application that is not the operator's.
const STRONGER: &str = "00000000-0000-4000-8000-00000000beef";

fn signing_in_as(name: &str, account: &str) -> Value {
    signing_in_with(name, &json!({ "workloadIdentity": { "serviceAccountName": account } }))
}

pub async fn a_service_account_signs_in_and_each_mismatch_is_told_until_it_is_mended(stage: &Stage) {
    let scene = Scene::operated(stage, "federation").await;
    let issuer = Issuer::of(&scene.cluster.client).await;
    scene.service_account("reader", Some(OPERATOR)).await;
    let subject = scene.subject("reader");
    let right = |scenario: &mut Value| issuer.trusted(scenario, &subject, AUDIENCE);
    scene.tenants.reload(right).await;
    let elsewhere = "https://oidc.example/another-cluster/";
    let tenants = [3, 4, 5].map(numbered);
    scene.tenants.load(&tenants[0], |scenario| issuer.trusted_as(elsewhere, scenario, &subject, AUDIENCE)).await;
    scene.tenants.load(&tenants[1], |scenario| issuer.trusted(scenario, "someone else", AUDIENCE)).await;
    scene.tenants.load(&tenants[2], |scenario| issuer.trusted(scenario, &subject, "api://Elsewhere")).await;
    let table = [("issuer", "AADSTS700211"), ("subject", "AADSTS700213"), ("audience", "AADSTS700212")];
    for ((name, _), tenant) in table.iter().zip(&tenants) {
        scene.create(&about(tenant, signing_in_as(name, "reader"))).await;
    }
    scene.create(&signing_in_as("contoso", "reader")).await;
    scene.until_in_sync("contoso").await;

    let presented = format!("issuer \"{}\", subject \"{subject}\", audience \"{AUDIENCE}\"", issuer.url);
    for (name, number) in table {
        let says = [number, "has no federated credential for what was presented", &presented, "Compare each letter"];
        scene.until_in_vain(name, "CredentialInvalid", &says).await;
    }
    for tenant in &tenants {
        scene.tenants.load(tenant, right).await;
    }
    for (name, _) in table {
        scene.until_mended(name).await;
    }
    scene.close().await;
}

pub async fn i18_a_service_account_is_used_only_if_it_names_the_application_and_heals_when_it_does(stage: &Stage) {
    let scene = Scene::operated(stage, "accounts").await;
    let issuer = Issuer::of(&scene.cluster.client).await;
    let annotate = |name: &str| {
        format!(
            "kubectl annotate serviceaccount --namespace accounts {name} azure.workload.identity/client-id={OPERATOR}"
        )
    };
    let table = [
        ("absent", None, vec!["The ServiceAccount accounts/absent does not exist".to_owned()]),
        ("bare", Some(None), vec!["accounts/bare does not name application".to_owned(), annotate("bare")]),
        ("stronger", Some(Some(STRONGER)), vec!["accounts/stronger does not name".to_owned(), annotate("stronger")]),
        ("nonsense", Some(Some("all")), vec!["accounts/nonsense does not name".to_owned(), annotate("nonsense")]),
    ];
    let subjects = table.each_ref().map(|(name, _, _)| scene.subject(name));
    let trust_all = |scenario: &mut Value| {
        for subject in &subjects {
            issuer.trusted(scenario, subject, AUDIENCE);
        }
    };
    scene.tenants.reload(trust_all).await;
    for (name, account, _) in &table {
        if let Some(application) = account {
            scene.service_account(name, *application).await;
        }
        scene.create(&signing_in_as(name, name)).await;
    }
    for (name, _, says) in &table {
        let says: Vec<&str> = says.iter().map(String::as_str).collect();
        scene.until_in_vain(name, "ServiceAccountNotBound", &says).await;
    }
    assert_eq!(scene.tenants.sign_ins(TENANT).await, 0, "no token of them is shown to anyone");

    for (name, _, _) in &table {
        scene.service_account(name, Some(OPERATOR)).await;
    }
    for (name, _, _) in &table {
        scene.until_in_sync(name).await;
    }
    scene.close().await;
}

/// A Role that lets the chart's operator read the ServiceAccount and no more.
const READING: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reading, namespace: account-rights }
rules: [{ apiGroups: [""], resources: [serviceaccounts], resourceNames: [reader], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reading, namespace: account-rights }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reading }
subjects: [{ kind: ServiceAccount, name: webex-azure-operator, namespace: account-rights }]
"#;

pub async fn the_chart_gives_the_rights_to_a_service_account_by_name(stage: &Stage) {
    let mut scene = Scene::open(stage, "account-rights").await;
    let issuer = Issuer::of(&scene.cluster.client).await;
    scene.tenants.reload(|scenario| issuer.trusted(scenario, &scene.subject("reader"), AUDIENCE)).await;
    scene.service_account("reader", Some(OPERATOR)).await;
    let release = "webex-azure-operator";
    let without = scene.cluster.chart(release, scene.namespace, "crds.install=false").await;
    scene.cluster.apply(&without).await.succeeded();
    scene.operate(scene.cluster.client_with(scene.token(release, &issuer.url).await).await);

    scene.create(&signing_in_as("contoso", "reader")).await;
    let remedy = "chart's value credentials (namespace account-rights, serviceAccount reader)";
    let says = ["may not read the ServiceAccount account-rights/reader", remedy];
    scene.until_in_vain("contoso", "CredentialUnavailable", &says).await;
    scene.cluster.apply(READING).await.succeeded();
    let says = "may not request tokens for the ServiceAccount account-rights/reader";
    scene.until("contoso", says, |object| crate::object::message(object, "Ready").contains(says)).await;
    scene.until_in_vain("contoso", "CredentialUnavailable", &[says, remedy]).await;
    assert_eq!(scene.tenants.sign_ins(TENANT).await, 0);

    let values = r#"crds.install=false,credentials=[{"namespace":"account-rights","serviceAccounts":["reader"]}]"#;
    let with_account = scene.cluster.chart(release, scene.namespace, values).await;
    scene.cluster.apply(&with_account).await.succeeded();
    scene.until_in_sync("contoso").await;
    scene.close().await;
}

pub async fn a_service_account_signs_in_to_each_cloud_with_that_clouds_audience(stage: &Stage) {
    let scene = Scene::operated(stage, "sovereign").await;
    let issuer = Issuer::of(&scene.cluster.client).await;
    scene.service_account("reader", Some(OPERATOR)).await;
    let audience = "api://AzureADTokenExchangeUSGov";
    scene.tenants.reload(|scenario| issuer.trusted(scenario, &scene.subject("reader"), audience)).await;
    let government = json!({ "spec": { "cloud": "USGovernment", "identityIntegration": { "appId": INTEGRATION } } });
    scene.create(&changed(signing_in_as("government", "reader"), &government)).await;
    scene.create(&signing_in_as("global", "reader")).await;
    scene.until_in_sync("government").await;
    let says = ["AADSTS700212", "audience \"api://AzureADTokenExchange\""];
    scene.until_in_vain("global", "CredentialInvalid", &says).await;
    scene.close().await;
}
