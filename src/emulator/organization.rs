//! `/organization`: the tenant itself.

use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::Properties;
use super::error::Refusal;
use super::permission::{self, Access};
use super::schema::{EntityType, Kind};
use super::{collection, is_read};

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

/// Answers `/organization` and `/organization/{id}`.
pub(super) fn answer(context: &mut Context<'_>, request: &GraphRequest, rest: &[&str]) -> Result<Answer, Refusal> {
    if !is_read(&request.method) {
        return Err(Refusal::not_built("writing to /organization"));
    }
    permission::require(context, Access::ReadOrganization)?;
    let row = row(context);
    match rest {
        [] => collection::page(context, request, &ORGANIZATION, vec![row]),
        [id] if id.eq_ignore_ascii_case(&context.tenant.id) => collection::single(context, request, &ORGANIZATION, row),
        [id] => Err(Refusal::not_found(id)),
        [..] => Err(Refusal::not_built("this path under /organization")),
    }
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
