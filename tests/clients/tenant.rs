//! The tenant that the clients meet: the incident's, with many more principals and with all kinds of credentials.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use webex_azure_operator::emulator::{
    AppRoleAssignment, Application, ClientCertificate, FederatedCredential, Scenario, ServicePrincipal, TrustedIssuer,
};

pub const TENANT: &str = "00000000-0000-4000-8000-000000000001";
pub const INTEGRATION_APP: &str = "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae";
pub const IDENTITY_APP: &str = "00000000-0000-4000-8000-000000000012";
pub const OPERATOR_APP: &str = "00000000-0000-4000-8000-000000000031";
pub const SECRET: &str = "emulator-only-secret";
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
pub const GRAPH: &str = "00000000-0000-4000-8000-000000000041";
/// App role `Group.Read.All` of Microsoft Graph.
pub const GROUP_READ_ALL: &str = "5b567255-7703-4780-807c-7be8301ae99b";

/// How the names of many principals begin, and how many there are.
pub const MANY: &str = "One of many";
pub const HOW_MANY: usize = 250;

const CERTIFICATE: &str = include_str!("../fixtures/sign-in/client-certificate.pem");
const CLIENT_KEY: &str = include_str!("../fixtures/sign-in/PUBLIC-TEST-KEY-NOT-A-SECRET-client.pem");
const ISSUER_KEY: &str = include_str!("../fixtures/sign-in/PUBLIC-TEST-KEY-NOT-A-SECRET-issuer.pem");
const JWKS: &str = include_str!("../fixtures/sign-in/issuer-jwks.json");
const ISSUER: &str = "https://oidc.example/cluster-1/";
const SUBJECT: &str = "system:serviceaccount:webex:operator";
const AUDIENCE: &str = "api://AzureADTokenExchange";

const ROLES: [&str; 3] =
    ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"];

pub fn scenario() -> Scenario {
    let mut scenario = Scenario::incident();
    let owned = |text: &str| text.to_owned();
    scenario.app_role_assignments.extend(ROLES.map(|role| AppRoleAssignment {
        client: owned(OPERATOR_APP),
        resource: owned(GRAPH_APP),
        role: owned(role),
        created: None,
    }));
    scenario.client_certificates =
        vec![ClientCertificate { app_id: owned(OPERATOR_APP), certificate: owned(CERTIFICATE) }];
    scenario.federated_credentials = vec![FederatedCredential {
        app_id: owned(OPERATOR_APP),
        issuer: owned(ISSUER),
        subject: owned(SUBJECT),
        audiences: vec![owned(AUDIENCE)],
    }];
    scenario.trusted_issuers = vec![TrustedIssuer { issuer: owned(ISSUER), jwks: serde_json::from_str(JWKS).unwrap() }];
    for number in 0..HOW_MANY {
        let app_id = format!("00000000-0000-4000-8000-0000000a{number:04}");
        let name = format!("{MANY} {number:04}");
        let id = format!("00000000-0000-4000-8000-0000000c{number:04}");
        scenario.applications.push(Application(object(json!({"id": id, "appId": app_id, "displayName": name}))));
        let id = format!("00000000-0000-4000-8000-0000000b{number:04}");
        scenario.service_principals.push(ServicePrincipal(object(json!({"id": id, "appId": app_id}))));
    }
    scenario
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

/// What the clients are given to sign in with a certificate.
pub fn certificate_and_key() -> String {
    format!("{CERTIFICATE}{CLIENT_KEY}")
}

/// What the kubelet would project into a pod.
pub fn assertion(now: Timestamp) -> String {
    let now = now.as_second();
    let claims = json!({"aud": [AUDIENCE], "iss": ISSUER, "sub": SUBJECT, "nbf": now, "iat": now, "exp": now + 3600});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({"alg": "RS256", "kid": "test-issuer-rsa"})), part(&claims));
    let lines = ISSUER_KEY.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let key = lines.take_while(|line| !line.starts_with("-----END")).collect::<String>();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(key).unwrap()).unwrap();
    let mut signature = vec![0; pair.public_key().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
