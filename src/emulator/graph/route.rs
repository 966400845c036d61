//! From a path to the module of its noun.

use super::super::answer::Answer;
use super::super::context::{Context, GraphRequest};
use super::super::error::Refusal;
use super::super::odata::Segment;
use super::super::{
    app_role_assignment, application, deleted_item, directory_audit, oauth2_permission_grant, organization,
    service_principal, synchronization,
};
use super::Key;

/// Segments that are no objects and that Graph would answer; in lower case.
const UNBUILT_OPERATIONS: [&str; 6] = ["$count", "$metadata", "$ref", "$value", "delta", "getbyids"];

/// Sends a request to the module of its noun.
pub(super) fn route(context: &mut Context<'_>, request: &GraphRequest) -> Result<Answer, Refusal> {
    let lower =
        |name: &str| name.to_ascii_lowercase().trim_end_matches("()").trim_start_matches("microsoft.graph.").to_owned();
    let names: Vec<String> = request.segments.iter().map(|segment| lower(&segment.name)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some((first, rest)) = names.split_first() else {
        return Err(Refusal::not_built("the service document"));
    };
    if let Some(operation) = names.iter().find(|name| UNBUILT_OPERATIONS.contains(name)) {
        return Err(Refusal::not_built(operation));
    }
    let key = request.segments.first().and_then(|segment| segment.key.as_ref());
    // An object is named by its id in a segment of its own, or by a key in parentheses.
    let (object, rest) = match key {
        Some((name, value)) => (Some(Key { name, value }), rest),
        None => match request.segments.get(1) {
            Some(Segment { name, .. }) if matches!(*first, "serviceprincipals" | "applications") => {
                (Some(Key { name: "id", value: name }), rest.get(1..).unwrap_or_default())
            }
            _ => (None, rest),
        },
    };
    match *first {
        "serviceprincipals" => route_principal(context, request, object, rest),
        "applications" => application::answer(context, request, object, rest),
        "oauth2permissiongrants" => oauth2_permission_grant::answer(context, request, &rest_of(request)),
        "directory" => deleted_item::answer(context, request, rest),
        "auditlogs" => directory_audit::answer(context, request, &rest_of(request)),
        "organization" => organization::answer(context, request, rest),
        "directoryobjects" | "domains" | "subscriptions" | "applicationtemplates" | "users" | "groups" | "me" => {
            Err(Refusal::not_built(&format!("/{first}")))
        }
        _ => Err(Refusal::odata(format!("Resource not found for the segment '{}'.", segment_name(request, 0)))),
    }
}

fn route_principal(
    context: &mut Context<'_>,
    request: &GraphRequest,
    object: Option<Key<'_>>,
    rest: &[&str],
) -> Result<Answer, Refusal> {
    let Some(key) = object else {
        return service_principal::answer_list(context, request);
    };
    let id = || request.segments.last().map(|segment| segment.name.clone()).unwrap_or_default();
    match rest {
        [] => service_principal::answer(context, request, key),
        ["approleassignments"] => {
            app_role_assignment::answer_list(context, request, key, app_role_assignment::End::Principal)
        }
        ["approleassignedto"] => {
            app_role_assignment::answer_list(context, request, key, app_role_assignment::End::Resource)
        }
        ["approleassignments", _] => {
            app_role_assignment::answer(context, request, key, app_role_assignment::End::Principal, &id())
        }
        ["approleassignedto", _] => {
            app_role_assignment::answer(context, request, key, app_role_assignment::End::Resource, &id())
        }
        ["oauth2permissiongrants"] => oauth2_permission_grant::answer_of_principal(context, request, key),
        ["synchronization", "jobs"] => synchronization::answer(context, request, key, None),
        ["synchronization", "jobs", _] => synchronization::answer(context, request, key, Some(&id())),
        [first, ..] => Err(Refusal::not_built(&format!("/servicePrincipals/{{id}}/{first}"))),
    }
}

/// The segments after the first, in their own spelling.
fn rest_of(request: &GraphRequest) -> Vec<&str> {
    request.segments.iter().skip(1).map(|segment| segment.name.as_str()).collect()
}

fn segment_name(request: &GraphRequest, index: usize) -> &str {
    request.segments.get(index).map(|segment| segment.name.as_str()).unwrap_or_default()
}
