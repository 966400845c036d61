//! From a path to the operation of its noun. Each noun lists its own operations; what is listed nowhere is either
//! known to Graph and not built here, or unknown to Graph.

use http::Method;

use super::super::answer::Answer;
use super::super::context::{Context, GraphRequest};
use super::super::error::Refusal;
use super::super::odata::Segment;
use super::super::{
    app_role_assignment, application, application_template, assigned_policy, deleted_item, delta, directory_audit,
    directory_object, domain, federated_identity_credential, is_read, oauth2_permission_grant, organization, owner,
    password, permission_classification, provisioning_log, service_principal, synchronization, token_signing,
};

/// How an object is named: by `id`, or by an alternate key.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Key<'a> {
    pub(in super::super) name: &'a str,
    pub(in super::super) value: &'a str,
}

/// The objects that a path names, in its order.
#[derive(Debug, Clone)]
pub(in super::super) struct Named<'a>(Vec<Key<'a>>);

impl<'a> Named<'a> {
    /// The n-th object. A pattern has as many names as its operation asks for.
    pub(in super::super) fn key(&self, index: usize) -> Key<'a> {
        self.0.get(index).copied().unwrap_or(Key { name: "id", value: "" })
    }
}

/// What answers an operation.
pub(in super::super) type Operation = fn(&mut Context<'_>, &GraphRequest, &Named<'_>) -> Result<Answer, Refusal>;

/// One operation: a method, a path in lower case in which `{}` stands for an object, and what answers it.
#[derive(Debug)]
pub(in super::super) struct Route {
    method: Method,
    pattern: &'static str,
    operation: Operation,
}

impl Route {
    /// A read; `HEAD` is answered by it as well.
    pub(in super::super) const fn get(pattern: &'static str, operation: Operation) -> Self {
        Self { method: Method::GET, pattern, operation }
    }

    /// A creation or an action.
    pub(in super::super) const fn post(pattern: &'static str, operation: Operation) -> Self {
        Self { method: Method::POST, pattern, operation }
    }

    /// A replacement.
    pub(in super::super) const fn put(pattern: &'static str, operation: Operation) -> Self {
        Self { method: Method::PUT, pattern, operation }
    }

    /// A change.
    pub(in super::super) const fn patch(pattern: &'static str, operation: Operation) -> Self {
        Self { method: Method::PATCH, pattern, operation }
    }

    /// A removal.
    pub(in super::super) const fn delete(pattern: &'static str, operation: Operation) -> Self {
        Self { method: Method::DELETE, pattern, operation }
    }

    fn answers(&self, method: &Method) -> bool {
        self.method == *method || (self.method == Method::GET && is_read(method))
    }
}

/// The operations of every noun.
const NOUNS: &[&[Route]] = &[
    service_principal::ROUTES,
    app_role_assignment::ROUTES,
    oauth2_permission_grant::ROUTES,
    synchronization::ROUTES,
    application::ROUTES,
    application_template::ROUTES,
    deleted_item::ROUTES,
    directory_audit::ROUTES,
    provisioning_log::ROUTES,
    organization::ROUTES,
    directory_object::ROUTES,
    domain::ROUTES,
    password::ROUTES,
    delta::ROUTES,
    owner::ROUTES,
    token_signing::ROUTES,
    federated_identity_credential::ROUTES,
    assigned_policy::ROUTES,
    permission_classification::ROUTES,
];

/// First segments that Graph knows, in lower case; what lies under them and is routed nowhere is not built.
const KNOWN: &[&str] = &[
    "$metadata",
    "applications",
    "applicationtemplates",
    "auditlogs",
    "directory",
    "directoryobjects",
    "domains",
    "groups",
    "me",
    "oauth2permissiongrants",
    "organization",
    "serviceprincipals",
    "subscriptions",
    "users",
];

/// Functions and actions on collections: never the id of an object.
const FUNCTIONS: [&str; 2] = ["delta", "getbyids"];

