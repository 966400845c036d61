//! Names and types of properties, from the v1.0 metadata, and which of them a list may be filtered by.

mod table;

use serde_json::Value;

use super::directory::Properties;
use super::error::Refusal;
use super::filter::{Filter, Literal, Operator};

pub(super) use table::{APP_ROLE_ASSIGNMENT, APPLICATION, DIRECTORY_AUDIT, OAUTH2_PERMISSION_GRANT, SERVICE_PRINCIPAL};

use Kind::{Flag, Guid, Moment, Other, Text};

/// The type of a property, as far as a filter has to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Guid,
    Flag,
    Moment,
    Other,
}

/// One entity type.
#[derive(Debug)]
pub(super) struct EntityType {
    /// `microsoft.graph.servicePrincipal`
    pub(super) name: &'static str,
    /// What `@odata.context` says after `$metadata#`.
    pub(super) set: &'static str,
    /// What the directory calls it in its messages.
    pub(super) resource: &'static str,
    pub(super) properties: &'static [(&'static str, Kind)],
    /// Paths that plain filters may use.
    pub(super) filterable: &'static [&'static str],
    /// Paths that only the index knows: with `ConsistencyLevel: eventual` and `$count=true`.
    pub(super) index_only: &'static [&'static str],
}

impl EntityType {
    /// The declared spelling of a name given in any case.
    pub(super) fn spelling(&self, name: &str) -> Option<&'static str> {
        self.properties.iter().map(|(declared, _)| *declared).find(|declared| declared.eq_ignore_ascii_case(name))
    }

    /// The type of a declared property.
    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        self.properties.iter().find(|(declared, _)| *declared == name).map(|(_, kind)| *kind)
    }

    /// An object with every declared property: the named ones empty lists, the others null.
    pub(super) fn blank(&self, collections: &[&str]) -> Properties {
        let value = |name: &str| {
            if collections.contains(&name) { Value::Array(Vec::new()) } else { Value::Null }
        };
        self.properties.iter().map(|(name, _)| ((*name).to_owned(), value(name))).collect()
    }

    /// Checks a body against what may be written and against the types.
    pub(super) fn changes(&self, body: &Properties, writable: &[&str]) -> Result<Vec<(String, Value)>, Refusal> {
        let resource = self.resource;
        let mut changes = Vec::new();
        for (name, value) in body.iter().filter(|(name, _)| !name.starts_with('@')) {
            let Some(kind) = self.kind(name) else {
                let message = format!("Property '{name}' does not exist on type '{}'.", self.name);
                return Err(Refusal::odata(message));
            };
            if !writable.contains(&name.as_str()) {
                return Err(Refusal::bad_request(format!("Property '{name}' is read-only and cannot be set.")));
            }
            let fits = match kind {
                Flag => value.is_boolean(),
                Text | Guid | Moment => value.is_string() || value.is_null(),
                Other => value.is_array() || value.is_object(),
            };
            if !fits {
                let message = format!("Invalid value specified for property '{name}' of resource '{resource}'.");
                return Err(Refusal::bad_request(message));
            }
            changes.push((name.clone(), value.clone()));
        }
        Ok(changes)
    }

    /// Refuses a filter the service would not answer.
    pub(super) fn check(&self, filter: &Filter, advanced: bool) -> Result<(), Refusal> {
        self.check_under(filter, "", advanced)
    }

    fn check_under(&self, filter: &Filter, parent: &str, advanced: bool) -> Result<(), Refusal> {
        match filter {
            Filter::And(left, right) | Filter::Or(left, right) => {
                self.check_under(left, parent, advanced)?;
                self.check_under(right, parent, advanced)
            }
            Filter::Not(inner) => {
                needs_index(advanced, "NotMatch")?;
                self.check_under(inner, parent, advanced)
            }
            Filter::Compare { path, operator, literal } => {
                if *operator == Operator::NotEqual {
                    needs_index(advanced, "NotEqualsMatch")?;
                }
                self.check_path(parent, path, Some(literal), advanced)
            }
            Filter::In { path, literals } => {
                literals.iter().try_for_each(|literal| self.check_path(parent, path, Some(literal), advanced))
            }
            Filter::StartsWith { path, .. } => self.check_path(parent, path, None, advanced),
            Filter::EndsWith { path, .. } => {
                needs_index(advanced, "EndsWithMatch")?;
                self.check_path(parent, path, None, advanced)
            }
            Filter::Any { path, condition } => self.check_under(condition, &path.join("/"), advanced),
        }
    }

    fn check_path(
        &self,
        parent: &str,
        path: &[String],
        literal: Option<&Literal>,
        advanced: bool,
    ) -> Result<(), Refusal> {
        let joined = path.join("/");
        let full = if parent.is_empty() { joined } else { format!("{parent}/{joined}") };
        let root = full.split('/').next().unwrap_or_default();
        let Some(kind) = self.kind(root) else {
            let message =
                format!("Invalid filter clause: Could not find a property named '{root}' on type '{}'.", self.name);
            return Err(Refusal::odata(message));
        };
        if let Some(literal) = literal {
            fits(kind, literal)?;
        }
        let is_known = |paths: &[&str]| paths.iter().any(|known| *known == full);
        if is_known(self.filterable) || (advanced && is_known(self.index_only)) {
            return Ok(());
        }
        let resource = self.resource;
        let message = format!(
            "Unsupported or invalid query filter clause specified for property '{full}' of resource '{resource}'."
        );
        Err(Refusal::unsupported_query(message))
    }
}

