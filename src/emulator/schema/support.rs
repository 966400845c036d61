//! Which operators a list understands for which property, and which of them only the index knows.
//! <https://learn.microsoft.com/graph/aad-advanced-queries>
//!
//! That page says of all properties: `in` works wherever `eq` does, `ne` and `not` are known to the index alone,
//! `endsWith` is for addresses of people only. Its tables say which properties need the index for `eq`, `startsWith`,
//! `ge`, `le` and `null`; the descriptions of the properties ("Supports $filter (eq, ne, not, in)") name more operators
//! than the tables do, and those are taken to need the index.

use super::super::error::Refusal;
use super::super::filter::{COUNT, Filter, Function, Literal, Operator};
use super::Kind::{Flag, Guid, Moment, Other, Text};
use super::{EntityType, Kind};

/// How many conditions may be joined by `or`, and how many values `in` takes without the index.
/// <https://learn.microsoft.com/graph/filter-query-parameter#operators-and-functions-supported-in-filter-expressions>
const MAX_ALTERNATIVES: usize = 15;

/// Operators of one path: without the index, and with it in addition.
struct Support {
    kind: &'static str,
    path: &'static str,
    plain: &'static [&'static str],
    indexed: &'static [&'static str],
}

const fn on(
    kind: &'static str,
    path: &'static str,
    plain: &'static [&'static str],
    indexed: &'static [&'static str],
) -> Support {
    Support { kind, path, plain, indexed }
}

const PRINCIPAL: &str = "microsoft.graph.servicePrincipal";
const APPLICATION: &str = "microsoft.graph.application";
const ASSIGNMENT: &str = "microsoft.graph.appRoleAssignment";
const GRANT: &str = "microsoft.graph.oAuth2PermissionGrant";
const FEDERATED: &str = "microsoft.graph.federatedIdentityCredential";
const AUDIT: &str = "microsoft.graph.directoryAudit";

