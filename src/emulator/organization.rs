//! `/organization`: the tenant itself.

use serde_json::{Value, json};

use super::answer::Answer;
use super::collection;
use super::context::{Context, GraphRequest};
use super::directory::Properties;
use super::error::Refusal;
use super::graph::{Named, Route};
use super::permission::{self, Access};
use super::schema::{EntityType, Kind};

const ORGANIZATION: EntityType = EntityType {
    name: "microsoft.graph.organization",
    set: "organization",
    resource: "Organization",
    properties: &[
        ("id", Kind::Text),
        ("deletedDateTime", Kind::Moment),
        ("displayName", Kind::Text),
        ("tenantType", Kind::Text),
        ("verifiedDomains", Kind::Other),
    ],
    filterable: &[],
    index_only: &[],
};

/// The operations on the tenant.
pub(super) const ROUTES: &[Route] = &[Route::get("organization", list), Route::get("organization/{}", get)];

fn list(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadOrganization)?;
    collection::page(context, request, &ORGANIZATION, vec![row(context)])
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadOrganization)?;
    let id = named.key(0).value;
    if !id.eq_ignore_ascii_case(&context.tenant.id) {
        return Err(Refusal::not_found(id));
    }
    collection::single(context, request, &ORGANIZATION, row(context))
}

fn row(context: &Context<'_>) -> Properties {
    let domains: Vec<Value> = context
        .tenant
        .domains
        .iter()
        .enumerate()
        .map(|(index, name)| {
            json!({"capabilities": "Email", "isDefault": index == 0, "isInitial": index == 0, "name": name, "type": "Managed"})
        })
        .collect();
    let row = json!({
        "id": context.tenant.id,
        "deletedDateTime": null,
        "displayName": context.tenant.display_name,
        "tenantType": "AAD",
        "verifiedDomains": domains,
    });
    if let Value::Object(row) = row { row } else { Properties::new() }
}
