//! Events of `events.k8s.io/v1`: creation, with the checks that a real server makes.

use http::StatusCode;
use serde_json::Value;

use super::{
    Answer, ApiServer,
    answer::{self, Failure},
    request::{RequestLine, Resource, Verb},
};

/// Texts of an event: the field, its name in messages, and the greatest length in bytes.
///
/// The server calls the note by the name it has in the older API. For the controller it checks the form of a qualified
/// name instead of a length; this stand-in does not.
const LIMITED_TEXTS: [(&str, &str, usize); 5] = [
    ("reportingController", "reportingController", usize::MAX),
    ("reportingInstance", "reportingInstance", 128),
    ("action", "action", 128),
    ("reason", "reason", 128),
    ("note", "message", 1024),
];

impl ApiServer {
    pub(super) fn serve_event(
        &mut self,
        line: &RequestLine,
        content: &Result<Value, String>,
    ) -> Result<Answer, Failure> {
        let (Verb::Create, Some(namespace), None) = (line.verb, &line.namespace, &line.name) else {
            return Err(Failure::not_supported(line.verb, Resource::Events));
        };
        let mut event = content.clone().map_err(Failure::bad_request)?;
        if field(&event, "apiVersion") != Resource::Events.api_version() || field(&event, "kind") != "Event" {
            return Err(Failure::bad_request("the body is not an Event of events.k8s.io/v1"));
        }
        if !matches!(metadata(&event, "namespace"), own if own.is_empty() || own == namespace) {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::bad_request(message));
        }
        let name = self.event_name(&event);
        let errors = errors(&event, namespace, &name);
        if !errors.is_empty() {
            return Err(Failure::invalid(("", "Event"), &name, &errors));
        }
        let is_same = |event: &Value| metadata(event, "name") == name && metadata(event, "namespace") == namespace;
        if self.events.iter().any(is_same) {
            return Err(Failure::already_exists(Resource::Events, &name));
        }
        let (uid, now, revision) = (self.new_uid(), self.time(), self.store.next_revision());
        let stored = &mut event["metadata"];
        stored["name"] = name.into();
        stored["namespace"] = namespace.as_str().into();
        stored["uid"] = uid.into();
        stored["creationTimestamp"] = now.into();
        stored["resourceVersion"] = revision.to_string().into();
        self.events.push(event.clone());
        Ok(Answer::Response(answer::json_response(StatusCode::CREATED, &event)))
    }

    /// The name, or one made from `generateName`.
    fn event_name(&mut self, event: &Value) -> String {
        let (name, prefix) = (metadata(event, "name"), metadata(event, "generateName"));
        if !name.is_empty() || prefix.is_empty() {
            return name.to_owned();
        }
        let suffix: String = self.new_uid().chars().take(5).collect();
        format!("{prefix}{suffix}")
    }
}

fn field<'value>(object: &'value Value, name: &str) -> &'value str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn metadata<'value>(object: &'value Value, name: &str) -> &'value str {
    object.get("metadata").map(|metadata| field(metadata, name)).unwrap_or_default()
}

fn errors(event: &Value, namespace: &str, name: &str) -> Vec<(&'static str, &'static str, String)> {
    let required = |path| (path, "FieldValueRequired", "Required value".to_owned());
    let invalid = |path, why: String| (path, "FieldValueInvalid", format!("Invalid value: \"\": {why}"));
    let mut errors = Vec::new();
    if name.is_empty() {
        errors.push(required("metadata.name"));
    }
    let about = event.pointer("/regarding/namespace").and_then(Value::as_str).unwrap_or_default();
    let is_timed = !field(event, "eventTime").is_empty();
    let may_be_elsewhere =
        if about.is_empty() { matches!(namespace, "default" | "kube-system") } else { is_timed || about == namespace };
    if !may_be_elsewhere {
        let message = format!("Invalid value: \"{about}\": does not match event.namespace");
        errors.push(("involvedObject.namespace", "FieldValueInvalid", message));
    }
    if is_timed {
        for (path, shown, limit) in LIMITED_TEXTS {
            let text = field(event, path);
            if text.is_empty() && path != "note" {
                errors.push(required(shown));
            }
            if text.len() > limit {
                errors.push(invalid(shown, format!("can have at most {limit} characters")));
            }
        }
    } else {
        errors.push(required("eventTime"));
    }
    let kind = field(event, "type");
    if !matches!(kind, "Normal" | "Warning") {
        errors.push(invalid("type", format!("has invalid value: {kind}")));
    }
    errors
}
