//! Reads what an object signs in with: one Secret or ServiceAccount by name, from the object's own namespace, never a
//! list; or the operator's own identity, for whom that was allowed.

pub mod operator;
mod secret;
mod service_account;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use kube::Client;
use tokio::time::Instant;

use super::{pass::PassError, store::ObjectKey};
use crate::{
    api::{CredentialSource, TenantId},
    domain::{Desired, Notice, Obstacle, cloud::Endpoints},
    graph::{Credential, Proof, TokenKey},
};
pub use operator::OperatorIdentity;

/// The Secret is read again at least this often while tokens from it are in use, so that its deletion or a removed
/// label takes effect.
pub const REREAD_AFTER: Duration = Duration::from_mins(10);

/// A credential, when it was read, and what is worth telling about it.
#[derive(Debug, Clone)]
pub struct Held {
    /// The credential.
    pub credential: Credential,
    /// When it was read.
    pub read: Instant,
    /// What its owner should know.
    pub advice: Vec<Notice>,
}

/// What was read, or why it cannot be used.
type Found = Result<(Proof, Identity), Obstacle>;

/// What makes a credential this one: parts of the key of its tokens.
#[derive(Debug, Default)]
struct Identity {
    uid: String,
    version: String,
    key: String,
    advice: Vec<Notice>,
}

/// Pairs of a namespace and a tenant in which the operator's own identity may be used.
pub type Allowed = BTreeSet<(String, TenantId)>;

/// The credential that this object names, or why there is none.
pub async fn read(
    client: &Client,
    key: &ObjectKey,
    desired: &Desired,
    endpoints: &Endpoints,
    operator: &OperatorIdentity,
) -> Result<Result<(Credential, Vec<Notice>), Obstacle>, PassError> {
    let namespace = key.namespace.as_str();
    let found = match &desired.credential {
        CredentialSource::ClientSecret(reference) => secret::client_secret(client, namespace, reference).await?,
        CredentialSource::ClientCertificate(reference) => secret::certificate(client, namespace, reference).await?,
        CredentialSource::WorkloadIdentity(identity) => {
            let name = &identity.service_account_name;
            service_account::read(client, namespace, name, desired.client, &endpoints.exchange_audience).await?
        }
        CredentialSource::OperatorIdentity => {
            let file = operator.token_file_for(namespace, desired, endpoints);
            file.map(|file| (Proof::Federated(Arc::new(file)), Identity::default()))
        }
    };
    Ok(found.map(|(proof, Identity { uid, version, key: part, advice })| {
        let key = TokenKey {
            cloud: desired.cloud,
            tenant: desired.tenant,
            client: desired.client,
            kind: desired.credential.kind(),
            namespace: namespace.to_owned(),
            uid,
            version,
            key: part,
        };
        (Credential { key, proof }, advice)
    }))
}
