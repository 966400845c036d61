//! What `plan` signs in with: a Secret from the files, or the variables that Microsoft's own tools read.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use kube::ResourceExt as _;
use secrecy::SecretString;
use serde_json::Value;

use crate::{
    api::{CertificateReference, CredentialSource, SecretKeyReference, WebexAzureIntegration},
    graph::{Credential, Proof, SigningCertificate, TokenFile, TokenKey},
};

/// Secrets of the files by namespace and name.
pub type Secrets = BTreeMap<(String, String), Value>;

/// The variables of `EnvironmentCredential` and of workload identity.
#[derive(Debug, Default, Args)]
pub struct CredentialArguments {
    /// Client secret for objects whose Secret is not in the files.
    #[arg(long, env = "AZURE_CLIENT_SECRET", hide_env_values = true, hide = true)]
    client_secret: Option<SecretString>,
    /// PEM file with certificate and private key for objects whose Secret is not in the files.
    #[arg(long, env = "AZURE_CLIENT_CERTIFICATE_PATH", hide = true)]
    client_certificate_path: Option<PathBuf>,
    /// File with a token of Kubernetes for objects that use a ServiceAccount or the operator's own identity.
    #[arg(long, env = "AZURE_FEDERATED_TOKEN_FILE", hide = true)]
    federated_token_file: Option<PathBuf>,
}

impl CredentialArguments {
    /// The credential of this object.
    pub fn credential(
        &self,
        file: &str,
        object: &WebexAzureIntegration,
        secrets: &Secrets,
    ) -> anyhow::Result<Credential> {
        let spec = &object.spec;
        let Some(source) = spec.credentials.source() else {
            bail!("{file}: {} names no credential", object.name_any());
        };
        let namespace = object.namespace().unwrap_or_default();
        let proof = match &source {
            CredentialSource::ClientSecret(reference) => self.client_secret(file, object, reference, secrets)?,
            CredentialSource::ClientCertificate(reference) => self.certificate(file, object, reference, secrets)?,
            CredentialSource::WorkloadIdentity(_) | CredentialSource::OperatorIdentity => {
                let Some(path) = &self.federated_token_file else {
                    bail!(
                        "{file}: {} signs in with a token of Kubernetes, which a file cannot hold: set \
                         AZURE_FEDERATED_TOKEN_FILE, for example to the output of kubectl create token --audience \
                         api://AzureADTokenExchange",
                        object.name_any()
                    );
                };
                Proof::Federated(Arc::new(TokenFile(path.clone())))
            }
        };
        let key = TokenKey {
            cloud: spec.cloud,
            tenant: spec.tenant_id.parse().with_context(|| format!("{file}: spec.tenantId"))?,
            client: spec.credentials.client_id.parse().with_context(|| format!("{file}: spec.credentials.clientId"))?,
            kind: source.kind(),
            namespace,
            // No two objects share a token: nothing here tells whether their Secrets are the same.
            uid: format!("{file} {}", object.name_any()),
            version: String::new(),
            key: String::new(),
        };
        Ok(Credential { key, proof })
    }

    fn client_secret(
        &self,
        file: &str,
        object: &WebexAzureIntegration,
        reference: &SecretKeyReference,
        secrets: &Secrets,
    ) -> anyhow::Result<Proof> {
        let SecretKeyReference { name, key } = reference;
        let found = data(secrets, object, name, key).and_then(|bytes| String::from_utf8(bytes).ok());
        match (found, &self.client_secret) {
            (Some(text), _) => Ok(Proof::Secret(SecretString::from(text.trim_end_matches(['\r', '\n'])))),
            (None, Some(given)) => Ok(Proof::Secret(given.clone())),
            (None, None) => bail!(
                "{file}: the client secret of {} is missing: set AZURE_CLIENT_SECRET, or put the Secret {name} with the key {key} into a file",
                object.name_any(),
            ),
        }
    }

    fn certificate(
        &self,
        file: &str,
        object: &WebexAzureIntegration,
        reference: &CertificateReference,
        secrets: &Secrets,
    ) -> anyhow::Result<Proof> {
        let CertificateReference { name, key } = reference;
        let keys = key.as_ref().map_or_else(|| vec!["tls.crt", "tls.key"], |key| vec![key.as_str()]);
        let found: Option<Vec<Vec<u8>>> = keys.iter().map(|key| data(secrets, object, name, key)).collect();
        let (parts, place) = match (found, &self.client_certificate_path) {
            (Some(parts), _) => (parts, format!("the Secret {name}")),
            (None, Some(path)) => {
                let content = std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
                (vec![content], path.display().to_string())
            }
            (None, None) => bail!(
                "{file}: the certificate of {} is missing: set AZURE_CLIENT_CERTIFICATE_PATH, or put the Secret {name} with {} into a file",
                object.name_any(),
                keys.join(" and ")
            ),
        };
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let certificate = SigningCertificate::from_pem(&parts)
            .with_context(|| format!("{file}: the certificate in {place} cannot be used"))?;
        Ok(Proof::Certificate(Arc::new(certificate)))
    }
}

/// A value of a Secret in the files.
fn data(secrets: &Secrets, object: &WebexAzureIntegration, name: &str, key: &str) -> Option<Vec<u8>> {
    let secret = secrets.get(&(object.namespace().unwrap_or_default(), name.to_owned()))?;
    let text = |part: &str| secret.get(part)?.get(key)?.as_str();
    match text("stringData") {
        Some(plain) => Some(plain.as_bytes().to_vec()),
        None => STANDARD.decode(text("data")?.split_whitespace().collect::<String>()).ok(),
    }
}
