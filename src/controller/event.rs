//! Kubernetes events: told once, at a transition. Best effort; a lost event is logged and not repeated.
//!
//! kube's own recorder stamps events with the machine's clock and merges them in memory; these are single notices that
//! a simulation must be able to repeat byte for byte, so they are written here.

use jiff::Timestamp;
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Client, Resource as _, api::PostParams};
use tracing::warn;

use super::{
    publish::within_deadline,
    store::{ObjectKey, Stored, hash_of},
};
use crate::{api::WebexAzureIntegration, domain::Notice};

/// Name of this controller in events.
const CONTROLLER: &str = "webexazure.dev/webex-azure-operator";

/// Tells these notices about the object.
pub async fn tell(
    client: &Client,
    key: &ObjectKey,
    stored: &Stored,
    notices: &[Notice],
    now: Timestamp,
    instance: &str,
) {
    let api: Api<Event> = Api::namespaced(client.clone(), &key.namespace);
    for notice in notices {
        let event = event(key, stored, notice, now, instance);
        if let Err(error) = within_deadline(api.create(&PostParams::default(), &event)).await {
            warn!(wai = %key, reason = notice.reason, error = %crate::ops::chain(&error), "an event could not be written");
        }
    }
}

fn event(key: &ObjectKey, stored: &Stored, notice: &Notice, now: Timestamp, instance: &str) -> Event {
    let distinct = hash_of(&(&stored.uid, notice.reason, &notice.message, now.as_nanosecond()));
    Event {
        metadata: ObjectMeta {
            // Long names of objects leave no room for more.
            name: Some(format!("{}.{distinct:016x}", key.name.chars().take(200).collect::<String>())),
            namespace: Some(key.namespace.clone()),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(now)),
        type_: Some(if notice.is_warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(notice.reason.to_owned()),
        action: Some("Look".to_owned()),
        note: Some(notice.message.clone()),
        reporting_controller: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(instance.to_owned()),
        regarding: Some(ObjectReference {
            api_version: Some(WebexAzureIntegration::api_version(&()).into_owned()),
            kind: Some(WebexAzureIntegration::kind(&()).into_owned()),
            name: Some(key.name.clone()),
            namespace: Some(key.namespace.clone()),
            uid: Some(stored.uid.clone()),
            ..ObjectReference::default()
        }),
        ..Event::default()
    }
}
