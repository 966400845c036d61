//! `/servicePrincipals/{id}/delegatedPermissionClassifications`: which delegated permissions people may consent to.
//! <https://learn.microsoft.com/graph/api/resources/delegatedpermissionclassification>

use serde_json::Value;

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, elements, text, text_of};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::permission::{self, Access};
use super::replica::View;
use super::schema::{EntityType, Kind};
use super::{collection, identifier, service_principal};

/// The operations on classifications.
pub(super) const ROUTES: &[Route] = &[
    Route::get("serviceprincipals/{}/delegatedpermissionclassifications", list),
    Route::post("serviceprincipals/{}/delegatedpermissionclassifications", post),
    Route::delete("serviceprincipals/{}/delegatedpermissionclassifications/{}", delete),
];

static ENTITY: EntityType = EntityType {
    name: "microsoft.graph.delegatedPermissionClassification",
    set: "delegatedPermissionClassifications",
    resource: "DelegatedPermissionClassification",
    properties: &[
        ("id", Kind::Text),
        ("classification", Kind::Text),
        ("permissionId", Kind::Text),
        ("permissionName", Kind::Text),
    ],
    filterable: &[],
    index_only: &[],
};

/// Each as a number, which ends the id of a classification.
const CLASSIFICATIONS: [(&str, u8); 3] = [("low", 1), ("medium", 2), ("high", 3)];

fn list(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, _) = service_principal::readable(context, named.key(0))?;
    let rows = context.tenant.permission_classifications.get(&id).cloned().unwrap_or_default();
    collection::page(context, request, &ENTITY, rows)
}

fn post(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::WritePermissionClassifications)?;
    let (id, principal) = service_principal::find(context, named.key(0), View::Truth)?;
    let wish = ENTITY.changes(request.object()?, &["classification", "permissionId", "permissionName"])?;
    let row = classified(&principal, &wish.into_iter().collect())?;
    let rows = context.tenant.permission_classifications.entry(id).or_default();
    if rows.iter().any(|own| text(own, "permissionId") == text(&row, "permissionId")) {
        return Err(Refusal::bad_request("The permission is already classified."));
    }
    rows.push(row.clone());
    Ok(collection::created(context, &ENTITY, row))
}

fn delete(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::WritePermissionClassifications)?;
    let (id, _) = service_principal::find(context, named.key(0), View::Truth)?;
    let own = named.key(1).value;
    let rows = context.tenant.permission_classifications.entry(id).or_default();
    let before = rows.len();
    rows.retain(|row| text(row, "id") != own);
    if rows.len() == before { Err(Refusal::not_found(own)) } else { Ok(Answer::no_content()) }
}

/// The row of a classification: its permission is one of the principal's own, by id, and by name if one is given.
fn classified(principal: &Properties, wish: &Properties) -> Result<Properties, Refusal> {
    let (permission_id, given) = (text(wish, "permissionId"), text(wish, "permissionName"));
    if permission_id.is_empty() {
        return Err(invalid("permissionId"));
    }
    let scope = elements(principal, "oauth2PermissionScopes")
        .iter()
        .find(|scope| text_of(scope, "id").eq_ignore_ascii_case(permission_id))
        .ok_or_else(|| invalid("permissionId"))?;
    let name = text_of(scope, "value");
    if !given.is_empty() && given != name {
        return Err(invalid("permissionName"));
    }
    let classification = text(wish, "classification");
    let (_, number) =
        CLASSIFICATIONS.iter().find(|(name, _)| *name == classification).ok_or_else(|| invalid("classification"))?;
    let permission_id = text_of(scope, "id");
    let members = [
        ("id", identifier::classification(permission_id, *number)),
        ("permissionId", permission_id.to_owned()),
        ("permissionName", name.to_owned()),
        ("classification", classification.to_owned()),
    ];
    Ok(members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect())
}

fn invalid(name: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid value specified for property '{name}' of resource '{}'.", ENTITY.resource))
}
