//! Reads the client secret: one Secret by name, from the object's own namespace, never a list.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use secrecy::SecretString;
use tokio::time::Instant;

use super::{
    pass::PassError,
    publish::within_deadline,
    store::{ObjectKey, Stored},
};
use crate::{
    api::CREDENTIALS_LABEL,
    domain::{Desired, Obstacle},
    graph::{Credential, TokenKey},
};

/// The Secret is read again at least this often while tokens from it are in use, so that its deletion or a removed
/// label takes effect.
pub const REREAD_AFTER: Duration = Duration::from_mins(10);

/// A credential and when it was read.
#[derive(Debug, Clone)]
pub struct Held {
    /// The credential.
    pub credential: Credential,
    /// When the Secret was read.
    pub read: Instant,
}

/// The credential that this object names, or why there is none.
pub async fn read(
    client: &Client,
    key: &ObjectKey,
    stored: &Stored,
    desired: &Desired,
) -> Result<Result<Credential, Obstacle>, PassError> {
    let Some((name, data_key)) = &stored.secret else {
        return Ok(Err(Obstacle::secret_not_found(&key.namespace, "", "")));
    };
    let api: Api<Secret> = Api::namespaced(client.clone(), &key.namespace);
    let secret = match within_deadline(api.get(name)).await {
        Ok(secret) => secret,
        Err(error) if error.has_code(404) => {
            return Ok(Err(Obstacle::secret_not_found(&key.namespace, name, data_key)));
        }
        Err(error) if error.has_code(403) => {
            return Ok(Err(Obstacle::secret_forbidden(&key.namespace, name)));
        }
        Err(error) => return Err(error.about("read the Secret", &format!("{}/{name}", key.namespace))),
    };
    let is_labelled = secret
        .metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(CREDENTIALS_LABEL))
        .is_some_and(|value| value == "true");
    if !is_labelled {
        return Ok(Err(Obstacle::secret_not_labelled(&key.namespace, name)));
    }
    let Some(value) = secret.data.as_ref().and_then(|data| data.get(data_key)) else {
        return Ok(Err(Obstacle::secret_key_missing(&key.namespace, name, data_key)));
    };
    let unusable = |what| Ok(Err(Obstacle::secret_key_unusable(&key.namespace, name, data_key, what)));
    let Ok(text) = std::str::from_utf8(&value.0) else {
        return unusable("is not text");
    };
    // Editors and `echo` leave a line break behind, which is never part of a client secret.
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return unusable("is empty");
    }
    Ok(Ok(Credential {
        key: TokenKey {
            cloud: desired.cloud,
            tenant: desired.tenant,
            client: desired.client,
            namespace: key.namespace.clone(),
            secret_uid: secret.metadata.uid.unwrap_or_default(),
            secret_version: secret.metadata.resource_version.unwrap_or_default(),
            secret_key: data_key.clone(),
        },
        secret: SecretString::from(text),
    }))
}
