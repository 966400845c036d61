//! Records of the audit log. Values of changed properties are JSON inside texts, at times twice; who did something may be a
//! person, an application, a service of Microsoft's own without IDs, or nobody.

use serde::Deserialize;
use serde_json::Value;

use super::{lenient, moment};
use crate::domain::observed::{AuditRecord, Change, Initiator};

/// How often JSON is unpacked from a text.
const LAYERS_MAX: u32 = 3;

/// A record of the audit log.
/// <https://learn.microsoft.com/en-us/graph/api/resources/directoryaudit>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireDirectoryAudit {
    #[serde(default, deserialize_with = "lenient")]
    activity_date_time: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    activity_display_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    result: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    correlation_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    initiated_by: Option<WireInitiator>,
    #[serde(default, deserialize_with = "lenient")]
    target_resources: Option<Vec<WireTarget>>,
}

#[derive(Debug, Deserialize)]
struct WireInitiator {
    #[serde(default, deserialize_with = "lenient")]
    user: Option<WireUser>,
    #[serde(default, deserialize_with = "lenient")]
    app: Option<WireApp>,
}

/// The address of the person is not among what is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireUser {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    user_principal_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    display_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireApp {
    #[serde(default, deserialize_with = "lenient")]
    app_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    service_principal_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    display_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTarget {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    modified_properties: Option<Vec<WireChange>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireChange {
    #[serde(default, deserialize_with = "lenient")]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    old_value: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    new_value: Option<String>,
}

impl WireDirectoryAudit {
    /// As `domain` sees it; a record without a time tells nothing.
    pub fn observed(self) -> Option<AuditRecord> {
        let at = moment(self.activity_date_time.as_deref())?;
        let targets = self.target_resources.unwrap_or_default();
        let changes = targets.iter().flat_map(|target| target.modified_properties.iter().flatten());
        Some(AuditRecord {
            at,
            activity: self.activity_display_name.unwrap_or_default(),
            succeeded: self.result.is_some_and(|result| result.eq_ignore_ascii_case("success")),
            correlation_id: told(self.correlation_id),
            initiator: self.initiated_by.map_or(Initiator::Unknown, WireInitiator::observed),
            changes: changes.filter_map(WireChange::observed).collect(),
            targets: targets.iter().filter_map(|target| told(target.id.clone())).collect(),
        })
    }
}

impl WireInitiator {
    fn observed(self) -> Initiator {
        let user = self.user.and_then(|user| {
            let (id, name) = (told(user.id), told(user.user_principal_name).or(told(user.display_name)));
            (id.is_some() || name.is_some()).then_some(Initiator::User { id, name })
        });
        let application = || {
            let app = self.app?;
            let (app_id, principal_id) = (told(app.app_id), told(app.service_principal_id));
            let name = told(app.display_name);
            let is_told = app_id.is_some() || principal_id.is_some() || name.is_some();
            is_told.then_some(Initiator::Application { app_id, principal_id, name })
        };
        user.or_else(application).unwrap_or(Initiator::Unknown)
    }
}

impl WireChange {
    fn observed(&self) -> Option<Change> {
        let unpacked = |value: &Option<String>| value.as_deref().and_then(|text| unpacked(text, LAYERS_MAX));
        let property = told(self.display_name.clone())?;
        Some(Change { property, old: unpacked(&self.old_value), new: unpacked(&self.new_value) })
    }
}

fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// What a value says, without the JSON around it: of a list the elements, of an empty one nothing.
fn unpacked(text: &str, layers: u32) -> Option<String> {
    let plain = || told(Some(text.to_owned()));
    let Some(layers) = layers.checked_sub(1) else { return plain() };
    match serde_json::from_str(text) {
        Ok(Value::String(inner)) => unpacked(&inner, layers),
        Ok(Value::Array(items)) => {
            let parts: Vec<String> = items.iter().filter_map(|item| element(item, layers)).collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        }
        Ok(Value::Null) => None,
        // A number is written as it was: digits of an ID must not be rounded.
        Ok(Value::Bool(_) | Value::Number(_) | Value::Object(_)) | Err(_) => plain(),
    }
}

fn element(item: &Value, layers: u32) -> Option<String> {
    match item {
        Value::Null => None,
        Value::String(text) => unpacked(text, layers),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(item.to_string()),
    }
}
