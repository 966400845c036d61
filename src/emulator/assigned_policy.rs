//! The policies that a principal may have been assigned. The emulator has none, so that each list is empty.
//! <https://learn.microsoft.com/graph/api/serviceprincipal-list-homerealmdiscoverypolicies>

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::permission::{self, Access};
use super::schema::{EntityType, Kind};
use super::{collection, service_principal};

/// One list for each kind of policy.
pub(super) const ROUTES: &[Route] = &[
    Route::get("serviceprincipals/{}/claimsmappingpolicies", |context, request, named| {
        none(context, request, named, &CLAIMS_MAPPING)
    }),
    Route::get("serviceprincipals/{}/homerealmdiscoverypolicies", |context, request, named| {
        none(context, request, named, &HOME_REALM_DISCOVERY)
    }),
    Route::get("serviceprincipals/{}/tokenissuancepolicies", |context, request, named| {
        none(context, request, named, &TOKEN_ISSUANCE)
    }),
    Route::get("serviceprincipals/{}/tokenlifetimepolicies", |context, request, named| {
        none(context, request, named, &TOKEN_LIFETIME)
    }),
];

static CLAIMS_MAPPING: EntityType =
    policy("microsoft.graph.claimsMappingPolicy", "Collection(microsoft.graph.claimsMappingPolicy)");
static HOME_REALM_DISCOVERY: EntityType =
    policy("microsoft.graph.homeRealmDiscoveryPolicy", "Collection(microsoft.graph.homeRealmDiscoveryPolicy)");
static TOKEN_ISSUANCE: EntityType =
    policy("microsoft.graph.tokenIssuancePolicy", "Collection(microsoft.graph.tokenIssuancePolicy)");
static TOKEN_LIFETIME: EntityType =
    policy("microsoft.graph.tokenLifetimePolicy", "Collection(microsoft.graph.tokenLifetimePolicy)");

const fn policy(name: &'static str, set: &'static str) -> EntityType {
    EntityType {
        name,
        set,
        resource: "Policy",
        properties: &[
            ("id", Kind::Text),
            ("deletedDateTime", Kind::Moment),
            ("definition", Kind::Other),
            ("description", Kind::Text),
            ("displayName", Kind::Text),
            ("isOrganizationDefault", Kind::Flag),
        ],
        filterable: &["id"],
        index_only: &[],
    }
}

fn none(
    context: &mut Context<'_>,
    request: &GraphRequest,
    named: &Named<'_>,
    entity: &EntityType,
) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadAssignedPolicies)?;
    service_principal::find(context, named.key(0), context.view)?;
    collection::page(context, request, entity, Vec::new())
}