/// What is published for each property: without the index what the tables of that page mark as default, with it what
/// they mark as advanced and what the description of the property names beyond that. A type that is not in here has its
/// plain list of paths.
const SUPPORT: &[Support] = &[
    on(PRINCIPAL, "id", &["eq", "in"], &["ne", "not"]),
    on(PRINCIPAL, "deletedDateTime", &["eq", "ge", "le"], &["ne", "not", "in"]),
    on(PRINCIPAL, "accountEnabled", &["eq", "in"], &["ne", "not"]),
    on(PRINCIPAL, "alternativeNames", &["eq", "startsWith"], &["not", "ge", "le"]),
    on(PRINCIPAL, "appId", &["eq", "in"], &["ne", "not", "startsWith"]),
    on(PRINCIPAL, "applicationTemplateId", &["eq", "in"], &["ne", "not"]),
    on(PRINCIPAL, "appOwnerOrganizationId", &[], &["eq", "ne", "not", "ge", "le", "in"]),
    on(PRINCIPAL, "appRoleAssignmentRequired", &[], &["eq", "ne", "not"]),
    on(PRINCIPAL, "createdByAppId", &["eq", "in"], &["ne", "not", "startsWith"]),
    on(PRINCIPAL, "description", &[], &["eq", "ne", "not", "ge", "le", "startsWith", "in"]),
    on(PRINCIPAL, "disabledByMicrosoftStatus", &[], &["eq", "ne", "not"]),
    on(PRINCIPAL, "displayName", &["eq", "in", "startsWith"], &["ne", "not", "ge", "le", "null"]),
    on(PRINCIPAL, "homepage", &[], &["eq", "ne", "not", "startsWith", "in"]),
    on(PRINCIPAL, "info/logoUrl", &[], &["eq", "ne", "not", "ge", "le"]),
    on(PRINCIPAL, "info/termsOfServiceUrl", &[], &["eq", "ne", "not", "startsWith"]),
    on(PRINCIPAL, "keyCredentials/keyId", &[], &["eq", "not", "ge", "le"]),
    on(PRINCIPAL, "notes", &[], &["eq", "ne", "not", "startsWith", "in"]),
    on(PRINCIPAL, "preferredSingleSignOnMode", &["eq", "in"], &["ne", "not"]),
    on(PRINCIPAL, "servicePrincipalNames", &["eq", "startsWith"], &["not", "ge", "le"]),
    on(PRINCIPAL, "servicePrincipalType", &["eq", "in"], &["ne", "not"]),
    on(PRINCIPAL, "tags", &["eq", "startsWith"], &["not", "ge", "le"]),
    on(PRINCIPAL, "verifiedPublisher/displayName", &[], &["eq", "ne", "not", "startsWith"]),
    on(APPLICATION, "id", &["eq", "in"], &["ne", "not"]),
    on(APPLICATION, "deletedDateTime", &["eq", "ge", "le"], &["ne", "not", "in"]),
    on(APPLICATION, "appId", &["eq", "in"], &["ne", "not"]),
    on(APPLICATION, "applicationTemplateId", &[], &["eq", "ne", "not", "in"]),
    on(APPLICATION, "createdByAppId", &[], &["eq", "ne", "not", "in", "startsWith"]),
    on(APPLICATION, "createdDateTime", &["eq", "ge", "le"], &["ne", "not", "in", "null"]),
    on(APPLICATION, "description", &[], &["eq", "ne", "not", "ge", "le", "startsWith", "in"]),
    on(APPLICATION, "disabledByMicrosoftStatus", &["eq", "in"], &["ne", "not"]),
    on(APPLICATION, "displayName", &["eq", "in", "startsWith"], &["ne", "not", "ge", "le", "null"]),
    on(APPLICATION, "identifierUris", &["eq", "startsWith"], &["ne", "not", "ge", "le"]),
    on(APPLICATION, "info/logoUrl", &[], &["eq", "ne", "not", "ge", "le"]),
    on(APPLICATION, "info/termsOfServiceUrl", &[], &["eq", "ne", "not", "startsWith"]),
    on(APPLICATION, "keyCredentials/keyId", &[], &["eq", "not", "ge", "le"]),
    on(APPLICATION, "notes", &[], &["eq", "ne", "not", "startsWith", "in"]),
    on(APPLICATION, "publicClient/redirectUris", &[], &["eq", "not", "startsWith"]),
    on(APPLICATION, "publisherDomain", &["eq", "in", "startsWith"], &["ne", "not", "ge", "le"]),
    on(APPLICATION, "requiredResourceAccess/resourceAppId", &[], &["eq", "not", "ge", "le"]),
    on(APPLICATION, "serviceManagementReference", &[], &["eq", "ne", "not", "startsWith", "in"]),
    on(APPLICATION, "signInAudience", &["eq", "in"], &["ne", "not"]),
    on(APPLICATION, "spa/redirectUris", &[], &["eq", "not", "startsWith"]),
    on(APPLICATION, "tags", &["eq", "startsWith"], &["not", "ge", "le"]),
    on(APPLICATION, "uniqueName", &["eq", "in", "startsWith"], &["ne", "not"]),
    on(APPLICATION, "verifiedPublisher/displayName", &[], &["eq", "ne", "not", "startsWith"]),
    on(APPLICATION, "web/homePageUrl", &[], &["eq", "ne", "not", "startsWith"]),
    on(APPLICATION, "web/redirectUris", &[], &["eq", "not", "startsWith"]),
    on(ASSIGNMENT, "principalDisplayName", &["eq", "startsWith"], &[]),
    on(ASSIGNMENT, "principalId", &[], &["eq"]),
    on(ASSIGNMENT, "resourceId", &["eq"], &[]),
    on(GRANT, "clientId", &["eq"], &[]),
    on(GRANT, "consentType", &["eq"], &[]),
    on(GRANT, "principalId", &["eq"], &[]),
    on(GRANT, "resourceId", &["eq"], &[]),
    on(FEDERATED, "name", &["eq"], &[]),
    on(FEDERATED, "subject", &["eq"], &[]),
    on(AUDIT, "id", &["eq"], &[]),
    on(AUDIT, "activityDateTime", &["eq", "ge", "le"], &[]),
    on(AUDIT, "activityDisplayName", &["eq", "startsWith"], &[]),
    on(AUDIT, "category", &["eq"], &[]),
    on(AUDIT, "correlationId", &["eq"], &[]),
    on(AUDIT, "loggedByService", &["eq"], &[]),
    on(AUDIT, "initiatedBy/user/id", &["eq"], &[]),
    on(AUDIT, "initiatedBy/user/displayName", &["eq"], &[]),
    on(AUDIT, "initiatedBy/user/userPrincipalName", &["eq", "startsWith"], &[]),
    on(AUDIT, "initiatedBy/app/appId", &["eq"], &[]),
    on(AUDIT, "initiatedBy/app/displayName", &["eq"], &[]),
    on(AUDIT, "targetResources/id", &["eq"], &[]),
    on(AUDIT, "targetResources/displayName", &["eq", "startsWith"], &[]),
];

