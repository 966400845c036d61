//! Objects that sign in with a certificate: those that do, those whose certificate the tenant does not know any more, and
//! those whose Secret holds nothing to sign in with.

use serde_json::{Value, json};

use crate::{
    object::{IN_SYNC, conditions, message, signing_in_with},
    scene::Scene,
    sign_in::{
        CERTIFICATE, ELLIPTIC, ENCRYPTED, EXPIRED, FUTURE, KEY, OTHER_KEY, SHORT, key_lines, register, stranger,
    },
    stage::Stage,
    tenant::TENANT,
};

/// The key under which certificate and private key stand together.
const PEM: &str = "client.pem";

fn with_pem(name: &str) -> Value {
    signing_in_with(name, &json!({ "clientCertificate": { "name": name, "key": PEM } }))
}

fn with_tls(name: &str) -> Value {
    signing_in_with(name, &json!({ "clientCertificate": { "name": name } }))
}

/// Waits until an object that was in order says that the tenant does not take its certificate.
async fn until_refused(scene: &Scene<'_>, name: &str) {
    let object = scene.until_says(name, "Observed=False CredentialInvalid").await;
    let mut expected = IN_SYNC.map(str::to_owned);
    "Observed=False CredentialInvalid".clone_into(&mut expected[1]);
    assert_eq!(conditions(&object), expected, "{name}: the verdict stands");
    let told = message(&object, "Observed");
    for part in ["does not accept the certificate of application", "(AADSTS700027)", "Certificates & secrets"] {
        assert!(told.contains(part), "{name}: {part:?} is missing in: {told}");
    }
}

pub async fn a_certificate_signs_in_and_its_loss_is_told_until_it_is_back(stage: &Stage) {
    let scene = Scene::operated(stage, "certificates").await;
    scene.tenants.reload(register).await;
    let together = json!({ PEM: format!("{CERTIFICATE}{KEY}") });
    scene.secret("pem", &together).await;
    scene.tls_secret("tls", CERTIFICATE, KEY).await;
    scene.create(&with_pem("pem")).await;
    scene.create(&with_tls("tls")).await;
    for name in ["pem", "tls"] {
        scene.until_in_sync(name).await;
    }

    // Removed at the tenant; what was issued before is revoked, so that nobody has to wait until it ends.
    scene.tenants.reload(|_| {}).await;
    scene.tenants.revoke_tokens(TENANT).await;
    for name in ["pem", "tls"] {
        until_refused(&scene, name).await;
    }
    scene.tenants.reload(register).await;
    for name in ["pem", "tls"] {
        // A Secret that was written is tried at once.
        scene.touch_secret(name, "registered again").await;
        scene.until_in_sync(name).await;
    }

    // Rotated in the cluster, and not registered at the tenant.
    scene.secret("pem", &json!({ PEM: stranger() })).await;
    scene.ask("pem", "rotated").await;
    until_refused(&scene, "pem").await;
    scene.secret("pem", &together).await;
    scene.until_in_sync("pem").await;
    scene.close().await;
}

/// A Secret that does not do.
struct Unusable {
    name: &'static str,
    data: Value,
    reason: &'static str,
    says: &'static str,
}

fn unusable() -> Vec<Unusable> {
    let pem =
        |name, parts: &[&str], reason, says| Unusable { name, data: json!({ PEM: parts.concat() }), reason, says };
    let invalid = |name, parts: &[&str], says| pem(name, parts, "CredentialInvalid", says);
    let missing = |name, data, says| Unusable { name, data, reason: "SecretKeyMissing", says };
    vec![
        invalid("two-keys", &[CERTIFICATE, KEY, OTHER_KEY], "it holds 2 private keys"),
        invalid("encrypted", &[CERTIFICATE, ENCRYPTED], "its private key is encrypted"),
        invalid("short", &[CERTIFICATE, SHORT], "no RSA key of 2048 to 4096 bits"),
        invalid("elliptic", &[CERTIFICATE, ELLIPTIC], "an elliptic-curve key"),
        invalid("no-match", &[CERTIFICATE, OTHER_KEY], "does not belong to its certificate"),
        invalid("no-certificate", &[KEY], "it holds no certificate"),
        invalid("empty", &[""], "it holds no private key"),
        invalid("text", &["secret"], "it holds no private key"),
        pem("expired", &[EXPIRED, KEY], "CredentialExpired", "expired at 2024-01-01T00:00:00Z"),
        invalid("future", &[FUTURE, KEY], "is not valid before 2027"),
        missing("other-key", json!({ "certificate": CERTIFICATE }), "has no key client.pem"),
        missing("half", json!({ "tls.key": KEY }), "has no key tls.crt"),
    ]
}

pub async fn a_secret_without_a_usable_certificate_is_named_and_heals_when_it_is_corrected(stage: &Stage) {
    let scene = Scene::operated(stage, "certificate-secrets").await;
    scene.tenants.reload(register).await;
    let table = unusable();
    for Unusable { name, data, .. } in &table {
        scene.secret(name, data).await;
        scene.create(&if *name == "half" { with_tls(name) } else { with_pem(name) }).await;
    }
    for Unusable { name, reason, says, .. } in &table {
        let told = scene.until_in_vain(name, reason, &[says]).await;
        for pem in [KEY, ENCRYPTED, SHORT, ELLIPTIC, OTHER_KEY, CERTIFICATE, EXPIRED, FUTURE] {
            assert!(key_lines(pem).all(|line| !told.contains(line)), "{name}: {told}");
        }
    }
    assert_eq!(scene.tenants.sign_ins(TENANT).await, 0, "nothing of this is shown to anyone");

    let right = json!({ PEM: format!("{CERTIFICATE}{KEY}"), "tls.crt": CERTIFICATE, "tls.key": KEY });
    for Unusable { name, .. } in &table {
        scene.secret(name, &right).await;
    }
    for Unusable { name, .. } in &table {
        scene.until_in_sync(name).await;
    }
    scene.close().await;
}
