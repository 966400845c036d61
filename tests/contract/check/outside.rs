//! Operations that the reference pages have and the published subset has not: checked by the type they answer with.

use serde_json::{Map, Value, json};

use super::operation::{Body, Operation};

/// What such an operation answers.
#[derive(Debug, Clone, Copy)]
enum Answers {
    List(&'static str),
    One(&'static str),
    Count,
    References,
    Nothing,
}

use Answers::{Count, List, Nothing, One, References};

/// Method, path, what is answered, and the page that says so (below <https://learn.microsoft.com/graph/api/>).
const OUTSIDE: &[(&str, &str, Answers, &str)] = &[
    ("GET", "/servicePrincipals/{id}/ownedObjects", List("directoryObject"), "serviceprincipal-list-ownedobjects"),
    ("GET", "/servicePrincipals/{id}/createdObjects", List("directoryObject"), "serviceprincipal-list-createdobjects"),
    ("GET", "/servicePrincipals/{id}/memberOf", List("directoryObject"), "serviceprincipal-list-memberof"),
    (
        "GET",
        "/servicePrincipals/{id}/transitiveMemberOf",
        List("directoryObject"),
        "serviceprincipal-list-transitivememberof",
    ),
    ("GET", "/servicePrincipals/{id}/ownedObjects/$count", Count, "serviceprincipal-list-ownedobjects"),
    ("GET", "/servicePrincipals/{id}/createdObjects/$count", Count, "serviceprincipal-list-createdobjects"),
    ("GET", "/servicePrincipals/{id}/owners/$count", Count, "serviceprincipal-list-owners"),
    ("GET", "/servicePrincipals/{id}/owners/$ref", References, "serviceprincipal-list-owners"),
    ("GET", "/applications/{id}/owners/$ref", References, "application-list-owners"),
    ("POST", "/servicePrincipals/{id}/owners/$ref", Nothing, "serviceprincipal-post-owners"),
    ("DELETE", "/servicePrincipals/{id}/owners/{id}/$ref", Nothing, "serviceprincipal-delete-owners"),
    (
        "GET",
        "/servicePrincipals/{id}/homeRealmDiscoveryPolicies",
        List("homeRealmDiscoveryPolicy"),
        "serviceprincipal-list-homerealmdiscoverypolicies",
    ),
    (
        "GET",
        "/servicePrincipals/{id}/tokenIssuancePolicies",
        List("tokenIssuancePolicy"),
        "serviceprincipal-list-tokenissuancepolicies",
    ),
    (
        "GET",
        "/servicePrincipals/{id}/tokenLifetimePolicies",
        List("tokenLifetimePolicy"),
        "serviceprincipal-list-tokenlifetimepolicies",
    ),
    (
        "DELETE",
        "/servicePrincipals/{id}/delegatedPermissionClassifications/{id}",
        Nothing,
        "serviceprincipal-delete-delegatedpermissionclassifications",
    ),
    ("GET", "/applications/$count", Count, "application-list"),
    ("GET", "/applications/delta()", List("application"), "application-delta"),
    ("GET", "/applications/{id}/owners", List("directoryObject"), "application-list-owners"),
    ("GET", "/applications/{id}/owners/$count", Count, "application-list-owners"),
    ("POST", "/applications/{id}/owners/$ref", Nothing, "application-post-owners"),
    ("DELETE", "/applications/{id}/owners/{id}/$ref", Nothing, "application-delete-owners"),
    (
        "PUT",
        "/servicePrincipals/{id}/synchronization/jobs/{id}/schema",
        Nothing,
        "synchronization-synchronizationschema-update",
    ),
    ("POST", "/applications/{id}/addPassword", One("passwordCredential"), "application-addpassword"),
    ("POST", "/applications/{id}/removePassword", Nothing, "application-removepassword"),
    (
        "GET",
        "/applications/{id}/federatedIdentityCredentials",
        List("federatedIdentityCredential"),
        "application-list-federatedidentitycredentials",
    ),
    (
        "POST",
        "/applications/{id}/federatedIdentityCredentials",
        One("federatedIdentityCredential"),
        "application-post-federatedidentitycredentials",
    ),
    (
        "GET",
        "/applications/{id}/federatedIdentityCredentials/$count",
        Count,
        "application-list-federatedidentitycredentials",
    ),
    (
        "GET",
        "/applications/{id}/federatedIdentityCredentials/{id}",
        One("federatedIdentityCredential"),
        "federatedidentitycredential-get",
    ),
    (
        "PATCH",
        "/applications/{id}/federatedIdentityCredentials/{id}",
        One("federatedIdentityCredential"),
        "federatedidentitycredential-upsert",
    ),
    ("DELETE", "/applications/{id}/federatedIdentityCredentials/{id}", Nothing, "federatedidentitycredential-delete"),
    ("GET", "/directory/deletedItems/graph.application/$count", Count, "directory-deleteditems-list"),
    ("GET", "/directory/deletedItems/{id}/graph.application", One("application"), "directory-deleteditems-get"),
    ("GET", "/applicationTemplates/$count", Count, "applicationtemplate-list"),
    ("GET", "/domains/$count", Count, "domain-list"),
    ("GET", "/organization/$count", Count, "organization-list"),
    (
        "GET",
        "/applications/{id}/synchronization/templates",
        List("synchronizationTemplate"),
        "synchronization-synchronization-list-templates",
    ),
    (
        "GET",
        "/applications/{id}/synchronization/templates/{id}",
        One("synchronizationTemplate"),
        "synchronization-synchronizationtemplate-get",
    ),
    (
        "GET",
        "/servicePrincipals/{id}/synchronization/templates/{id}/schema",
        One("synchronizationSchema"),
        "synchronization-synchronizationschema-get",
    ),
];

/// They as operations; each is named by its method and path.
pub fn operations() -> impl Iterator<Item = Operation> {
    OUTSIDE.iter().map(|(method, path, answers, page)| {
        let body = match answers {
            Count => Body::Count,
            Nothing => Body::Nothing,
            References => {
                let address = json!({"type": "object", "properties": {"@odata.id": {"type": "string"}}});
                let list = json!({"type": "array", "items": address});
                Body::json(&Map::new(), json!({"type": "object", "properties": {"value": list}}))
            }
            One(entity) => Body::json(&Map::new(), reference(entity)),
            List(entity) => {
                let annotation = json!({"type": "string", "nullable": true});
                let schema = json!({"type": "object", "properties": {
                    "value": {"type": "array", "items": reference(entity)},
                    "@odata.count": {"type": "integer", "format": "int64"},
                    "@odata.nextLink": annotation,
                    "@odata.deltaLink": annotation,
                }});
                Body::json(&Map::new(), schema)
            }
        };
        Operation::described(&format!("outside of the description: {method} {path} ({page})"), method, path, body)
    })
}

fn reference(entity: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/microsoft.graph.{entity}")})
}