/// A piece of a path: a name in lower case, or an object's key.
enum Piece<'a> {
    Name { lower: String, value: &'a str },
    Key(Key<'a>),
}

/// Sends a request to the operation it names.
pub(super) fn route(context: &mut Context<'_>, request: &GraphRequest) -> Result<Answer, Refusal> {
    let pieces: Vec<Piece<'_>> = request.segments.iter().flat_map(pieces).collect();
    let matching = NOUNS.iter().copied().flatten().filter_map(|route| Some((route, named(route.pattern, &pieces)?)));
    let matching: Vec<(&Route, Named<'_>)> = matching.collect();
    // `deletedItems/microsoft.graph.application` is a name before it is an id.
    let fewest = matching.iter().map(|(_, named)| named.0.len()).min();
    let mut of_path = matching.iter().filter(|(_, named)| Some(named.0.len()) == fewest);
    if let Some((route, named)) = of_path.clone().find(|(route, _)| route.answers(&request.method)) {
        return (route.operation)(context, request, named);
    }
    if of_path.next().is_some() {
        return Err(Refusal::method_not_allowed());
    }
    if let Some((last, list)) = pieces.split_last().filter(|(last, _)| last.lower() == "$count") {
        return count(context, request, list).unwrap_or_else(|| Err(Refusal::not_built(last.lower())));
    }
    let first = pieces.first().map(Piece::lower).unwrap_or_default();
    if first.is_empty() {
        return Err(Refusal::not_built("the service document"));
    }
    if KNOWN.contains(&first) {
        return Err(Refusal::not_built(&request.path));
    }
    let name = request.segments.first().map(|segment| segment.name.as_str()).unwrap_or_default();
    Err(Refusal::odata(format!("Resource not found for the segment '{name}'.")))
}

/// `/$count` behind a list: how many rows the list has, if it is one.
fn count(context: &mut Context<'_>, request: &GraphRequest, list: &[Piece<'_>]) -> Option<Result<Answer, Refusal>> {
    let lists = NOUNS.iter().copied().flatten().filter(|route| !route.pattern.ends_with("{}"));
    let (route, named) = lists
        .filter_map(|route| Some((route, named(route.pattern, list)?)))
        .find(|(route, _)| route.answers(&Method::GET))?;
    if !is_read(&request.method) {
        return Some(Err(Refusal::method_not_allowed()));
    }
    let mut request = request.clone();
    request.query.is_count_segment = true;
    Some((route.operation)(context, &request, &named))
}

impl Piece<'_> {
    fn lower(&self) -> &str {
        match self {
            Self::Name { lower, .. } => lower,
            Self::Key(_) => "",
        }
    }
}

/// `servicePrincipals(appId='…')` is a name and a key; types may be spelled with or without their namespace.
fn pieces(segment: &Segment) -> impl Iterator<Item = Piece<'_>> {
    let lower = segment.name.to_ascii_lowercase();
    let lower = lower.trim_end_matches("()");
    let lower = lower.strip_prefix("microsoft.graph.").or_else(|| lower.strip_prefix("graph.")).unwrap_or(lower);
    let name = Piece::Name { lower: lower.to_owned(), value: &segment.name };
    let key = segment.key.as_ref().map(|(name, value)| Piece::Key(Key { name, value }));
    std::iter::once(name).chain(key)
}

/// Whether a segment without parentheses may be an id: system names and casts to a type are none.
fn is_id(segment: &str) -> bool {
    let begins = |start: &str| segment.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    !["$", "microsoft.graph.", "graph."].into_iter().any(begins)
}

/// The objects a path names, if it has this pattern.
fn named<'a>(pattern: &str, pieces: &[Piece<'a>]) -> Option<Named<'a>> {
    let mut named = Vec::new();
    let mut rest = pieces.iter();
    for part in pattern.split('/') {
        match (part, rest.next()?) {
            ("{}", Piece::Key(key)) => named.push(*key),
            ("{}", Piece::Name { lower, value }) if is_id(value) && !FUNCTIONS.contains(&lower.as_str()) => {
                named.push(Key { name: "id", value });
            }
            (part, Piece::Name { lower, .. }) if part == lower => {}
            (_, Piece::Name { .. } | Piece::Key(_)) => return None,
        }
    }
    rest.next().is_none().then_some(Named(named))
}
