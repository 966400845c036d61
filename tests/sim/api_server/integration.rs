//! One `WebexAzureIntegration`: read, create, replace, patch, apply, delete.
//!
//! The schema of the resource is not checked: neither bounds and rules of the spec, nor undeclared fields.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    Answer, ApiServer,
    answer::{self, Failure},
    apply::{Manager, Ownership},
    request::{MERGE_PATCH, RequestLine, Resource, Verb, content_type},
};

const WAI: Resource = Resource::Integrations;
const GROUP_AND_KIND: (&str, &str) = ("webexazure.dev", "WebexAzureIntegration");
/// The kinds of patch that a real server accepts here; this one refuses the first.
const PATCHES: &str = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";

/// Metadata that a request cannot change.
const SYSTEM_METADATA: [&str; 7] =
    ["name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion", "managedFields"];

/// Where a request to one object goes.
#[derive(Clone, Copy)]
pub(super) struct Target<'line> {
    pub(super) namespace: &'line str,
    pub(super) name: &'line str,
    pub(super) is_status: bool,
}

impl Target<'_> {
    pub(super) fn key(self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl ApiServer {
    pub(super) fn serve_integrations(
        &mut self,
        line: &RequestLine,
        headers: &HeaderMap,
        content: &Result<Value, String>,
    ) -> Result<Answer, Failure> {
        let body = || content.as_ref().map_err(Failure::bad_request);
        let namespace = line.namespace.as_deref().unwrap_or_default();
        let Some(name) = line.name.as_deref() else {
            return match line.verb {
                Verb::List => self.list(line, headers),
                Verb::Watch => self.watch(line, headers),
                Verb::Create if !namespace.is_empty() => {
                    let manager = manager(line, headers, "Update");
                    let object = self.create_integration(namespace, body()?, manager)?;
                    Ok(answer::object(StatusCode::CREATED, headers, &object))
                }
                Verb::Create | Verb::Get | Verb::Replace | Verb::Patch | Verb::Apply | Verb::Delete | Verb::Other => {
                    Err(Failure::not_supported(line.verb, WAI))
                }
            };
        };
        let target = Target { namespace, name, is_status: line.subresource.is_some() };
        if line.verb == Verb::Delete && !target.is_status {
            return self.delete_integration(target, body()?);
        }
        let object = match line.verb {
            Verb::Get => self.read_integration(line, target)?,
            Verb::Replace => self.replace_integration(target, body()?, manager(line, headers, "Update"))?,
            Verb::Patch if content_type(headers) == MERGE_PATCH => {
                self.merge_integration(target, body()?, manager(line, headers, "Update"))?
            }
            Verb::Patch => return Err(Failure::unsupported_patch(PATCHES)),
            Verb::Apply if target.is_status => self.apply_status(line, target, body()?)?,
            Verb::Apply => return Err(Failure::bad_request("this simulation applies the status only")),
            Verb::List | Verb::Watch | Verb::Create | Verb::Delete | Verb::Other => {
                return Err(Failure::not_supported(line.verb, WAI));
            }
        };
        Ok(answer::object(StatusCode::OK, headers, &object))
    }

    fn read_integration(&self, line: &RequestLine, target: Target<'_>) -> Result<Arc<Value>, Failure> {
        let from_cache = line.query.get("resourceVersion").is_some_and(|revision| revision == "0");
        let revision = if from_cache { self.store.visible() } else { self.store.revision() };
        let object = self.store.get_at(&target.key(), revision);
        object.cloned().ok_or_else(|| Failure::not_found(WAI, target.name))
    }

    fn present(&self, target: Target<'_>) -> Result<Arc<Value>, Failure> {
        let object = self.store.get(&target.key());
        object.cloned().ok_or_else(|| Failure::not_found(WAI, target.name))
    }

    pub(super) fn create_integration(
        &mut self,
        namespace: &str,
        body: &Value,
        manager: Manager,
    ) -> Result<Arc<Value>, Failure> {
        check_type(body)?;
        let name = text(body, "/metadata/name");
        if name.is_empty() {
            let message = "Required value: name or generateName is required".to_owned();
            return Err(Failure::invalid(GROUP_AND_KIND, "", &[("metadata.name", "FieldValueRequired", message)]));
        }
        let target = Target { namespace, name, is_status: false };
        check_namespace(body, namespace)?;
        if !matches!(text(body, "/metadata/resourceVersion"), "" | "0") {
            return Err(Failure::internal("resourceVersion should not be set on objects to be created"));
        }
        if self.store.get(&target.key()).is_some() {
            return Err(Failure::already_exists(WAI, name));
        }
        let (uid, now) = (self.new_uid(), self.time());
        let mut object = body.clone();
        let metadata = &mut object["metadata"];
        metadata["namespace"] = namespace.into();
        metadata["uid"] = uid.into();
        metadata["creationTimestamp"] = now.as_str().into();
        metadata["generation"] = 1.into();
        object["status"] = initial_status();
        let mut ownership = Ownership::default();
        ownership.update(&main_view(&Value::Null), &main_view(&object), manager, &now);
        ownership.write(&mut object);
        Ok(self.put(target, object))
    }

    fn replace_integration(
        &mut self,
        target: Target<'_>,
        body: &Value,
        manager: Manager,
    ) -> Result<Arc<Value>, Failure> {
        check_type(body)?;
        check_target(body, target)?;
        let live = self.present(target)?;
        let (uid, stored_uid) = (text(body, "/metadata/uid"), text(&live, "/metadata/uid"));
        if !uid.is_empty() && uid != stored_uid {
            return Err(Failure::replaces_other_uid(target.namespace, target.name, uid, stored_uid));
        }
        if text(body, "/metadata/resourceVersion").is_empty() {
            let message = "Invalid value: 0: must be specified for an update".to_owned();
            let error = ("metadata.resourceVersion", "FieldValueInvalid", message);
            let resource = (WAI.group(), WAI.plural());
            return Err(Failure::invalid(resource, target.name, &[error]));
        }
        self.update_integration(target, &live, body, manager)
    }

    fn merge_integration(
        &mut self,
        target: Target<'_>,
        patch: &Value,
        manager: Manager,
    ) -> Result<Arc<Value>, Failure> {
        let live = self.present(target)?;
        let mut proposed = Value::clone(&live);
        merge_patch(&mut proposed, patch);
        check_type(&proposed)?;
        check_target(&proposed, target)?;
        let uid = text(&proposed, "/metadata/uid");
        if !target.is_status && !uid.is_empty() && uid != text(&live, "/metadata/uid") {
            let error = ("metadata.uid", "FieldValueInvalid", format!("Invalid value: \"{uid}\": field is immutable"));
            // A real server finds this twice.
            return Err(Failure::invalid(GROUP_AND_KIND, target.name, &[error.clone(), error]));
        }
        self.update_integration(target, &live, &proposed, manager)
    }

    /// Stores what an ordinary write proposes: the status alone, or everything but the status.
    fn update_integration(
        &mut self,
        target: Target<'_>,
        live: &Arc<Value>,
        proposed: &Value,
        manager: Manager,
    ) -> Result<Arc<Value>, Failure> {
        check_revision(proposed, live, target.name)?;
        let mut next = if target.is_status {
            with_status(live, proposed.get("status"))
        } else {
            let mut next = with_status(proposed, live.get("status"));
            for field in SYSTEM_METADATA {
                next["metadata"][field] = live["metadata"][field].clone();
            }
            if without_metadata(&next) != without_metadata(live) {
                let generation = live["metadata"]["generation"].as_i64().unwrap_or_default();
                next["metadata"]["generation"] = (generation + 1).into();
            }
            next
        };
        let view = if target.is_status { status_view } else { main_view };
        let mut ownership = Ownership::read(live);
        ownership.update(&view(live), &view(&next), manager, &self.time());
        ownership.write(&mut next);
        Ok(self.put_if_changed(target, live, next))
    }

    /// Server-side apply of the status.
    ///
    /// As on a real server, `metadata.resourceVersion` in the body is a precondition and `metadata.uid` is not: the
    /// status endpoint takes all metadata from the stored object before anything compares them.
    fn apply_status(&mut self, line: &RequestLine, target: Target<'_>, body: &Value) -> Result<Arc<Value>, Failure> {
        let Some(name) = line.field_manager() else {
            let message = "Required value: is required for apply patch".to_owned();
            let error = ("fieldManager", "FieldValueRequired", message);
            return Err(Failure::invalid(("meta.k8s.io", "PatchOptions"), "", &[error]));
        };
        let live = self.present(target)?;
        let (version, kind) = (text(body, "/apiVersion"), text(body, "/kind"));
        if version != WAI.api_version() || kind != WAI.kind() {
            let version = if version.is_empty() { "/" } else { version };
            return Err(Failure::bad_request(format!("invalid object type: {version}, Kind={kind}")));
        }
        if body.pointer("/metadata/managedFields").is_some_and(|entries| !entries.is_null()) {
            return Err(Failure::bad_request("metadata.managedFields must be nil"));
        }
        check_target(body, target)?;
        let manager = Manager { operation: "Apply", name: name.to_owned(), subresource: "status".to_owned() };
        let mut ownership = Ownership::read(&live);
        let now = self.time();
        let merged = ownership.apply(&status_view(&live), &status_view(body), &manager, line.flag("force"), &now)?;
        check_revision(body, &live, target.name)?;
        let mut next = with_status(&live, merged.get("status"));
        ownership.write(&mut next);
        Ok(self.put_if_changed(target, &live, next))
    }

    /// Removes the object at once; there are no finalizers and no grace period.
    fn delete_integration(&mut self, target: Target<'_>, options: &Value) -> Result<Answer, Failure> {
        let live = self.present(target)?;
        let (wanted, uid) = (text(options, "/preconditions/uid"), text(&live, "/metadata/uid"));
        if !wanted.is_empty() && wanted != uid {
            return Err(Failure::deletes_other_uid(target.name, wanted, uid));
        }
        self.store.remove(&target.key());
        self.watches.deliver(&self.store);
        let status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {
                "name": target.name,
                "group": WAI.group(),
                "kind": WAI.plural(),
                "uid": uid,
            },
        });
        Ok(Answer::Response(answer::json_response(StatusCode::OK, &status)))
    }

    pub(super) fn put(&mut self, target: Target<'_>, object: Value) -> Arc<Value> {
        let object = self.store.put(&target.key(), object);
        self.watches.deliver(&self.store);
        object
    }

    /// A write that changes nothing leaves the resourceVersion alone and no watch hears of it.
    fn put_if_changed(&mut self, target: Target<'_>, live: &Arc<Value>, next: Value) -> Arc<Value> {
        if **live == next { Arc::clone(live) } else { self.put(target, next) }
    }
}

