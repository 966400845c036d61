//! Requests: what a path, a query and a content type ask for.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use http::{HeaderMap, Method, header, request::Parts};
use jiff::Timestamp;
use serde_json::Value;

/// Content type of a server-side apply.
pub const APPLY_PATCH: &str = "application/apply-patch+yaml";
/// Content type of a JSON merge patch.
pub const MERGE_PATCH: &str = "application/merge-patch+json";

/// A resource that the server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// `webexazureintegrations.webexazure.dev`.
    Integrations,
    /// `secrets`.
    Secrets,
    /// `events.events.k8s.io`.
    Events,
}

impl Resource {
    /// The API group; empty for the core group.
    pub fn group(self) -> &'static str {
        match self {
            Self::Integrations => "webexazure.dev",
            Self::Secrets => "",
            Self::Events => "events.k8s.io",
        }
    }

    /// The name in paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Integrations => "webexazureintegrations",
            Self::Secrets => "secrets",
            Self::Events => "events",
        }
    }

    /// The name in messages.
    pub fn qualified(self) -> String {
        if self.group().is_empty() { self.plural().to_owned() } else { format!("{}.{}", self.plural(), self.group()) }
    }

    /// The value of `apiVersion`.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Integrations => "webexazure.dev/v1alpha1",
            Self::Secrets => "v1",
            Self::Events => "events.k8s.io/v1",
        }
    }

    /// The value of `kind`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Integrations => "WebexAzureIntegration",
            Self::Secrets => "Secret",
            Self::Events => "Event",
        }
    }
}

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// GET of one object.
    Get,
    /// GET of a collection.
    List,
    /// GET of a collection that goes on.
    Watch,
    /// POST.
    Create,
    /// PUT.
    Replace,
    /// PATCH, all but server-side apply.
    Patch,
    /// PATCH, server-side apply.
    Apply,
    /// DELETE of one object.
    Delete,
    /// Anything else.
    Other,
}

impl Verb {
    /// Whether it asks for a change.
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }

    /// The word that RBAC uses.
    pub fn rbac(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Replace => "update",
            Self::Patch | Self::Apply => "patch",
            Self::Delete => "delete",
            Self::Other => "deletecollection",
        }
    }
}

/// A request without its body, as the fault hook and the log see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// Its place in the order of arrival, from 0.
    pub number: usize,
    /// When it arrived.
    pub at: Timestamp,
    /// The HTTP method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// What it wants to do.
    pub verb: Verb,
    /// What it is about; nothing for a path that the server does not have.
    pub resource: Option<Resource>,
    /// The namespace in the path.
    pub namespace: Option<String>,
    /// The object's name in the path.
    pub name: Option<String>,
    /// The subresource in the path.
    pub subresource: Option<String>,
}

impl RequestLine {
    pub(super) fn read(number: usize, at: Timestamp, parts: &Parts) -> Self {
        let path = parts.uri.path().to_owned();
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let (resource, rest) = split(&path);
        let [namespace, name, subresource] = rest.map(|segment| segment.map(str::to_owned));
        let verb = verb(&parts.method, &query, name.is_some(), content_type(&parts.headers));
        Self { number, at, method: parts.method.clone(), path, query, verb, resource, namespace, name, subresource }
    }

    /// The field manager that the request names.
    pub fn field_manager(&self) -> Option<&str> {
        self.query.get("fieldManager").map(String::as_str).filter(|manager| !manager.is_empty())
    }

    /// Whether a parameter of the query is `true`.
    pub fn flag(&self, parameter: &str) -> bool {
        self.query.get(parameter).is_some_and(|value| value == "true" || value == "1")
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{} {} {} {}", self.number, self.at, self.method, self.path)?;
        for (index, (parameter, value)) in self.query.iter().enumerate() {
            write!(formatter, "{}{parameter}={value}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

/// Resource, then namespace, name and subresource.
fn split(path: &str) -> (Option<Resource>, [Option<&str>; 3]) {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (resource, rest): (_, &[&str]) = match segments.as_slice() {
        ["apis", "webexazure.dev", "v1alpha1", "webexazureintegrations"] => {
            return (Some(Resource::Integrations), [None; 3]);
        }
        ["apis", "webexazure.dev", "v1alpha1", "namespaces", namespace, "webexazureintegrations", rest @ ..] => {
            ((Resource::Integrations, namespace), rest)
        }
        ["api", "v1", "namespaces", namespace, "secrets", rest @ ..] => ((Resource::Secrets, namespace), rest),
        ["apis", "events.k8s.io", "v1", "namespaces", namespace, "events", rest @ ..] => {
            ((Resource::Events, namespace), rest)
        }
        _ => return (None, [None; 3]),
    };
    let (resource, namespace) = resource;
    match *rest {
        [] => (Some(resource), [Some(*namespace), None, None]),
        [name] => (Some(resource), [Some(*namespace), Some(name), None]),
        [name, "status"] if resource == Resource::Integrations => {
            (Some(resource), [Some(*namespace), Some(name), Some("status")])
        }
        _ => (None, [None; 3]),
    }
}

fn verb(method: &Method, query: &BTreeMap<String, String>, named: bool, content_type: &str) -> Verb {
    let watches = query.get("watch").is_some_and(|watch| watch == "true" || watch == "1");
    match (method.as_str(), named) {
        ("GET", true) => Verb::Get,
        ("GET", false) if watches => Verb::Watch,
        ("GET", false) => Verb::List,
        ("POST", false) => Verb::Create,
        ("PUT", true) => Verb::Replace,
        ("PATCH", true) if content_type == APPLY_PATCH => Verb::Apply,
        ("PATCH", true) => Verb::Patch,
        ("DELETE", true) => Verb::Delete,
        _ => Verb::Other,
    }
}

/// The content type without parameters.
pub(super) fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// The body as JSON; null if there is none, the parser's words if it cannot be read.
pub(super) fn read_body(headers: &HeaderMap, body: &Bytes) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    match serde_json::from_slice(body) {
        Err(_) if content_type(headers) == APPLY_PATCH => {
            let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
            serde_saphyr::from_str(text).map_err(|error| error.to_string())
        }
        result => result.map_err(|error| error.to_string()),
    }
}
