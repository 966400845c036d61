//! What objects of these tests sign in with besides client secrets: keys, certificates, and tokens of the real API server.

use http::Request;
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{Secret, ServiceAccount},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use webex_azure_operator::api::CREDENTIALS_LABEL;

use crate::{scene::Scene, tenant::OPERATOR};

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../fixtures/sign-in/", $name))
    };
}

pub const KEY: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-client.pem");
pub const ENCRYPTED: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-encrypted.pem");
pub const SHORT: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-short.pem");
pub const ELLIPTIC: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-issuer-ec.pem");
pub const OTHER_KEY: &str = file!("PUBLIC-TEST-KEY-NOT-A-SECRET-other.pem");
pub const CERTIFICATE: &str = file!("client-certificate.pem");
pub const EXPIRED: &str = file!("client-certificate-expired.pem");
pub const FUTURE: &str = file!("client-certificate-future.pem");

/// What tokens of Kubernetes are for when they are exchanged in the global cloud, by Microsoft's documentation.
pub const AUDIENCE: &str = "api://AzureADTokenExchange";

/// A certificate that no tenant knows, with its key.
pub fn stranger() -> String {
    let key = rcgen::KeyPair::from_pem(OTHER_KEY).unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    certificate.pem() + OTHER_KEY
}

/// Adds the certificate to those of the operator's application.
pub fn register(scenario: &mut Value) {
    let own = json!({ "appId": OPERATOR, "certificate": CERTIFICATE });
    scenario["clientCertificates"].as_array_mut().unwrap().push(own);
}

/// The lines of a PEM file that hold the key itself.
pub fn key_lines(pem: &str) -> impl Iterator<Item = &str> {
    pem.lines().filter(|line| !line.is_empty() && !line.starts_with("-----"))
}

/// Who signs the tokens of a cluster, as the cluster's own discovery documents tell.
pub struct Issuer {
    /// As it stands in tokens.
    pub url: String,
    jwks: Value,
}

impl Issuer {
    /// Asks the API server.
    pub async fn of(client: &Client) -> Self {
        let read =
            async |path: &str| -> Value { client.request(Request::get(path).body(Vec::new()).unwrap()).await.unwrap() };
        let discovery = read("/.well-known/openid-configuration").await;
        Self { url: discovery["issuer"].as_str().unwrap().to_owned(), jwks: read("/openid/v1/jwks").await }
    }

    /// Makes the tenant trust it, and the operator's application take its tokens with this subject and audience.
    pub fn trusted(&self, scenario: &mut Value, subject: &str, audience: &str) {
        self.trusted_as(&self.url, scenario, subject, audience);
    }

    /// The same with another name of the issuer in the federated credential.
    pub fn trusted_as(&self, name: &str, scenario: &mut Value, subject: &str, audience: &str) {
        scenario["trustedIssuers"] = json!([{ "issuer": self.url, "jwks": self.jwks }]);
        let own = json!({ "appId": OPERATOR, "issuer": name, "subject": subject, "audiences": [audience] });
        scenario["federatedCredentials"].as_array_mut().unwrap().push(own);
    }
}

impl Scene<'_> {
    /// Subject of the tokens of this ServiceAccount.
    pub fn subject(&self, account: &str) -> String {
        format!("system:serviceaccount:{}:{account}", self.namespace)
    }

    /// A token of this ServiceAccount.
    pub async fn token(&self, account: &str, audience: &str) -> String {
        let api: Api<ServiceAccount> = Api::namespaced(self.cluster.client.clone(), self.namespace);
        let spec = TokenRequestSpec { audiences: vec![audience.to_owned()], ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        api.create_token_request(account, &PostParams::default(), &request).await.unwrap().status.unwrap().token
    }

    /// Writes a Secret of type kubernetes.io/tls that the operator may use.
    pub async fn tls_secret(&self, name: &str, certificate: &str, key: &str) {
        let metadata = json!({ "name": name, "labels": { CREDENTIALS_LABEL: "true" } });
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata,
            "stringData": { "tls.crt": certificate, "tls.key": key },
        });
        let api: Api<Secret> = Api::namespaced(self.cluster.client.clone(), self.namespace);
        api.patch(name, &PatchParams::apply("test").force(), &Patch::Apply(&secret)).await.unwrap();
    }
}
