//! The four ways to sign in, each against an emulated tenant that verifies what it is shown.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use ring::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use webex_azure_operator::{
    api::{CredentialKind, Reason},
    domain::{Obstacle, Reading},
    emulator::{ClientCertificate, FederatedCredential, Knobs, Scenario, TrustedIssuer},
    graph::{AssertionSource, CertificateError, Proof, SigningCertificate, TokenFile},
};

use super::{
    fixture::{Scene, integration, pass},
    seam::Kind,
};

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../fixtures/sign-in/", $name))
    };
}

const KEY: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-client.pem");
const KEY_TRADITIONAL: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-client-traditional.pem");
const ENCRYPTED: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-encrypted.pem");
const ENCRYPTED_TRADITIONAL: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-encrypted-traditional.pem");
const SHORT: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-short.pem");
const ELLIPTIC: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-issuer-ec.pem");
const ELLIPTIC_SEC1: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-elliptic-sec1.pem");
const OTHER: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-other.pem");
const ISSUER_KEY: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-issuer.pem");
const CERTIFICATE: &str = file!("client-certificate.pem");
const EXPIRED: &str = file!("client-certificate-expired.pem");
const FUTURE: &str = file!("client-certificate-future.pem");
const JWKS: &str = file!("issuer-jwks.json");

const ISSUER: &str = "https://oidc.example/cluster-1/";
const SUBJECT: &str = "system:serviceaccount:webex:reader";
const AUDIENCE: &str = "api://AzureADTokenExchange";

fn pem(parts: &[&str]) -> Result<SigningCertificate, CertificateError> {
    SigningCertificate::from_pem(&[parts.concat().as_bytes()])
}

fn der(pem: &str) -> Vec<u8> {
    use base64::engine::general_purpose::STANDARD;
    let lines = pem.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let base64: String = lines.take_while(|line| !line.starts_with("-----END")).collect();
    STANDARD.decode(base64).unwrap()
}

/// A tenant that knows this certificate of the operator's application, and a look with that one.
fn with_certificate(registered: &str, shown: SigningCertificate) -> Scene {
    let registered = registered.to_owned();
    let mut scene = Scene::emulated(Knobs::calm(), move |scenario: &mut Scenario| {
        let app_id = scenario.client_secrets[0].app_id.clone();
        scenario.client_certificates.push(ClientCertificate { app_id, certificate: registered });
    });
    scene.looker.credential.key.kind = CredentialKind::ClientCertificate;
    scene.looker.credential.proof = Proof::Certificate(Arc::new(shown));
    scene
}

#[test]
fn certificate_and_key_are_read_from_one_part_or_two_in_any_order() {
    let expected = pem(&[CERTIFICATE, KEY]).unwrap().thumbprint();
    assert_eq!(expected.len(), 64);
    for parts in [[KEY, CERTIFICATE], [CERTIFICATE, KEY_TRADITIONAL]] {
        assert_eq!(pem(&parts).unwrap().thumbprint(), expected);
    }
    let apart = SigningCertificate::from_pem(&[CERTIFICATE.as_bytes(), KEY.as_bytes()]).unwrap();
    assert_eq!(apart.thumbprint(), expected);
    // Of a chain the one counts that the key belongs to, wherever it stands.
    assert_eq!(pem(&[CERTIFICATE, EXPIRED, KEY]).unwrap().not_after().to_string(), "2126-12-31T23:59:59Z");
}

#[test]
fn each_bad_certificate_is_told_apart() {
    let twice = [KEY, OTHER].concat();
    let broken = CERTIFICATE.replace("MII", "M!!");
    let unreadable = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (parts, expected) in [
        (&[CERTIFICATE][..], CertificateError::NoKey),
        (&[KEY], CertificateError::NoCertificate),
        (&["nothing of the kind"], CertificateError::NoKey),
        (&[CERTIFICATE, &twice], CertificateError::SeveralKeys(2)),
        (&[CERTIFICATE, ENCRYPTED], CertificateError::Encrypted),
        (&[CERTIFICATE, ENCRYPTED_TRADITIONAL], CertificateError::Encrypted),
        (&[CERTIFICATE, SHORT], CertificateError::UnusableKey),
        (&[CERTIFICATE, ELLIPTIC], CertificateError::NotRsa),
        (&[CERTIFICATE, ELLIPTIC_SEC1], CertificateError::NotRsa),
        (&[CERTIFICATE, OTHER], CertificateError::NoMatch),
        (&[&broken, KEY], CertificateError::NotPem),
        (&[unreadable, KEY], CertificateError::UnreadableCertificate),
    ] {
        assert_eq!(pem(parts).err(), Some(expected), "{expected}");
    }
}

