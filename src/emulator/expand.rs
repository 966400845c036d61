//! `$expand`: one relationship of an object beside its properties.
//! <https://learn.microsoft.com/graph/query-parameters#expand>

use serde_json::Value;

use super::app_role_assignment::{self, End};
use super::context::Context;
use super::directory::{Properties, text};
use super::directory_object::{self, DIRECTORY_OBJECT};
use super::error::Refusal;
use super::federated_identity_credential;
use super::odata;
use super::schema::{self, EntityType};

/// "`$expand` typically returns a maximum of 20 items for the expanded relationship and has no `@odata.nextLink`."
const MAX_RELATED: usize = 20;

/// What the option asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expand {
    /// As sent.
    pub(super) relationship: String,
    /// `$select` in its parentheses.
    pub(super) select: Option<Vec<String>>,
}

/// A relationship that the emulator follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relationship {
    Owners,
    OwnedObjects,
    AppRoleAssignments,
    AppRoleAssignedTo,
    FederatedIdentityCredentials,
}

/// Whether the reference says of a relationship that it "supports `$expand`".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Support {
    Built(Relationship),
    NotBuilt,
    Undocumented,
}

use Support::{Built, NotBuilt, Undocumented};

/// <https://learn.microsoft.com/graph/api/resources/serviceprincipal#relationships>
const OF_PRINCIPAL: &[(&str, Support)] = &[
    ("appRoleAssignedTo", Built(Relationship::AppRoleAssignedTo)),
    ("appRoleAssignments", Built(Relationship::AppRoleAssignments)),
    ("ownedObjects", Built(Relationship::OwnedObjects)),
    ("owners", Built(Relationship::Owners)),
    ("claimsMappingPolicies", NotBuilt),
    ("federatedIdentityCredentials", NotBuilt),
    ("homeRealmDiscoveryPolicies", NotBuilt),
    ("memberOf", NotBuilt),
    ("appManagementPolicies", Undocumented),
    ("createdObjects", Undocumented),
    ("delegatedPermissionClassifications", Undocumented),
    ("endpoints", Undocumented),
    ("oauth2PermissionGrants", Undocumented),
    ("remoteDesktopSecurityConfiguration", Undocumented),
    ("synchronization", Undocumented),
    ("tokenIssuancePolicies", Undocumented),
    ("tokenLifetimePolicies", Undocumented),
    ("transitiveMemberOf", Undocumented),
];

/// <https://learn.microsoft.com/graph/api/resources/application#relationships>
const OF_APPLICATION: &[(&str, Support)] = &[
    ("owners", Built(Relationship::Owners)),
    ("extensionProperties", NotBuilt),
    ("federatedIdentityCredentials", Built(Relationship::FederatedIdentityCredentials)),
    ("appManagementPolicies", Undocumented),
    ("createdOnBehalfOf", Undocumented),
    ("homeRealmDiscoveryPolicies", Undocumented),
    ("synchronization", Undocumented),
    ("tokenIssuancePolicies", Undocumented),
    ("tokenLifetimePolicies", Undocumented),
];

/// Reads the option: a relationship, and `($select=…)` behind it.
pub(super) fn parse(value: &str) -> Result<Expand, Refusal> {
    let items = items(value);
    let [item] = items.as_slice() else {
        return Err(Refusal::odata(format!(
            "The result of parsing $expand contained at least {} items, but the maximum allowed is 1.",
            items.len()
        )));
    };
    let item = item.trim();
    let (relationship, options) = match item.split_once('(') {
        Some((relationship, rest)) => (relationship, Some(rest.strip_suffix(')').ok_or_else(|| bad_term(item))?)),
        None => (item, None),
    };
    if !odata::is_name(relationship) {
        return Err(bad_term(item));
    }
    let mut select = None;
    for option in options.unwrap_or_default().split(';').filter(|option| !option.trim().is_empty()) {
        let (name, value) = option.split_once('=').ok_or_else(|| bad_term(option))?;
        if !name.trim().eq_ignore_ascii_case("$select") || select.is_some() {
            // Several levels, filters and sizes inside are what directory objects are documented to lack.
            let name = name.trim();
            return Err(Refusal::odata(format!(
                "Parsing OData Select and Expand failed: The query option '{name}' is not supported inside $expand."
            )));
        }
        select = Some(odata::names(value)?);
    }
    Ok(Expand { relationship: relationship.to_owned(), select: select.flatten() })
}

