//! The other side of a sign-in: assertions signed with the public test keys of `tests/fixtures/sign-in`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use webex_azure_operator::emulator::{ClientCertificate, FederatedCredential, Knobs, Scenario, TrustedIssuer};

use super::cloud::{Answer, Cloud, OPERATOR_APP, TENANT, URL, with};

pub const CERTIFICATE: &str = include_str!("../fixtures/sign-in/client-certificate.pem");
pub const EXPIRED: &str = include_str!("../fixtures/sign-in/client-certificate-expired.pem");
pub const OF_NEXT_YEAR: &str = include_str!("../fixtures/sign-in/client-certificate-future.pem");
const CLIENT_KEY: &str = include_str!("../fixtures/sign-in/PUBLIC-TEST-KEY-NOT-A-SECRET-client.pem");
const ISSUER_KEY: &str = include_str!("../fixtures/sign-in/PUBLIC-TEST-KEY-NOT-A-SECRET-issuer.pem");
const ISSUER_EC_KEY: &str = include_str!("../fixtures/sign-in/PUBLIC-TEST-KEY-NOT-A-SECRET-issuer-ec.pem");
const JWKS: &str = include_str!("../fixtures/sign-in/issuer-jwks.json");

pub const ISSUER: &str = "https://oidc.example/cluster-1/";
pub const SUBJECT: &str = "system:serviceaccount:webex:operator";
pub const AUDIENCE: &str = "api://AzureADTokenExchange";

/// What `now` of a new cloud is in seconds.
pub const NOW: i64 = 1_795_161_600;

/// A JWT before it is signed.
#[derive(Clone)]
pub struct Draft {
    pub header: Value,
    pub claims: Value,
    key: &'static str,
}

/// What an application with the test certificate signs in with, as documented.
pub fn by_certificate() -> Draft {
    Draft {
        header: json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(CERTIFICATE, &ring::digest::SHA256)}),
        claims: json!({
            "aud": format!("{URL}/{TENANT}/oauth2/v2.0/token"),
            "iss": OPERATOR_APP,
            "sub": OPERATOR_APP,
            "jti": "22b3bb26-e046-42df-9c96-65dbd72c1c81",
            "nbf": NOW,
            "iat": NOW,
            "exp": NOW + 600,
        }),
        key: CLIENT_KEY,
    }
}

/// What Kubernetes projects into a pod: no `typ`, one audience in a list.
pub fn by_issuer() -> Draft {
    Draft {
        header: json!({"alg": "RS256", "kid": "test-issuer-rsa"}),
        claims: json!({
            "aud": [AUDIENCE],
            "iss": ISSUER,
            "sub": SUBJECT,
            "nbf": NOW,
            "iat": NOW,
            "exp": NOW + 3600,
        }),
        key: ISSUER_KEY,
    }
}

impl Draft {
    /// With another value, or without the member.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.header, name, value.into());
        self
    }

    /// With another value, or without the member.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.claims, name, value.into());
        self
    }

    /// The `x5t` of a certificate instead of any other name of a key.
    pub fn sha1_of(self, certificate: &str) -> Self {
        let sha1 = thumbprint(certificate, &ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
        self.header("x5t#S256", Value::Null).header("x5t", sha1)
    }

    /// The `x5t#S256` of another certificate.
    pub fn sha256_of(self, certificate: &str) -> Self {
        self.header("x5t#S256", thumbprint(certificate, &ring::digest::SHA256))
    }

    /// To be signed with the issuer's P-256 key.
    pub fn ec(self) -> Self {
        Self { key: ISSUER_EC_KEY, ..self }.header("alg", "ES256").header("kid", "test-issuer-ec")
    }

    /// To be signed with a key that has nothing to do with it.
    pub fn by_a_stranger(self) -> Self {
        let key = if self.key == CLIENT_KEY { ISSUER_KEY } else { CLIENT_KEY };
        Self { key, ..self }
    }

    /// The JWT, signed as its header says; an algorithm nobody knows is signed as RS256.
    pub fn sign(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&self.header), part(&self.claims));
        let (key, random) = (pem(self.key), SystemRandom::new());
        let signature = if self.header["alg"] == "ES256" {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, &random).unwrap();
            pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec()
        } else {
            let pair = RsaKeyPair::from_pkcs8(&key).unwrap();
            let mut signature = vec![0; pair.public_key().modulus_len()];
            let padding: &dyn ring::signature::RsaEncoding =
                if self.header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
            pair.sign(padding, &random, message.as_bytes(), &mut signature).unwrap();
            signature
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    let object = object.as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
}

pub fn pem(text: &str) -> Vec<u8> {
    let lines = text.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    STANDARD.decode(lines.take_while(|line| !line.starts_with("-----END")).collect::<String>()).unwrap()
}

fn thumbprint(certificate: &str, algorithm: &'static ring::digest::Algorithm) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(algorithm, &pem(certificate)))
}

/// The thumbprint as messages show it.
pub fn shown_thumbprint(header: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(header).unwrap();
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}"))
}

/// The incident, with an operator that may sign in with three certificates and with tokens of one issuer.
pub fn scenario() -> Scenario {
    let certificate =
        |certificate: &str| ClientCertificate { app_id: OPERATOR_APP.to_owned(), certificate: certificate.to_owned() };
    Scenario {
        client_certificates: [CERTIFICATE, EXPIRED, OF_NEXT_YEAR].map(certificate).to_vec(),
        federated_credentials: vec![FederatedCredential {
            app_id: OPERATOR_APP.to_owned(),
            issuer: ISSUER.to_owned(),
            subject: SUBJECT.to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
        }],
        trusted_issuers: vec![TrustedIssuer { issuer: ISSUER.to_owned(), jwks: serde_json::from_str(JWKS).unwrap() }],
        ..Scenario::incident()
    }
}

pub fn cloud() -> Cloud {
    with(Knobs::calm(), &scenario())
}

/// Asks for a token with this assertion in place of the secret.
pub fn present(cloud: &mut Cloud, jwt: &str) -> Answer {
    cloud.ask_token(TENANT, &form(jwt))
}

pub fn form(jwt: &str) -> [(&'static str, &str); 5] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", OPERATOR_APP),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", jwt),
        ("scope", "https://graph.microsoft.com/.default"),
    ]
}

/// The assertion gets a token that Graph accepts, and whose `appidacr` says that no secret was shown.
pub fn accepted(cloud: &mut Cloud, draft: &Draft) {
    let answer = present(cloud, &draft.sign());
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["access_token"].as_str().unwrap().clone_into(&mut cloud.token);
    assert_eq!(claims(&cloud.token)["appidacr"], "2");
    assert_eq!(cloud.get("/servicePrincipals?$top=1").status, 200);
}

/// The assertion is refused with this status, error, number and, between number and trace, exactly these words.
pub fn refused(cloud: &mut Cloud, jwt: &str, status: u16, error: &str, code: u32, words: &str) {
    let answer = present(cloud, jwt);
    is_refusal(&answer, status, error, code, words);
}

pub fn is_refusal(answer: &Answer, status: u16, error: &str, code: u32, words: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, error), "{}", answer.text);
    assert_eq!(answer.body["error_codes"], json!([code]));
    let description = answer.body["error_description"].as_str().unwrap();
    let said = description.split_once("\r\nTrace ID: ").unwrap().0;
    assert_eq!(said, format!("AADSTS{code}: {words}"));
}

/// The claims of a token.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
