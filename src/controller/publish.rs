//! The only place that writes status.

use std::{future::Future, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Client, Resource as _,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{
    pass::PassError,
    status_schema::StatusSchema,
    store::{ObjectKey, Published, StatusDigest, Stored},
};
use crate::api::{ConditionType, Reason, WebexAzureIntegration, WebexAzureIntegrationStatus};

/// Name under which the fields of the status are owned.
pub const FIELD_MANAGER: &str = "webex-azure-operator";

/// Longest time for one request to the Kubernetes API.
const DEADLINE: Duration = Duration::from_secs(30);

/// What was tried, until the caller says it better.
const CALL: &str = "call the Kubernetes API";

/// Waits for the Kubernetes API, but not for ever.
pub async fn within_deadline<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, PassError> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(kube::Error::SerdeError(_))) => Err(PassError::Unreadable { operation: CALL, object: String::new() }),
        Ok(Err(source)) => Err(PassError::Api { operation: CALL, object: String::new(), source: Box::new(source) }),
        Err(_) => Err(PassError::Deadline { operation: CALL, object: String::new() }),
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

/// How often a status is sent again without fields that were refused. The server may not name all of them at once.
const SHORTENINGS: u32 = 8;

/// Writes the status, as far as the installed definition declares it, by server-side apply and tells the digest of what the server made of it; none if the object changed
/// since it was read back.
///
/// The version in the body is what makes the server refuse: a status apply ignores a UID (tried on 1.36), and without
/// the version a verdict could land on a later object of the same name.
pub async fn write(
    client: &Client,
    schema: &StatusSchema,
    key: &ObjectKey,
    published: &Published,
    status: &WebexAzureIntegrationStatus,
) -> Result<Option<StatusDigest>, PassError> {
    let api: Api<Published> = Api::namespaced(client.clone(), &key.namespace);
    let body = |version: &ObjectMeta, status: &Value| {
        json!({
            "apiVersion": WebexAzureIntegration::api_version(&()),
            "kind": WebexAzureIntegration::kind(&()),
            "metadata": { "name": key.name, "namespace": key.namespace, "resourceVersion": version.resource_version },
            "status": status,
        })
    };
    let merge = async |read: &ObjectMeta, status: &Value| {
        let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        within_deadline(api.patch_status(&key.name, &parameters, &Patch::Merge(body(read, status)))).await
    };
    let apply = async |sent: &Value| {
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        within_deadline(api.patch_status(&key.name, &parameters, &Patch::Apply(body(&published.metadata, sent)))).await
    };
    let declared = || schema.shortened(status).unwrap_or_else(|| serde_json::to_value(status).unwrap_or_default());
    let mut sent = declared();
    let mut applied = apply(&sent).await;
    for _ in 0..SHORTENINGS {
        let Some(refusal) = applied.as_ref().err().and_then(PassError::refusal) else { break };
        if !schema.was_refused(client, refusal).await {
            break;
        }
        sent = declared();
        applied = apply(&sent).await;
    }
    let written = match applied {
        Ok(written) => match without_leftovers(&written.status, &sent) {
            Some(conditions) => merge(&written.metadata, &json!({ "conditions": conditions })).await,
            None => Ok(written),
        },
        // An apply fails where the stored spec is not of the schema's types (tried on 1.36); a merge patch does not.
        Err(error) if error.has_code(500) && is_invalid(status) => merge(&published.metadata, &sent).await,
        Err(error) => Err(error),
    };
    match written {
        Ok(written) => Ok(Some(StatusDigest::of(&written.status))),
        Err(error) if error.has_code(409) || error.has_code(404) => Ok(None),
        Err(error) => Err(error.about("write the status of", &key.to_string())),
    }
}

fn is_invalid(status: &WebexAzureIntegrationStatus) -> bool {
    status.condition(ConditionType::Ready.as_str()).is_some_and(|ready| ready.reason == Reason::InvalidSpec.as_str())
}

/// The conditions as written, but for those of ours that were not sent; none if there are no such. What a merge patch
/// put there while the spec was invalid is owned apart from what is applied, and an apply leaves it (tried on 1.36).
fn without_leftovers(written: &Value, sent: &Value) -> Option<Vec<Value>> {
    let conditions = |status: &Value| status.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let (written, sent) = (conditions(written), conditions(sent));
    let is_sent = |condition: &Value| sent.iter().any(|sent| sent.get("type") == condition.get("type"));
    let is_own = |condition: &Value| {
        ConditionType::ALL.iter().any(|own| condition.get("type").and_then(Value::as_str) == Some(own.as_str()))
    };
    let kept: Vec<Value> =
        written.iter().filter(|condition| is_sent(condition) || !is_own(condition)).cloned().collect();
    (kept.len() < written.len()).then_some(kept)
}