fn bad_term(term: &str) -> Refusal {
    odata::bad_term(term)
}

/// The parts between commas that stand outside of parentheses.
fn items(value: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let split = |char: char| {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char == ',' && depth == 0
    };
    value.split(split).collect()
}

/// The declared name of a relationship that can be expanded, and what it leads to.
fn relationship(entity: &EntityType, name: &str) -> Result<(&'static str, Relationship), Refusal> {
    let table = if entity.name == schema::SERVICE_PRINCIPAL.name {
        OF_PRINCIPAL
    } else if entity.name == schema::APPLICATION.name {
        OF_APPLICATION
    } else {
        return Err(Refusal::not_built(&format!("$expand of {}", entity.set)));
    };
    match table.iter().find(|(declared, _)| declared.eq_ignore_ascii_case(name)) {
        Some((declared, Built(relationship))) => Ok((declared, *relationship)),
        Some((declared, NotBuilt)) => Err(Refusal::not_built(&format!("$expand={declared}"))),
        // The published refusal: https://learn.microsoft.com/graph/query-parameters#error-handling-for-query-parameters
        Some((declared, Undocumented)) => Err(Refusal {
            code: "ExpandNotSupported",
            ..Refusal::odata(format!("Expand is not allowed for property '{declared}' according to the entity schema."))
        }),
        None => Err(Refusal::odata(format!(
            "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{}'.",
            entity.name
        ))),
    }
}

/// Refuses what cannot be expanded. "`$expand` is not currently supported with advanced queries."
pub(super) fn check(entity: &EntityType, expand: &Expand, advanced: bool) -> Result<(), Refusal> {
    relationship(entity, &expand.relationship)?;
    if advanced {
        return Err(Refusal::unsupported_query("$expand is not supported with advanced queries."));
    }
    Ok(())
}

/// The type of what a relationship leads to.
pub(super) fn related_type(entity: &EntityType, expand: &Expand) -> Result<&'static EntityType, Refusal> {
    let (_, relationship) = relationship(entity, &expand.relationship)?;
    Ok(relationship.entity())
}

/// The name of the relationship and its first objects.
pub(super) fn related(
    context: &Context<'_>,
    entity: &EntityType,
    expand: &Expand,
    id: &str,
) -> Result<(&'static str, Vec<Properties>), Refusal> {
    let (name, relationship) = relationship(entity, &expand.relationship)?;
    let mut rows = relationship.rows(context, id);
    rows.truncate(MAX_RELATED);
    Ok((name, rows))
}

/// The object with its relationships of these names as lists of ids, which is what `owners/$count eq 0` looks at.
pub(super) fn counted(context: &Context<'_>, entity: &EntityType, names: &[&str], row: &Properties) -> Value {
    let mut row = row.clone();
    for name in names {
        if let Ok((declared, relationship)) = relationship(entity, name) {
            let related = relationship.rows(context, text(&row, "id"));
            let ids = related.iter().map(|related| Value::from(text(related, "id"))).collect();
            row.insert(declared.to_owned(), Value::Array(ids));
        }
    }
    Value::Object(row)
}

impl Relationship {
    fn entity(self) -> &'static EntityType {
        match self {
            Self::Owners | Self::OwnedObjects => &DIRECTORY_OBJECT,
            Self::AppRoleAssignments | Self::AppRoleAssignedTo => &schema::APP_ROLE_ASSIGNMENT,
            Self::FederatedIdentityCredentials => &schema::FEDERATED_IDENTITY_CREDENTIAL,
        }
    }

    fn rows(self, context: &Context<'_>, id: &str) -> Vec<Properties> {
        match self {
            Self::Owners => directory_object::owners_of(context, id),
            Self::OwnedObjects => directory_object::owned_by(context, id),
            Self::AppRoleAssignments => app_role_assignment::at(context, id, End::Principal),
            Self::AppRoleAssignedTo => app_role_assignment::at(context, id, End::Resource),
            Self::FederatedIdentityCredentials => federated_identity_credential::of_registration(context, id),
        }
    }
}
