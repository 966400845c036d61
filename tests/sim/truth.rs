//! A tenant as it really is, read from the emulator's control surface.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A service principal.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Object ID.
    pub id: String,
    /// The tenant's sign-in switch.
    pub is_enabled: bool,
    /// Whether the application was deactivated.
    pub is_deactivated: bool,
}

/// An app role assignment.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Its own ID.
    pub id: String,
    /// Object ID of the principal that holds it.
    pub principal: String,
    /// Value of the role.
    pub role: String,
    /// ID of the role.
    pub role_id: String,
}

/// A delegated grant for everyone.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its own ID.
    pub id: String,
    /// Object ID of the client.
    pub client: String,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// The truth about one tenant at one moment.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Live principals by application ID.
    pub live: BTreeMap<String, Principal>,
    /// Object IDs of soft-deleted principals by application ID.
    pub deleted: BTreeMap<String, Vec<String>>,
    /// Object IDs of live registrations by application ID.
    pub registrations: BTreeMap<String, String>,
    /// Object IDs of soft-deleted registrations by application ID.
    pub deleted_registrations: BTreeMap<String, Vec<String>>,
    /// App role assignments on Microsoft Graph.
    pub assignments: Vec<Assignment>,
    /// Delegated grants on Microsoft Graph.
    pub grants: Vec<Grant>,
    /// Which principal holds which permission, and whether that is an application permission.
    pub held: BTreeSet<(String, String, bool)>,
}

const MICROSOFT_GRAPH: &str = "00000003-0000-0000-c000-000000000000";

impl Truth {
    /// Reads the answer of `GET /truth/{tenant}`.
    pub fn read(answer: &Value) -> Self {
        let rows = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let mut truth = Self::default();
        for row in rows("servicePrincipals") {
            let principal = Principal {
                id: text(&row, "id"),
                is_enabled: row["accountEnabled"] == true,
                is_deactivated: row["isDisabled"] == true,
            };
            truth.live.insert(text(&row, "appId"), principal);
        }
        for row in rows("deletedServicePrincipals") {
            truth.deleted.entry(text(&row, "appId")).or_default().push(text(&row, "id"));
        }
        for row in rows("applications") {
            truth.registrations.insert(text(&row, "appId"), text(&row, "id"));
        }
        for row in rows("deletedApplications") {
            truth.deleted_registrations.entry(text(&row, "appId")).or_default().push(text(&row, "id"));
        }
        let graph = truth.live.get(MICROSOFT_GRAPH).map(|graph| graph.id.clone()).unwrap_or_default();
        for row in rows("appRoleAssignments").iter().filter(|row| row["resourceId"] == graph.as_str()) {
            truth.assignments.push(Assignment {
                id: text(row, "id"),
                principal: text(row, "principalId"),
                role: text(row, "role"),
                role_id: text(row, "appRoleId"),
            });
        }
        let is_for_all = |row: &&Value| row["resourceId"] == graph.as_str() && row["consentType"] == "AllPrincipals";
        for row in rows("oauth2PermissionGrants").iter().filter(is_for_all) {
            let scopes = text(row, "scope").split_whitespace().map(str::to_owned).collect();
            truth.grants.push(Grant { id: text(row, "id"), client: text(row, "clientId"), scopes });
        }
        let roles = truth.assignments.iter().map(|row| (row.principal.clone(), row.role.clone(), true));
        let scopes = truth
            .grants
            .iter()
            .flat_map(|row| row.scopes.iter().map(|scope| (row.client.clone(), scope.clone(), false)));
        truth.held = roles.chain(scopes).collect();
        truth
    }

    /// Object ID of Microsoft Graph's own principal.
    pub fn graph(&self) -> String {
        self.live.get(MICROSOFT_GRAPH).map(|graph| graph.id.clone()).unwrap_or_default()
    }

    /// Whether the principal holds this application permission.
    pub fn holds_role(&self, principal: &str, role: &str) -> bool {
        self.held.contains(&(principal.to_owned(), role.to_owned(), true))
    }

    /// Whether the principal holds this delegated permission for everyone.
    pub fn holds_scope(&self, principal: &str, scope: &str) -> bool {
        self.held.contains(&(principal.to_owned(), scope.to_owned(), false))
    }
}