#[test]
fn a_certificate_prints_without_its_key() {
    let certificate = pem(&[CERTIFICATE, KEY]).unwrap();
    let printed = format!("{certificate:?} {certificate:#?}");
    assert!(printed.contains(&certificate.thumbprint()) && printed.len() < 600, "{printed}");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_signs_in_with_the_documented_assertion() {
    let scene = with_certificate(CERTIFICATE, pem(&[CERTIFICATE, KEY]).unwrap());
    assert!(integration(&scene.seen().await).service_principal.known().is_some());
    let asked = scene.asked();
    let form = asked[0].form();
    let field = |name: &str| form.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    assert_eq!(field("client_secret"), None);
    assert_eq!(
        field("client_assertion_type").as_deref(),
        Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    );
    let assertion = field("client_assertion").unwrap();
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let part = |place: usize| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(assertion.split('.').nth(place).unwrap()).unwrap()).unwrap()
    };
    let thumbprint = ring::digest::digest(&ring::digest::SHA256, &der(CERTIFICATE));
    let x5t = URL_SAFE_NO_PAD.encode(thumbprint);
    assert_eq!(part(0), json!({"alg": "PS256", "typ": "JWT", "x5t#S256": x5t}));
    let claims = part(1);
    let client = scene.looker.desired.client.to_string();
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some(client.as_str()), Some(client.as_str())));
    assert_eq!(claims["aud"], asked[0].uri.to_string());
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap(), 600);
    assert!(claims["jti"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    let public = KeyPair::from_pkcs8(&der(KEY)).unwrap().public().as_ref().to_vec();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public).verify(message.as_bytes(), &signature).unwrap();

    pass(3600).await;
    scene.seen().await;
    let again = scene.asked()[0].form().into_iter().find(|(name, _)| name == "client_assertion").unwrap().1;
    assert_ne!(again, assertion, "each token has an assertion of its own");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_is_not_registered_is_refused_with_words_for_certificates() {
    let scene = with_certificate(EXPIRED, pem(&[CERTIFICATE, KEY]).unwrap());
    let obstacle = scene.blocked().await;
    assert_eq!(obstacle.reason, Reason::CredentialInvalid);
    assert!(obstacle.message.contains("AADSTS700027"), "{}", obstacle.message);
    assert!(obstacle.message.contains("the certificate of application"), "{}", obstacle.message);
    assert!(obstacle.message.contains("Certificates & secrets > Certificates"), "{}", obstacle.message);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_outside_its_time_is_not_shown_to_anyone() {
    for (certificate, reason, words) in [
        (EXPIRED, Reason::CredentialExpired, "expired at 2024-01-01"),
        (FUTURE, Reason::CredentialInvalid, "not valid before 2027"),
    ] {
        let scene = with_certificate(certificate, pem(&[certificate, KEY]).unwrap());
        let obstacle = scene.blocked().await;
        assert_eq!(obstacle.reason, reason);
        assert!(obstacle.message.contains(words), "{}", obstacle.message);
        assert_eq!(scene.kinds(), [], "nothing was asked");
    }
}

/// An issuer of tokens, as a cluster is one.
#[derive(Debug)]
struct Issuer {
    claims: Value,
}

impl AssertionSource for Issuer {
    fn assertion(&self) -> BoxFuture<'_, Result<SecretString, Obstacle>> {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let header = json!({"alg": "RS256", "kid": "test-issuer-rsa"});
        let message = format!("{}.{}", encode(&header), encode(&self.claims));
        let key = KeyPair::from_pkcs8(&der(ISSUER_KEY)).unwrap();
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        Box::pin(async { Ok(SecretString::from(token)) })
    }
}

/// The clock of the tests begins here.
const NOW: i64 = 1_795_420_800;

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": SUBJECT, "aud": [AUDIENCE], "nbf": NOW, "iat": NOW, "exp": NOW + 7200})
}