/// Types whose lists can be searched.
const SEARCHED: [&str; 2] = [PRINCIPAL, APPLICATION];

/// Relationships whose number a filter may compare with 0 and 1, with the index alone.
/// <https://learn.microsoft.com/graph/filter-query-parameter#filter-collection-properties>
const COUNTED: &[(&str, &[&str])] = &[(PRINCIPAL, &["owners", "ownedObjects"]), (APPLICATION, &["owners"])];

/// Properties that lists are sorted by, with the index alone.
const SORTABLE: &[(&str, &[&str])] = &[
    (PRINCIPAL, &["displayName", "deletedDateTime", "createdDateTime"]),
    (APPLICATION, &["displayName", "deletedDateTime", "createdDateTime"]),
];

/// Where a condition stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The collection whose elements a lambda looks at.
    parent: &'a str,
    is_negated: bool,
    advanced: bool,
}

impl EntityType {
    /// Refuses a filter the service would not answer.
    pub(in super::super) fn check(&self, filter: &Filter, advanced: bool) -> Result<(), Refusal> {
        let alternatives = alternatives(filter);
        if alternatives > MAX_ALTERNATIVES {
            return Err(Refusal::unsupported_query(format!(
                "Too many child clauses specified in search filter expression containing 'OR' operators: {alternatives}. Max allowed: {MAX_ALTERNATIVES}."
            )));
        }
        self.check_at(filter, Place { parent: "", is_negated: false, advanced })
    }

