//! Names and types of properties, from the v1.0 metadata, and which of them a list may be filtered by.

mod support;
mod table;

use serde_json::Value;

use super::directory::Properties;
use super::error::Refusal;

pub(super) use table::{
    APP_ROLE_ASSIGNMENT, APPLICATION, DIRECTORY_AUDIT, FEDERATED_IDENTITY_CREDENTIAL, OAUTH2_PERMISSION_GRANT,
    SERVICE_PRINCIPAL,
};

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
    /// Paths that plain filters may use, of a type whose operators are not published one by one.
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

    /// [`Self::changes`] of an object that is there. Its own id may stand in the body: keys are not updated, and clients
    /// send whole objects back, as <https://github.com/manicminer/hamilton/blob/main/msgraph/serviceprincipals.go>.
    pub(super) fn changes_to(
        &self,
        id: &str,
        body: &Properties,
        writable: &[&str],
    ) -> Result<Vec<(String, Value)>, Refusal> {
        let mut body = body.clone();
        if body.get("id").is_some_and(|sent| sent == id) {
            body.remove("id");
        }
        self.changes(&body, writable)
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
