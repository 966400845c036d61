//! Certificates and client secrets of service principals: read every six hours with the whole principal, remembered in
//! between, told apart by their thumbprints, and never with what they hold.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use serde_json::{Value, json};
use webex_azure_operator::{
    api::{AppId, Reason},
    domain::{
        Reading, Recall,
        observed::{PrincipalCredential, PrincipalCredentialKind},
    },
    emulator::Knobs,
};

use super::{
    fixture::{IDENTITY, INTEGRATION, Read, Scene, identity, integration, pass, published, unreadable},
    seam::Kind,
};

/// A thumbprint, and the same in base64.
const THUMBPRINT: &str = "0123456789ABCDEF0123456789ABCDEF01234567";
const BASE64: &str = "ASNFZ4mrze8BI0VniavN7wEjRWc=";

fn key(identifier: &str, usage: &str, end: &str) -> Value {
    json!({
        "customKeyIdentifier": identifier, "displayName": "CN=Canary", "endDateTime": end, "key": "CanaryKey",
        "keyId": format!("id-{usage}"), "startDateTime": "2026-01-01T00:00:00Z", "type": "AsymmetricX509Cert",
        "usage": usage,
    })
}

fn secret(identifier: Option<&str>, key_id: &str, end: &str) -> Value {
    json!({
        "customKeyIdentifier": identifier, "displayName": "Canary", "endDateTime": end, "hint": "Can",
        "keyId": key_id, "secretText": "CanarySecret", "startDateTime": "2026-01-01T00:00:00Z",
    })
}

const END: &str = "2027-01-01T00:00:00Z";

fn certificate(thumbprint: Option<&str>, key_id: &str) -> PrincipalCredential {
    PrincipalCredential {
        not_after: Some(END.parse().unwrap()),
        kind: PrincipalCredentialKind::Certificate,
        thumbprint: thumbprint.map(str::to_owned),
        key_id: key_id.to_owned(),
    }
}

fn client_secret(key_id: &str) -> PrincipalCredential {
    PrincipalCredential { kind: PrincipalCredentialKind::ClientSecret, ..certificate(None, key_id) }
}

async fn reading(keys: Value, passwords: Value) -> Reading<Vec<PrincipalCredential>> {
    let scene = Scene::healthy();
    scene.item(IDENTITY, Read::Principal, move |item| {
        item["body"]["keyCredentials"] = keys.clone();
        item["body"]["passwordCredentials"] = passwords.clone();
    });
    let observed = scene.seen().await;
    assert!(!format!("{observed:?}").contains("Canary"), "contents are not among what is read: {observed:?}");
    assert!(identity(&observed).service_principal.known().is_some());
    identity(&observed).credentials.clone()
}

