//! The only place that writes status.

use std::{future::Future, time::Duration};

use kube::{
    Api, Client, Resource as _,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::{
    pass::PassError,
    store::{ObjectKey, Published, StatusDigest, Stored},
};
use crate::api::{WebexAzureIntegration, WebexAzureIntegrationStatus};

/// Name under which the fields of the status are owned.
pub const FIELD_MANAGER: &str = "webex-azure-operator";

/// Longest time for one request to the Kubernetes API.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for the Kubernetes API, but not for ever.
pub async fn within_deadline<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, PassError> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => Err(PassError::Api {
            operation: "call the Kubernetes API",
            object: String::new(),
            source: Box::new(source),
        }),
        Err(_) => Err(PassError::Deadline { operation: "call the Kubernetes API", object: String::new() }),
    }
}

/// The object as it stands; none if it is gone, or if the name now belongs to another object or generation.
pub async fn read_back(client: &Client, key: &ObjectKey, stored: &Stored) -> Result<Option<Published>, PassError> {
    let api: Api<Published> = Api::namespaced(client.clone(), &key.namespace);
    let published = within_deadline(api.get_opt(&key.name))
        .await
        .map_err(|error| error.about("read the object", &key.to_string()))?;
    Ok(published.filter(|published| {
        published.metadata.uid.as_deref() == Some(&stored.uid)
            && published.metadata.generation == Some(stored.generation)
    }))
}

/// Writes the status by server-side apply and tells the digest of what the server made of it; none if the object changed
/// since it was read back.
///
/// The version in the body is what makes the server refuse: a status apply ignores a UID (tried on 1.36), and without
/// the version a verdict could land on a later object of the same name.
pub async fn write(
    client: &Client,
    key: &ObjectKey,
    published: &Published,
    status: &WebexAzureIntegrationStatus,
) -> Result<Option<StatusDigest>, PassError> {
    let api: Api<Published> = Api::namespaced(client.clone(), &key.namespace);
    let body = json!({
        "apiVersion": WebexAzureIntegration::api_version(&()),
        "kind": WebexAzureIntegration::kind(&()),
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "resourceVersion": published.metadata.resource_version,
        },
        "status": status,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    match within_deadline(api.patch_status(&key.name, &parameters, &Patch::Apply(&body))).await {
        Ok(written) => Ok(Some(StatusDigest::of(&written.status))),
        Err(error) if error.has_code(409) || error.has_code(404) => Ok(None),
        Err(error) => Err(error.about("write the status of", &key.to_string())),
    }
}