fn trust(scenario: &mut Scenario) {
    let app_id = scenario.client_secrets[0].app_id.clone();
    scenario
        .trusted_issuers
        .push(TrustedIssuer { issuer: ISSUER.to_owned(), jwks: serde_json::from_str(JWKS).unwrap() });
    scenario.federated_credentials.push(FederatedCredential {
        app_id,
        issuer: ISSUER.to_owned(),
        subject: SUBJECT.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
    });
}

fn federated(source: impl AssertionSource + 'static) -> Scene {
    let mut scene = Scene::emulated(Knobs::calm(), trust);
    scene.looker.credential.key.kind = CredentialKind::WorkloadIdentity;
    scene.looker.credential.proof = Proof::Federated(Arc::new(source));
    scene
}

#[tokio::test(start_paused = true)]
async fn a_token_of_kubernetes_signs_in() {
    let scene = federated(Issuer { claims: claims() });
    assert_eq!(scene.seen().await.obstacle(), None);
    let form = scene.asked()[0].form();
    assert!(
        form.iter().any(|(name, _)| name == "client_assertion") && form.iter().all(|(name, _)| name != "client_secret")
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_of_kubernetes_that_matches_nothing_is_shown_letter_by_letter() {
    for (name, value, number) in [
        ("iss", json!("https://oidc.example/cluster-2/"), "AADSTS700211"),
        ("sub", json!("system:serviceaccount:webex:stranger"), "AADSTS700213"),
        ("aud", json!(["api://somewhere"]), "AADSTS700212"),
    ] {
        let mut claims = claims();
        claims[name] = value.clone();
        let scene = federated(Issuer { claims });
        let obstacle = scene.blocked().await;
        assert_eq!(obstacle.reason, Reason::CredentialInvalid, "{name}");
        let shown = value.as_str().or_else(|| value[0].as_str()).unwrap();
        for words in [number, shown, "Federated credentials", "takes some minutes"] {
            assert!(obstacle.message.contains(words), "{words}: {}", obstacle.message);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_kubernetes_that_has_ended_is_told_as_a_matter_of_time() {
    let mut claims = claims();
    claims["exp"] = (NOW - 3600).into();
    let obstacle = federated(Issuer { claims }).blocked().await;
    assert_eq!(obstacle.reason, Reason::CredentialInvalid);
    assert!(obstacle.message.contains("Check the clock"), "{}", obstacle.message);
}

#[tokio::test]
async fn g48_a_token_file_is_read_at_each_use_and_its_absence_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azure-identity-token");
    let source = TokenFile(path.clone());
    let missing = source.assertion().await.unwrap_err();
    assert_eq!(missing.reason, Reason::CredentialUnavailable);
    assert!(missing.message.contains(path.to_str().unwrap()), "{}", missing.message);
    for content in ["", "\n"] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(source.assertion().await.unwrap_err().reason, Reason::CredentialUnavailable);
    }
    for token in ["first", "second"] {
        std::fs::write(&path, format!("{token}\n")).unwrap();
        assert_eq!(source.assertion().await.unwrap().expose_secret(), token);
    }
    assert_eq!(
        TokenFile(folder.path().to_owned()).assertion().await.unwrap_err().reason,
        Reason::CredentialUnavailable
    );
    std::fs::write(&path, vec![b'a'; 100_000]).unwrap();
    assert_eq!(source.assertion().await.unwrap_err().reason, Reason::CredentialUnavailable);
}

#[tokio::test]
async fn g48_a_look_without_its_token_file_asks_nobody_and_heals_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let scene = federated(TokenFile(path.clone()));
    for _ in 0..2 {
        assert_eq!(scene.blocked().await.reason, Reason::CredentialUnavailable);
        assert_eq!(scene.kinds(), []);
    }
    let token = Issuer { claims: claims() }.assertion().await.unwrap();
    std::fs::write(&path, token.expose_secret()).unwrap();
    let observed = scene.seen().await;
    assert!(matches!(integration(&observed).service_principal, Reading::Known(_)), "at once, without a pause");
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch]);
}

#[tokio::test(start_paused = true)]
async fn a_proof_prints_nothing_of_what_it_proves_with() {
    let scene = federated(Issuer { claims: json!({}) });
    let secret = Proof::Secret(SecretString::from("Canary"));
    let certificate = Proof::Certificate(Arc::new(pem(&[CERTIFICATE, KEY]).unwrap()));
    let printed = format!("{secret:?} {certificate:?} {:?}", scene.looker.credential.key);
    assert!(!printed.contains("Canary") && !printed.contains("MII"), "{printed}");
}