fn needs_index(advanced: bool, operator: &str) -> Result<(), Refusal> {
    if advanced {
        return Ok(());
    }
    Err(Refusal::unsupported_query(format!("Unsupported property filter clause operator '{operator}'.")))
}

/// A quoted guid for an `Edm.Guid` property is the classic mistake; the OData layer refuses it.
fn fits(kind: Kind, literal: &Literal) -> Result<(), Refusal> {
    let fits = match literal {
        Literal::Null => true,
        Literal::Text(_) => matches!(kind, Text | Other),
        Literal::Guid(_) => matches!(kind, Guid | Other),
        Literal::Moment(_) => matches!(kind, Moment | Other),
        Literal::Flag(_) => matches!(kind, Flag | Other),
    };
    if fits { Ok(()) } else { Err(Refusal::odata("Invalid filter clause")) }
}

#[cfg(test)]
mod tests {
    use super::super::filter;
    use super::*;

    fn refusal(entity: &EntityType, text: &str) -> Option<&'static str> {
        entity.check(&filter::parse(text).unwrap(), false).err().map(|refusal| refusal.code)
    }

    #[test]
    fn a_guid_property_refuses_a_quoted_guid_and_a_text_property_an_unquoted_one() {
        let guid = "fea94d6d-b5bf-44d2-a887-4f72a8d74f44";
        assert_eq!(refusal(&APP_ROLE_ASSIGNMENT, &format!("resourceId eq {guid}")), None);
        assert_eq!(refusal(&APP_ROLE_ASSIGNMENT, &format!("resourceId eq '{guid}'")), Some("BadRequest"));
        assert_eq!(refusal(&OAUTH2_PERMISSION_GRANT, &format!("clientId eq '{guid}'")), None);
        assert_eq!(refusal(&OAUTH2_PERMISSION_GRANT, &format!("clientId eq {guid}")), Some("BadRequest"));
    }

    #[test]
    fn an_unknown_property_and_an_unindexed_one_are_refused_differently() {
        assert_eq!(refusal(&SERVICE_PRINCIPAL, "colour eq 'blue'"), Some("BadRequest"));
        assert_eq!(refusal(&SERVICE_PRINCIPAL, "appRoleAssignmentRequired eq true"), Some("Request_UnsupportedQuery"));
        assert_eq!(refusal(&SERVICE_PRINCIPAL, "displayName ne 'a'"), Some("Request_UnsupportedQuery"));
        assert_eq!(refusal(&DIRECTORY_AUDIT, "targetResources/any(t: t/id eq 'a')"), None);
    }
}
