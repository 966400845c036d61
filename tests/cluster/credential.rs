//! Credentials that do not work: each is named in the conditions with what to do, and the object heals with the Secret.

use serde_json::{Value, json};

use crate::{
    object::{IN_SYNC, changed, conditions, in_vain, integration, with_secret},
    scene::Scene,
    stage::Stage,
    tenant::{OTHER, SECRET, TENANT},
    wire::Trouble,
};

/// A Secret that does not do, and what is said about it.
struct Unusable {
    name: &'static str,
    /// None: there is no such Secret.
    data: Option<Value>,
    is_labelled: bool,
    reason: &'static str,
    says: &'static [&'static str],
}

fn unusable(name: &'static str, data: Option<Value>, reason: &'static str, says: &'static [&'static str]) -> Unusable {
    Unusable { name, data, is_labelled: true, reason, says }
}

pub async fn an_unusable_secret_is_named_and_heals_when_it_is_corrected(stage: &Stage) {
    let scene = Scene::operated(stage, "secrets").await;
    let add_expired = |scenario: &mut Value| {
        let secrets = scenario["clientSecrets"].as_array_mut().unwrap();
        let app_id = secrets[0]["appId"].clone();
        secrets.push(json!({ "appId": app_id, "secret": "emulator-only-expired", "expires": "2024-01-01T00:00:00Z" }));
    };
    scene.tenants.reload(add_expired).await;
    let key = |value: &str| Some(json!({ "client-secret": value }));
    let table = [
        unusable(
            "missing",
            None,
            "SecretNotFound",
            &["secrets/missing does not exist", "under the key client-secret", "webexazure.dev/credentials=true"],
        ),
        unusable(
            "without-key",
            Some(json!({ "secret": SECRET })),
            "SecretKeyMissing",
            &["secrets/without-key has no key client-secret"],
        ),
        unusable("empty", key(""), "SecretKeyMissing", &["secrets/empty is empty", "Put the value"]),
        unusable("line-break", key("\n"), "SecretKeyMissing", &["secrets/line-break is empty"]),
        unusable(
            "wrong",
            key("emulator-only-mistake"),
            "CredentialInvalid",
            &["does not accept the client secret", "the secret's ID in place of its value"],
        ),
        unusable(
            "expired",
            key("emulator-only-expired"),
            "CredentialExpired",
            &["has expired", "Certificates & secrets"],
        ),
        Unusable {
            is_labelled: false,
            ..unusable(
                "unlabelled",
                key(SECRET),
                "SecretNotLabelled",
                &["kubectl label secret --namespace secrets unlabelled webexazure.dev/credentials=true"],
            )
        },
    ];
    for Unusable { name, data, is_labelled, .. } in &table {
        if let Some(data) = data {
            let labels = if *is_labelled { json!({ "webexazure.dev/credentials": "true" }) } else { json!({}) };
            scene.labelled_secret(name, data, &labels).await;
        }
        scene.create(&with_secret(name, name)).await;
    }
    scene.secret("trailing", &json!({ "client-secret": format!("{SECRET}\n") })).await;
    scene.create(&with_secret("trailing", "trailing")).await;

    for Unusable { name, reason, says, .. } in &table {
        let message = scene.until_in_vain(name, reason, says).await;
        assert!(!message.contains("emulator-only"), "{name}: {message}");
    }
    assert_eq!(conditions(&scene.until_says("trailing", "Ready=True InSync").await), IN_SYNC);

    for Unusable { name, .. } in &table {
        scene.secret(name, &json!({ "client-secret": SECRET })).await;
    }
    for Unusable { name, .. } in &table {
        assert_eq!(conditions(&scene.until_says(name, "Ready=True InSync").await), IN_SYNC, "{name}");
    }
    scene.close().await;
}

pub async fn an_unknown_tenant_or_client_is_named(stage: &Stage) {
    let scene = Scene::operated(stage, "strangers").await;
    let nobody = "00000000-0000-4000-8000-00000000dead";
    scene.create(&changed(integration("tenant"), &json!({ "spec": { "tenantId": nobody } }))).await;
    scene.create(&changed(integration("client"), &json!({ "spec": { "credentials": { "clientId": nobody } } }))).await;
    for (name, reason, says) in [
        ("tenant", "TenantNotFound", ["There is no tenant 00000000-0000-4000-8000-00000000dead", "spec.cloud"]),
        (
            "client",
            "OperatorAppNotConsented",
            ["00000000-0000-4000-8000-00000000dead is unknown or switched off", "spec.credentials.clientId"],
        ),
    ] {
        scene.until_in_vain(name, reason, &says).await;
    }
    let client = json!({ "spec": { "credentials": { "clientId": "00000000-0000-4000-8000-000000000031" } } });
    scene.edit("client", &client).await;
    assert_eq!(conditions(&scene.until_says("client", "Ready=True InSync").await), IN_SYNC);
    scene.close().await;
}

pub async fn i20_a_token_of_another_tenant_is_not_used(stage: &Stage) {
    let scene = Scene::operated(stage, "borrowed").await;
    scene.wire.set(Some(Trouble::TokenOf(OTHER)));
    scene.create(&integration("contoso")).await;
    let object = scene.until_says("contoso", "Ready=False TenantNotAllowed").await;
    assert_eq!(conditions(&object), in_vain("TenantNotAllowed"));
    let requests = scene.tenants.requests(TENANT).await;
    assert!(requests.iter().all(|request| request["path"].as_str().unwrap().ends_with("/token")), "{requests:?}");

    scene.wire.set(None);
    // A refused credential is tried again at once when its Secret was written.
    scene.secret("graph", &json!({ "client-secret": format!("{SECRET}\n") })).await;
    assert_eq!(conditions(&scene.until_says("contoso", "Ready=True InSync").await), IN_SYNC);
    scene.close().await;
}