/// The default of the whole status in the schema.
fn initial_status() -> Value {
    json!({ "observedGeneration": -1 })
}

fn manager(line: &RequestLine, headers: &HeaderMap, operation: &'static str) -> Manager {
    let agent = headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("unknown");
    let agent = agent.split('/').next().unwrap_or_default();
    let name = line.field_manager().unwrap_or(agent).to_owned();
    Manager { operation, name, subresource: line.subresource.clone().unwrap_or_default() }
}

fn text<'value>(object: &'value Value, pointer: &str) -> &'value str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn check_type(body: &Value) -> Result<(), Failure> {
    if body.get("metadata").is_some_and(|metadata| !metadata.is_object()) {
        return Err(Failure::bad_request("metadata is not an object"));
    }
    let (version, kind) = (text(body, "/apiVersion"), text(body, "/kind"));
    if version != WAI.api_version() {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            WAI.api_version(),
        )));
    }
    if kind != WAI.kind() {
        let message = format!("Invalid value: \"{kind}\": must be {}", WAI.kind());
        let name = text(body, "/metadata/name");
        return Err(Failure::invalid((WAI.group(), kind), name, &[("kind", "FieldValueInvalid", message)]));
    }
    Ok(())
}

fn check_namespace(body: &Value, namespace: &str) -> Result<(), Failure> {
    let own = text(body, "/metadata/namespace");
    if own.is_empty() || own == namespace {
        return Ok(());
    }
    let message = "the namespace of the provided object does not match the namespace sent on the request";
    Err(Failure::bad_request(message))
}

