//! Secrets: a client secret, or a certificate with its private key.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use secrecy::SecretString;

use super::{Found, Identity};
use crate::{
    api::{CREDENTIALS_LABEL, CertificateReference, SecretKeyReference},
    controller::{pass::PassError, publish::within_deadline},
    domain::{Notice, Obstacle, notice},
    graph::{CertificateError, Proof, SigningCertificate},
};

const CLIENT_SECRET: &str = "the value of the client secret";
const CERTIFICATE: &str = "the certificate with its private key, as PEM,";

/// The client secret under this key.
pub(super) async fn client_secret(
    client: &Client,
    namespace: &str,
    reference: &SecretKeyReference,
) -> Result<Found, PassError> {
    let SecretKeyReference { name, key } = reference;
    let content = format!("the client secret under the key {key}");
    let secret = match released(client, namespace, name, &content).await? {
        Ok(secret) => secret,
        Err(obstacle) => return Ok(Err(obstacle)),
    };
    let Some(value) = value(&secret, key) else {
        let field = "spec.credentials.clientSecret.key";
        return Ok(Err(Obstacle::secret_key_missing(namespace, name, key, CLIENT_SECRET, field)));
    };
    let unusable = |what| Ok(Err(Obstacle::secret_key_unusable(namespace, name, key, what, CLIENT_SECRET)));
    let Ok(text) = std::str::from_utf8(value) else {
        return unusable("is not text");
    };
    // Editors and `echo` leave a line break behind, which is never part of a client secret.
    let trimmed = text.trim_end_matches(['\r', '\n']);
    if trimmed.is_empty() {
        return unusable("is empty");
    }
    let advice = if trimmed.len() < text.len() { vec![notice::secret_trimmed(namespace, name, key)] } else { vec![] };
    Ok(Ok((Proof::Secret(SecretString::from(trimmed)), identity(&secret, key, advice))))
}

/// The certificate under this key, or of a Secret of type kubernetes.io/tls.
pub(super) async fn certificate(
    client: &Client,
    namespace: &str,
    reference: &CertificateReference,
) -> Result<Found, PassError> {
    let CertificateReference { name, key } = reference;
    let content = match key {
        Some(key) => format!("certificate and private key under the key {key}"),
        None => "the keys tls.crt and tls.key (kubectl create secret tls)".to_owned(),
    };
    let secret = match released(client, namespace, name, &content).await? {
        Ok(secret) => secret,
        Err(obstacle) => return Ok(Err(obstacle)),
    };
    let keys = key.as_ref().map_or_else(|| vec!["tls.crt", "tls.key"], |key| vec![key.as_str()]);
    let mut parts = Vec::new();
    for key in &keys {
        let Some(part) = value(&secret, key) else {
            let field = "spec.credentials.clientCertificate.key";
            return Ok(Err(Obstacle::secret_key_missing(namespace, name, key, CERTIFICATE, field)));
        };
        parts.push(part);
    }
    let read = SigningCertificate::from_pem(&parts);
    let unusable = |error: CertificateError| Obstacle::certificate_unusable(namespace, name, &error.to_string());
    Ok(read
        .map_err(unusable)
        .map(|certificate| (Proof::Certificate(Arc::new(certificate)), identity(&secret, &keys.join("+"), vec![]))))
}

fn identity(secret: &Secret, key: &str, advice: Vec<Notice>) -> Identity {
    Identity {
        uid: secret.metadata.uid.clone().unwrap_or_default(),
        version: secret.metadata.resource_version.clone().unwrap_or_default(),
        key: key.to_owned(),
        advice,
    }
}

/// The Secret, if it was released for this operator.
async fn released(
    client: &Client,
    namespace: &str,
    name: &str,
    content: &str,
) -> Result<Result<Secret, Obstacle>, PassError> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let secret = match within_deadline(api.get(name)).await {
        Ok(secret) => secret,
        Err(error) if error.has_code(404) => return Ok(Err(Obstacle::secret_not_found(namespace, name, content))),
        Err(error) if error.has_code(403) => return Ok(Err(Obstacle::secret_forbidden(namespace, name))),
        Err(error) => return Err(error.about("read the Secret", &format!("{namespace}/{name}"))),
    };
    let labels = secret.metadata.labels.as_ref();
    let is_labelled = labels.and_then(|labels| labels.get(CREDENTIALS_LABEL)).is_some_and(|value| value == "true");
    Ok(if is_labelled { Ok(secret) } else { Err(Obstacle::secret_not_labelled(namespace, name)) })
}

fn value<'a>(secret: &'a Secret, key: &str) -> Option<&'a [u8]> {
    secret.data.as_ref()?.get(key).map(|value| value.0.as_slice())
}
