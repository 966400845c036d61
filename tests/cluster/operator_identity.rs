//! Objects that borrow the identity of the operator's own pod, in namespaces and tenants for which that was allowed.

use serde_json::{Value, json};
use webex_azure_operator::controller::credential::OperatorIdentity;

use crate::{
    object::{about, changed, message, signing_in_with},
    scene::Scene,
    sign_in::{AUDIENCE, Issuer},
    stage::Stage,
    tenant::{INTEGRATION, OPERATOR, OTHER, TENANT},
};

/// What Microsoft's webhook tells a pod in the global cloud.
const AUTHORITY: &str = "https://login.microsoftonline.com/";

fn borrowing(name: &str) -> Value {
    signing_in_with(name, &json!({ "operatorIdentity": {} }))
}

/// A scene whose operator may lend its identity, once it has one, for the incident's tenant.
async fn lending<'a>(stage: &'a Stage, namespace: &'static str) -> Scene<'a> {
    let mut scene = Scene::open(stage, namespace).await;
    let issuer = Issuer::of(&scene.cluster.client).await;
    scene.tenants.reload(|scenario| issuer.trusted(scenario, &scene.subject("operator"), AUDIENCE)).await;
    scene.service_account("operator", None).await;
    let pair = |namespace: &str, tenant: &str| (namespace.to_owned(), tenant.parse().unwrap());
    scene.operator_identity = OperatorIdentity {
        client: Some(OPERATOR.parse().unwrap()),
        token_file: None,
        authority_host: Some(AUTHORITY.to_owned()),
        // Each half of a pair is allowed for something; only the pair counts.
        allowed: [pair(namespace, TENANT), pair("elsewhere", OTHER)].into(),
    };
    scene
}

pub async fn the_operators_identity_is_lent_only_where_that_was_allowed(stage: &Stage) {
    let mut scene = lending(stage, "lent").await;
    scene.tenants.add_other().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azure-identity-token");
    std::fs::write(&path, scene.token("operator", AUDIENCE).await).unwrap();
    scene.operator_identity.token_file = Some(path);
    scene.operate(scene.cluster.client.clone());

    scene.create(&borrowing("contoso")).await;
    scene.create(&about(OTHER, borrowing("uninvited"))).await;
    let client = json!({ "spec": { "credentials": { "clientId": "00000000-0000-4000-8000-00000000beef" } } });
    scene.create(&changed(borrowing("another"), &client)).await;
    let cloud = json!({ "spec": { "cloud": "USGovernment", "identityIntegration": { "appId": INTEGRATION } } });
    scene.create(&changed(borrowing("sovereign"), &cloud)).await;

    scene.until_in_sync("contoso").await;
    let flag = format!("--allow-operator-identity lent={OTHER}");
    let uninvited = ["Objects in namespace lent may not use the operator's own identity", flag.as_str()];
    scene.until_in_vain("uninvited", "TenantNotAllowed", &uninvited).await;
    let another = ["00000000-0000-4000-8000-00000000beef is not the application", "AZURE_CLIENT_ID"];
    scene.until_in_vain("another", "TenantNotAllowed", &another).await;
    scene.until_in_vain("sovereign", "WrongCloud", &["AZURE_AUTHORITY_HOST", "spec.cloud"]).await;
    assert_eq!(scene.tenants.requests(OTHER).await, Vec::<Value>::new());
    assert_eq!(scene.tenants.sign_ins(TENANT).await, 1, "only the first object signed in");
    scene.close().await;
}

pub async fn g48_what_the_operators_identity_lacks_is_named_and_heals_when_it_is_there(stage: &Stage) {
    let mut scene = lending(stage, "lacking").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azure-identity-token");
    let whole = OperatorIdentity { token_file: Some(path.clone()), ..scene.operator_identity.clone() };
    let file = path.to_str().unwrap();
    scene.create(&borrowing("contoso")).await;
    let government = Some("https://login.microsoftonline.us/".to_owned());
    for (identity, reason, says) in [
        (OperatorIdentity { client: None, ..whole.clone() }, "CredentialUnavailable", "AZURE_CLIENT_ID is not set"),
        (OperatorIdentity { authority_host: government, ..whole.clone() }, "WrongCloud", "AZURE_AUTHORITY_HOST"),
        (
            OperatorIdentity { token_file: None, ..whole.clone() },
            "CredentialUnavailable",
            "AZURE_FEDERATED_TOKEN_FILE is not set",
        ),
        (whole, "CredentialUnavailable", file),
    ] {
        scene.rest().await;
        scene.operator_identity = identity;
        scene.operate(scene.cluster.client.clone());
        scene.until("contoso", says, |object| message(object, "Observed").contains(says)).await;
        scene.until_in_vain("contoso", reason, &[says]).await;
    }
    assert_eq!(scene.tenants.sign_ins(TENANT).await, 0);

    std::fs::write(&path, scene.token("operator", AUDIENCE).await).unwrap();
    scene.until_in_sync("contoso").await;
    scene.close().await;
}