    /// The declared name of a property that `$search` takes: "any property that can be used in `$filter`", if it is a
    /// text or a list of texts.
    /// <https://learn.microsoft.com/graph/search-query-parameter#using-search-on-directory-object-collections>
    pub(in super::super) fn searchable(&self, property: &str) -> Option<&'static str> {
        let own = SUPPORT.iter().filter(|support| support.kind == self.name && !support.path.contains('/'));
        let found = own.map(|support| support.path).find(|path| path.eq_ignore_ascii_case(property))?;
        matches!(self.kind(found), Some(Text | Other)).then_some(found)
    }

    /// Whether `$search` is understood at all.
    pub(in super::super) fn has_search(&self) -> bool {
        SEARCHED.contains(&self.name)
    }

    /// Whether neither the type nor its order knows this property.
    pub(in super::super) fn is_unknown(&self, property: &str) -> bool {
        let root = property.split('/').next().unwrap_or_default();
        self.kind(root).is_none() && !lists(SORTABLE, self.name, property)
    }

    /// Whether a list is sorted by this property. Records of the logs are sorted by their time without the index.
    pub(in super::super) fn is_sortable(&self, property: &str, advanced: bool) -> bool {
        (self.is_log() && property == "activityDateTime") || (advanced && lists(SORTABLE, self.name, property))
    }

    /// Whether its objects are records of `auditLogs`, which is no part of the directory.
    pub(in super::super) fn is_log(&self) -> bool {
        self.set.starts_with("auditLogs/")
    }

    /// The longest page: 999 in the directory, 1,000 in the logs.
    /// <https://learn.microsoft.com/graph/paging>
    pub(in super::super) fn max_top(&self) -> u32 {
        if self.is_log() { 1000 } else { 999 }
    }

    fn check_at(&self, filter: &Filter, place: Place<'_>) -> Result<(), Refusal> {
        match filter {
            Filter::And(left, right) | Filter::Or(left, right) => {
                self.check_at(left, place)?;
                self.check_at(right, place)
            }
            Filter::Not(inner) => {
                needs_index(place, "not")?;
                self.check_at(inner, Place { is_negated: true, ..place })
            }
            Filter::Compare { path, operator, literal } => {
                let name = operator_name(*operator);
                if *operator == Operator::NotEqual {
                    needs_index(place, name)?;
                }
                if let [collection, last] = path.as_slice()
                    && last == COUNT
                {
                    return self.check_count(place, collection, *operator, literal);
                }
                self.check_path(place, path, name, std::slice::from_ref(literal))
            }
            Filter::In { path, literals } => {
                if literals.len() > MAX_ALTERNATIVES && !place.advanced {
                    return Err(Refusal::unsupported_query(format!(
                        "Too many child clauses specified in search filter expression containing 'OR' operators: {}. Max allowed: {MAX_ALTERNATIVES}.",
                        literals.len()
                    )));
                }
                self.check_path(place, path, "in", literals)
            }
            Filter::Call { function: Function::Contains, path, .. } => {
                self.check_kind(place, path)?;
                Err(Refusal::unsupported_query("Filter operator 'Contains' is not supported."))
            }
            Filter::Call { function: Function::StartsWith, path, .. } => {
                self.check_path(place, path, "startsWith", &[])
            }
            Filter::Call { function: Function::EndsWith, path, .. } => {
                needs_index(place, "endsWith")?;
                self.check_path(place, path, "endsWith", &[])
            }
            Filter::Any { path, condition } => {
                let (full, _) = self.check_kind(place, path)?;
                match condition {
                    Some(condition) => self.check_at(condition, Place { parent: &full, ..place }),
                    None => Err(self.unsupported(&full)),
                }
            }
            Filter::All { path, .. } => {
                let (full, _) = self.check_kind(place, path)?;
                Err(self.unsupported(&full))
            }
        }
    }

    /// A number of related objects is compared for equality with 0, or with 1, with the index alone.
    fn check_count(
        &self,
        place: Place<'_>,
        collection: &str,
        operator: Operator,
        literal: &Literal,
    ) -> Result<(), Refusal> {
        needs_index(place, "$count")?;
        let is_equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        let is_small = [Literal::Number(0.0), Literal::Number(1.0)].contains(literal);
        if lists(COUNTED, self.name, collection) && is_equality && is_small && place.parent.is_empty() {
            return Ok(());
        }
        Err(self.unsupported(&format!("{collection}/{COUNT}")))
    }

    /// The whole path of a property and the type of its beginning.
    fn check_kind(&self, place: Place<'_>, path: &[String]) -> Result<(String, Kind), Refusal> {
        let parent = Some(place.parent).filter(|parent| !parent.is_empty());
        let full = parent.into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join("/");
        let root = full.split('/').next().unwrap_or_default();
        let Some(kind) = self.kind(root) else {
            let message =
                format!("Invalid filter clause: Could not find a property named '{root}' on type '{}'.", self.name);
            return Err(Refusal::odata(message));
        };
        Ok((full, kind))
    }

    fn check_path(
        &self,
        place: Place<'_>,
        path: &[String],
        operator: &str,
        literals: &[Literal],
    ) -> Result<(), Refusal> {
        let (full, kind) = self.check_kind(place, path)?;
        literals.iter().try_for_each(|literal| fits(kind, literal, operator))?;
        let is_null = literals.contains(&Literal::Null);
        if self.understands(&full, operator, is_null, place) { Ok(()) } else { Err(self.unsupported(&full)) }
    }

    fn understands(&self, full: &str, operator: &str, is_null: bool, place: Place<'_>) -> bool {
        let Place { is_negated, advanced, .. } = place;
        let has_table = SUPPORT.iter().any(|support| support.kind == self.name);
        if !has_table {
            let is_known = |paths: &[&str]| paths.contains(&full);
            return is_known(self.filterable) || (advanced && is_known(self.index_only));
        }
        let Some(support) = SUPPORT.iter().find(|support| support.kind == self.name && support.path == full) else {
            return false;
        };
        let knows = |name: &str| support.plain.contains(&name) || (advanced && support.indexed.contains(&name));
        let null_needs_index = is_null && support.indexed.contains(&"null");
        knows(operator) && (!is_negated || knows("not")) && (!null_needs_index || advanced)
    }

    fn unsupported(&self, full: &str) -> Refusal {
        let resource = self.resource;
        Refusal::unsupported_query(format!(
            "Unsupported or invalid query filter clause specified for property '{full}' of resource '{resource}'."
        ))
    }
}

