//! Answers as the server words them: objects, and `Status` objects with reason, code and details.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{
    Answer,
    request::{RequestLine, Resource, Verb},
};

/// One refusal.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    code: StatusCode,
    reason: &'static str,
    message: String,
    details: Value,
    retry_after: Option<u32>,
    continue_token: Option<String>,
}

impl Failure {
    fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null, retry_after: None, continue_token: None }
    }

    fn about(mut self, resource: Resource, name: &str) -> Self {
        let mut details = json!({ "kind": resource.plural() });
        if !resource.group().is_empty() {
            details["group"] = resource.group().into();
        }
        if !name.is_empty() {
            details["name"] = name.into();
        }
        self.details = details;
        self
    }

    /// 404 for a path that the server does not have.
    pub fn no_such_path() -> Self {
        let mut failure =
            Self::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource");
        failure.details = json!({});
        failure
    }

    /// 404 for an object that does not exist.
    pub fn not_found(resource: Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).about(resource, name)
    }

    /// 409 for a name that is taken.
    pub fn already_exists(resource: Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(resource, name)
    }

    /// 403 as RBAC words it.
    pub fn forbidden(line: &RequestLine, resource: Resource) -> Self {
        let name = line.name.as_deref().unwrap_or_default();
        let object =
            if name.is_empty() { resource.qualified() } else { format!("{} \"{name}\"", resource.qualified()) };
        let subresource = line.subresource.as_deref().map(|subresource| format!("/{subresource}")).unwrap_or_default();
        let place = match &line.namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".to_owned(),
        };
        let message = format!(
            "{object} is forbidden: User \"system:serviceaccount:simulation:operator\" cannot {} resource \"{}{subresource}\" in API group \"{}\" {place}",
            line.verb.rbac(),
            resource.plural(),
            resource.group(),
        );
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).about(resource, name)
    }

    /// 409 for a precondition that does not hold.
    pub fn conflict(name: &str, why: &str) -> Self {
        let resource = Resource::Integrations;
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(resource, name)
    }

    /// 409 for a resourceVersion that is not the stored one.
    pub fn modified(name: &str) -> Self {
        Self::conflict(
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 409 for a replacement whose uid is not the stored one.
    pub fn replaces_other_uid(namespace: &str, name: &str, wanted: &str, stored: &str) -> Self {
        let resource = Resource::Integrations;
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{}/{}/{namespace}/{name}, ResourceVersion: 0, \
             AdditionalErrorMsg: Precondition failed: UID in precondition: {wanted}, UID in object meta: {stored}",
            resource.group(),
            resource.plural(),
        );
        Self::conflict(name, &why)
    }

    /// 409 for a deletion whose uid is not the stored one. It names the kind, not the resource.
    pub fn deletes_other_uid(name: &str, wanted: &str, stored: &str) -> Self {
        let (kind, group) = (Resource::Integrations.kind(), Resource::Integrations.group());
        let message = format!(
            "Operation cannot be fulfilled on {kind}.{group} \"{name}\": the UID in the precondition ({wanted}) does \
             not match the UID in record ({stored}). The object might have been deleted and then recreated"
        );
        let mut failure = Self::new(StatusCode::CONFLICT, "Conflict", message);
        failure.details = json!({ "name": name, "group": group, "kind": kind });
        failure
    }

    /// 409 for fields that other field managers own: their names, each with the paths of the fields.
    pub fn apply_conflict(conflicts: &[(String, Vec<String>)]) -> Self {
        let count: usize = conflicts.iter().map(|(_, paths)| paths.len()).sum();
        let causes: Vec<Value> = conflicts
            .iter()
            .flat_map(|(manager, paths)| {
                paths.iter().map(move |path| {
                    json!({ "reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": path })
                })
            })
            .collect();
        let listed: Vec<String> = conflicts
            .iter()
            .map(|(manager, paths)| format!("conflicts with {manager}:\n- {}", paths.join("\n- ")))
            .collect();
        let message = match conflicts {
            [(manager, paths)] if count == 1 => {
                format!("Apply failed with 1 conflict: conflict with {manager}: {}", paths.concat())
            }
            _ => format!("Apply failed with {count} conflicts: {}", listed.join("\n")),
        };
        let mut failure = Self::new(StatusCode::CONFLICT, "Conflict", message);
        failure.details = json!({ "causes": causes });
        failure
    }

    /// 422: group and kind of what is invalid, its name, and each field with its kind of error and the words.
    pub fn invalid((group, kind): (&str, &str), name: &str, errors: &[(&str, &str, String)]) -> Self {
        let causes: Vec<Value> = errors
            .iter()
            .map(|(field, reason, message)| json!({ "reason": reason, "message": message, "field": field }))
            .collect();
        let mut listed: Vec<String> = errors.iter().map(|(field, _, message)| format!("{field}: {message}")).collect();
        listed.dedup();
        let listed = if listed.len() == 1 { listed.remove(0) } else { format!("[{}]", listed.join(", ")) };
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let message = format!("{qualified} \"{name}\" is invalid: {listed}");
        let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
        failure.details = json!({ "kind": kind, "causes": causes });
        for (field, value) in [("name", name), ("group", group)] {
            if !value.is_empty() {
                failure.details[field] = value.into();
            }
        }
        failure
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 405.
    pub fn not_supported(verb: Verb, resource: Resource) -> Self {
        let message = format!("{} is not supported on resources of kind \"{}\"", verb.rbac(), resource.qualified());
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message).about(resource, "")
    }

    /// 406, for a representation that this server does not make.
    pub fn not_acceptable() -> Self {
        let message = "only the following media types are accepted: application/json";
        Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
    }

    /// 415, for a kind of patch that this server does not take.
    pub fn unsupported_patch(accepted: &str) -> Self {
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// 410, for a revision that was compacted away.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    /// 410, with a token that goes on from the same place in the present state.
    pub fn expired_continue(token: String) -> Self {
        let mut failure = Self::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list \
             without the continue parameter, or use the continue token in this response to retrieve the remainder of \
             the results. Continuing with the provided token results in an inconsistent list - objects that were \
             created, modified, or deleted between the time the first chunk was returned and now may show up in the \
             list.",
        );
        failure.continue_token = Some(token);
        failure
    }

    /// 504, for a revision that the server has not reached.
    pub fn too_large_revision(wanted: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
        let mut failure = Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message);
        failure.details = json!({
            "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
            "retryAfterSeconds": 1,
        });
        failure
    }

    /// 500, for what the server answers without a reason of its own.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "", message)
    }

    /// What the fault hook asked for.
    pub fn injected(code: StatusCode, retry_after: Option<u32>) -> Self {
        let (reason, message) = match code.as_u16() {
            401 => ("Unauthorized", "Unauthorized"),
            403 => ("Forbidden", "forbidden: refused by the simulation"),
            404 => ("NotFound", "the server could not find the requested resource"),
            409 => ("Conflict", "the server reported a conflict"),
            410 => ("Expired", "The resourceVersion for the provided list is too old."),
            422 => ("Invalid", "the server rejected our request due to an error in our request"),
            429 => ("TooManyRequests", "Too many requests, please try again later."),
            500 => ("InternalError", "Internal error occurred: etcdserver: request timed out"),
            503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
            504 => ("Timeout", "Timeout: request did not complete within the allotted timeout"),
            _ => ("", "refused by the simulation"),
        };
        let mut failure = Self::new(code, reason, message);
        if let Some(seconds) = retry_after {
            failure.retry_after = retry_after;
            failure.details = json!({ "retryAfterSeconds": seconds });
        }
        failure
    }

    /// The `Status` object.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code.as_u16(),
        });
        if let Some(token) = &self.continue_token {
            status["metadata"]["continue"] = token.as_str().into();
        }
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }

    /// The response.
    pub fn into_response(self) -> http::Response<Bytes> {
        let mut response = json_response(self.code, &self.status());
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A response with a JSON body.
pub fn json_response(code: StatusCode, body: &Value) -> http::Response<Bytes> {
    let mut response = http::Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// An object, or its metadata alone if the request wants no more.
pub fn object(code: StatusCode, headers: &HeaderMap, object: &Value) -> Answer {
    let response = if wants_metadata(headers) {
        let metadata = object.get("metadata").cloned().unwrap_or_default();
        let partial = json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata });
        json_response(code, &partial)
    } else {
        json_response(code, object)
    };
    Answer::Response(response)
}

/// Whether the request asks for `PartialObjectMetadata`.
pub fn wants_metadata(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("as=PartialObjectMetadata")
}