async fn credentials(keys: Value, passwords: Value) -> Vec<PrincipalCredential> {
    reading(keys, passwords).await.known().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn credentials_are_read_with_the_whole_principal_every_six_hours() {
    let scene = Scene::healthy();
    scene.item(IDENTITY, Read::Principal, |item| {
        // What is not selected is not answered.
        item["body"]["keyCredentials"] = json!([key(BASE64, "Verify", END)]);
    });
    for hour in 0..13 {
        let observed = scene.seen().await;
        let expected = vec![certificate(Some(THUMBPRINT), "id-Verify")];
        assert_eq!(identity(&observed).credentials, Reading::Known(expected), "hour {hour}");
        let reads = scene.reads();
        let whole = format!("/servicePrincipals(appId='{IDENTITY}')");
        assert_eq!(reads.contains(&whole), hour % 6 == 0, "hour {hour}");
        assert!(!reads.contains(&format!("/servicePrincipals(appId='{INTEGRATION}')")), "nobody asked for its end");
        assert_eq!(integration(&observed).credentials, Reading::NotAsked);
        pass(3600).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_remembered_of_one_principal_is_not_told_of_another() {
    let scene = Scene::healthy();
    scene.seen().await;
    scene.asked();
    scene.item(IDENTITY, Read::Principal, |item| {
        item["body"]["id"] = "00000000-0000-0000-0000-000000000077".into();
        item["body"]["keyCredentials"] = json!([key(BASE64, "Verify", END)]);
    });
    let observed = scene.seen().await;
    assert_eq!(identity(&observed).credentials.known().unwrap().len(), 1);
    let whole = format!("/servicePrincipals(appId='{IDENTITY}')");
    assert!(scene.batches()[1].contains(&whole), "asked in the round after");
    let other = scene.looker.with_key(|key| key.uid = "other".to_owned());
    scene.look_as(&other).await;
    assert!(scene.batches()[0].contains(&whole), "and remembered for one credential only");
}

#[tokio::test(start_paused = true)]
async fn the_three_entries_of_a_signing_certificate_are_one() {
    let keys = json!([key(BASE64, "Sign", END), key(BASE64, "Verify", END)]);
    let passwords = json!([secret(Some(BASE64), "id-Sign", END)]);
    assert_eq!(credentials(keys, passwords).await, [certificate(Some(THUMBPRINT), "id-Verify")]);
    // The password is of the certificate whichever way the name of either is written.
    let keys = json!([key(THUMBPRINT, "Verify", END)]);
    let passwords =
        json!([secret(Some(BASE64), "of it", END), secret(Some("AAAA"), "own", END), secret(None, "own too", END)]);
    assert_eq!(
        credentials(keys, passwords).await,
        [certificate(Some(THUMBPRINT), "id-Verify"), client_secret("own"), client_secret("own too")]
    );
}

#[tokio::test(start_paused = true)]
async fn certificates_of_the_same_name_that_end_at_different_times_are_two() {
    let keys = json!([key("cHJvZA==", "Verify", END), key("cHJvZA==", "Verify", "2028-01-01T00:00:00Z")]);
    let ends: Vec<String> =
        credentials(keys, json!([])).await.iter().map(|one| one.not_after.unwrap().to_string()).collect();
    assert_eq!(ends, [END, "2028-01-01T00:00:00Z"]);
    let keys = json!([key("", "Verify", END), key("", "Verify", END)]);
    assert_eq!(credentials(keys, json!([])).await.len(), 2, "without a name nothing says that they are one");
}

#[tokio::test(start_paused = true)]
async fn thumbprints_are_read_however_they_are_written() {
    let (sha256, ones) = ("AB".repeat(32), "FF".repeat(20));
    for (text, expected) in [
        (BASE64.to_owned(), Some(THUMBPRINT)),
        (BASE64.trim_end_matches('=').to_owned(), Some(THUMBPRINT)),
        (THUMBPRINT.to_lowercase(), Some(THUMBPRINT)),
        (STANDARD.encode(THUMBPRINT), Some(THUMBPRINT)),
        (STANDARD.encode([0xab; 32]), Some(sha256.as_str())),
        (STANDARD.encode([0xff; 20]), Some(ones.as_str())),
        (URL_SAFE.encode([0xff; 20]), Some(ones.as_str())),
        (STANDARD.encode("prod"), None),
        (STANDARD.encode([0xff; 19]), None),
        ("not base64!".to_owned(), None),
    ] {
        let found = credentials(json!([key(&text, "Verify", END)]), json!([])).await;
        assert_eq!(found[0].thumbprint.as_deref(), expected, "{text}");
        let scene = Scene::healthy();
        let shown = text.clone();
        scene.item(IDENTITY, Read::Principal, move |item| {
            item["body"]["preferredTokenSigningKeyThumbprint"] = shown.clone().into();
        });
        let observed = scene.seen().await;
        let signing = identity(&observed).service_principal.known().unwrap().signing_thumbprint.clone();
        assert_eq!(signing.as_deref(), expected, "both are compared with each other: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn g35_lists_that_are_not_there_are_not_empty() {
    for wrong in [Value::Null, json!({}), json!("x"), json!(["x"]), json!([[]]), json!([null])] {
        for (keys, passwords) in [(wrong.clone(), json!([])), (json!([]), wrong.clone())] {
            assert_eq!(unreadable(&reading(keys, passwords).await), Reason::MalformedResponse, "{wrong}");
        }
    }
    let many: Vec<Value> = (0..1201).map(|_| key("", "Verify", END)).collect();
    assert_eq!(unreadable(&reading(many.into(), json!([])).await), Reason::MalformedResponse);
    let scene = Scene::healthy();
    scene.item(IDENTITY, Read::Principal, |item| {
        item["body"].as_object_mut().unwrap().remove("keyCredentials");
    });
    let observed = scene.seen().await;
    assert_eq!(unreadable(&identity(&observed).credentials), Reason::MalformedResponse);
    assert!(identity(&observed).service_principal.known().is_some(), "and take nothing else away");
    scene.settle();
    assert_eq!(identity(&scene.seen().await).credentials, Reading::Known(Vec::new()), "and are asked again");
}

#[tokio::test(start_paused = true)]
async fn g35_what_is_missing_in_a_credential_takes_nothing_else_away() {
    for end in [Value::Null, json!(""), json!("soon"), json!(7), json!("0001-01-01T00:00:00Z")] {
        let mut odd = key(BASE64, "Verify", END);
        odd["endDateTime"] = end.clone();
        let found = credentials(json!([odd]), json!([{}])).await;
        assert_eq!((found.len(), found[0].not_after, found[1].not_after), (2, None, None), "{end}");
    }
    let mut odd = key(BASE64, "Verify", END);
    odd["type"] = "Symmetric".into();
    assert_eq!(credentials(json!([odd]), json!([])).await[0].kind, PrincipalCredentialKind::ClientSecret);
}

#[tokio::test(start_paused = true)]
async fn credentials_of_what_is_not_there_or_not_read_are_not_told() {
    let scene = Scene::healthy();
    scene.refuse(IDENTITY, Read::Principal, 403, "Authorization_RequestDenied");
    assert_eq!(unreadable(&identity(&scene.seen().await).credentials), Reason::PermissionMissing);
    let scene = Scene::healthy();
    scene.seen().await;
    scene.refuse(IDENTITY, Read::Principal, 429, "TooManyRequests");
    let observed = scene.seen().await;
    assert_eq!(unreadable(&identity(&observed).credentials), Reason::Throttled, "whose they were is not known now");
}

#[tokio::test(start_paused = true)]
async fn the_published_service_principal_is_read_as_a_whole() {
    let mut body = published("serviceprincipal-get");
    body["appId"] = IDENTITY.to_string().into();
    let mut scene = Scene::healthy();
    scene.recall = Recall::default();
    scene.finds(IDENTITY, Read::Principal, body);
    let observed = scene.seen().await;
    let principal = identity(&observed).service_principal.known().unwrap();
    assert!(principal.assignment_required);
    assert_eq!(identity(&observed).credentials, Reading::Known(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn the_emulated_signing_certificate_is_the_active_one() {
    let scene = Scene::emulated(Knobs::calm(), |_| {});
    let observed = scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch]);
    let app: AppId = scene.looker.desired.applications[1].app_id;
    let seen = &observed.applications[&app];
    let [certificate] = seen.credentials.known().unwrap().as_slice() else { panic!("{seen:?}") };
    assert_eq!(certificate.not_after, Some("2033-04-12T00:00:00Z".parse().unwrap()));
    assert_eq!(certificate.thumbprint.as_ref(), Some(&"0".repeat(40)));
    assert_eq!(seen.service_principal.known().unwrap().signing_thumbprint, certificate.thumbprint);
}