fn check_target(body: &Value, target: Target<'_>) -> Result<(), Failure> {
    let name = text(body, "/metadata/name");
    if !name.is_empty() && name != target.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    check_namespace(body, target.namespace)
}

fn check_revision(body: &Value, live: &Value, name: &str) -> Result<(), Failure> {
    let revision = text(body, "/metadata/resourceVersion");
    if revision.is_empty() || revision == text(live, "/metadata/resourceVersion") {
        return Ok(());
    }
    Err(Failure::modified(name))
}

/// The object with another status; the schema's default if there is none.
fn with_status(object: &Value, status: Option<&Value>) -> Value {
    let mut object = object.clone();
    object["status"] = status.filter(|status| !status.is_null()).cloned().unwrap_or_else(initial_status);
    object
}

fn status_view(object: &Value) -> Value {
    match object.get("status") {
        Some(status) => json!({ "status": status }),
        None => json!({}),
    }
}

fn main_view(object: &Value) -> Value {
    let mut fields: Map<String, Value> = object.as_object().cloned().unwrap_or_default();
    for field in ["apiVersion", "kind", "status"] {
        fields.remove(field);
    }
    let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        for field in SYSTEM_METADATA {
            metadata.remove(field);
        }
    }
    Value::Object(fields)
}

fn without_metadata(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"] = Value::Null;
    object
}

/// [RFC 7386](https://www.rfc-editor.org/rfc/rfc7386).
fn merge_patch(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        if value.is_null() {
            if let Some(fields) = target.as_object_mut() {
                fields.remove(name);
            }
        } else {
            merge_patch(&mut target[name.as_str()], value);
        }
    }
}