fn lists(table: &[(&str, &[&str])], kind: &str, property: &str) -> bool {
    table.iter().any(|(of, names)| *of == kind && names.contains(&property))
}

/// How many conditions the longest chain of `or` joins.
fn alternatives(filter: &Filter) -> usize {
    match filter {
        Filter::Or(left, right) => alternatives(left) + alternatives(right),
        Filter::And(left, right) => alternatives(left).max(alternatives(right)),
        Filter::Not(inner) => alternatives(inner),
        Filter::Any { condition: Some(condition), .. } | Filter::All { condition, .. } => alternatives(condition),
        Filter::Compare { .. } | Filter::In { .. } | Filter::Call { .. } | Filter::Any { condition: None, .. } => 1,
    }
}

fn operator_name(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "eq",
        Operator::NotEqual => "ne",
        Operator::GreaterOrEqual => "ge",
        Operator::LessOrEqual => "le",
        Operator::Greater => "gt",
        Operator::Less => "lt",
        Operator::Has => "has",
    }
}

/// The published answer where an operator lacks what makes a query an advanced one.
/// <https://learn.microsoft.com/graph/aad-advanced-queries#error-handling-for-advanced-queries-on-directory-objects>
fn needs_index(place: Place<'_>, operator: &str) -> Result<(), Refusal> {
    if place.advanced {
        return Ok(());
    }
    Err(Refusal::unsupported_query(format!(
        "Operator '{operator}' is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information"
    )))
}

/// A quoted guid for an `Edm.Guid` property is the classic mistake; the OData layer refuses it.
fn fits(kind: Kind, literal: &Literal, operator: &str) -> Result<(), Refusal> {
    let is = match literal {
        Literal::Null => return Ok(()),
        Literal::Text(_) => Text,
        Literal::Guid(_) => Guid,
        Literal::Moment(_) => Moment,
        Literal::Flag(_) => Flag,
        Literal::Number(_) => Other,
    };
    if kind == Other || kind == is {
        return Ok(());
    }
    let kinds = [kind, is].map(edm);
    let [property, constant] = kinds;
    Err(Refusal::odata(format!(
        "Invalid filter clause: A binary operator with incompatible types was detected. Found operand types '{property}' and '{constant}' for operator kind '{}'.",
        kind_of(operator)
    )))
}

/// The name of a type in OData; the only constants of another kind are numbers.
fn edm(kind: Kind) -> &'static str {
    match kind {
        Text => "Edm.String",
        Guid => "Edm.Guid",
        Flag => "Edm.Boolean",
        Moment => "Edm.DateTimeOffset",
        Other => "Edm.Int32",
    }
}

/// The name of an operator in the messages of the OData layer.
fn kind_of(operator: &str) -> &'static str {
    match operator {
        "ne" => "NotEqual",
        "ge" => "GreaterThanOrEqual",
        "le" => "LessThanOrEqual",
        "gt" => "GreaterThan",
        "lt" => "LessThan",
        "has" => "Has",
        _ => "Equal",
    }
}
