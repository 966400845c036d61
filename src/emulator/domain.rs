//! `/domains`: the verified names of the tenant, reading only.
//! <https://learn.microsoft.com/graph/api/resources/domain>

use serde_json::{Value, json};

use super::answer::Answer;
use super::collection;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, text};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::permission::{self, Access};
use super::schema::{EntityType, Kind};

const DOMAIN: EntityType = EntityType {
    name: "microsoft.graph.domain",
    set: "domains",
    resource: "Domain",
    properties: &[
        ("id", Kind::Text),
        ("authenticationType", Kind::Text),
        ("availabilityStatus", Kind::Text),
        ("isAdminManaged", Kind::Flag),
        ("isDefault", Kind::Flag),
        ("isInitial", Kind::Flag),
        ("isRoot", Kind::Flag),
        ("isVerified", Kind::Flag),
        ("manufacturer", Kind::Text),
        ("model", Kind::Text),
        ("passwordNotificationWindowInDays", Kind::Other),
        ("passwordValidityPeriodInDays", Kind::Other),
        ("state", Kind::Other),
        ("supportedServices", Kind::Other),
    ],
    filterable: &[],
    index_only: &[],
};

/// The operations on domains.
pub(super) const ROUTES: &[Route] = &[Route::get("domains", list), Route::get("domains/{}", get)];

fn list(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadDomains)?;
    collection::page(context, request, &DOMAIN, rows(context))
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadDomains)?;
    let id = named.key(0).value;
    let row = rows(context).into_iter().find(|row| text(row, "id").eq_ignore_ascii_case(id));
    collection::single(context, request, &DOMAIN, row.ok_or_else(|| Refusal::not_found(id))?)
}

/// All of a scenario's domains are verified and managed; the first is the default one.
fn rows(context: &Context<'_>) -> Vec<Properties> {
    let row = |(index, name): (usize, &String)| {
        let row = json!({
            "id": name,
            "authenticationType": "Managed",
            "availabilityStatus": null,
            "isAdminManaged": true,
            "isDefault": index == 0,
            "isInitial": name.ends_with(".onmicrosoft.com"),
            "isRoot": true,
            "isVerified": true,
            "manufacturer": null,
            "model": null,
            "passwordNotificationWindowInDays": 14,
            "passwordValidityPeriodInDays": 90,
            "state": null,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        });
        if let Value::Object(row) = row { row } else { Properties::new() }
    };
    context.tenant.domains.iter().enumerate().map(row).collect()
}
