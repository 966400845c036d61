//! One tenant's directory: the objects and how they hang together. Knows nothing of HTTP.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::directory_audit::AuditLog;
use super::knob::Knobs;
use super::provisioning_log::ProvisioningLog;
use super::replica::{Moment, Shelf, View};
use super::scenario::{ClientSecret, Person};
use super::synchronization::Synchronization;

/// The properties of one object by their names in Graph.
pub(super) type Properties = Map<String, Value>;

/// appId of Microsoft Graph itself.
pub(super) const MICROSOFT_GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// The role that stands for "assigned, without a particular role".
pub(super) const DEFAULT_ACCESS_ROLE_ID: &str = "00000000-0000-0000-0000-000000000000";

/// How all requests to one tenant are throttled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Throttle {
    /// What `Retry-After` says; some services send none.
    pub(super) retry_after_seconds: Option<u32>,
    /// Whether a batch is answered, with each of its items throttled, or refused as a whole.
    pub(super) reaches_items: bool,
}

/// One tenant.
#[derive(Debug)]
pub(super) struct TenantState {
    pub(super) id: String,
    pub(super) display_name: String,
    pub(super) domains: Vec<String>,
    pub(super) administrator: Person,
    /// Live and soft-deleted ones; the latter have a `deletedDateTime`.
    pub(super) service_principals: Shelf,
    /// Registrations of this tenant, live and soft-deleted.
    pub(super) applications: Shelf,
    pub(super) app_role_assignments: Shelf,
    pub(super) oauth2_permission_grants: Shelf,
    /// Object id to the object ids of its owners.
    pub(super) owners: BTreeMap<String, BTreeSet<String>>,
    /// Principal's object id to the classifications of its delegated permissions.
    pub(super) permission_classifications: BTreeMap<String, Vec<Properties>>,
    pub(super) secrets: Vec<ClientSecret>,
    /// keyId of a secret that the service made to the secret.
    pub(super) password_keys: BTreeMap<String, String>,
    /// Each with the application it belongs to.
    pub(super) federated_credentials: Shelf,
    /// Issuer to its JSON Web Keys.
    pub(super) issuers: BTreeMap<String, Vec<Value>>,
    /// appIds that get no token, in lower case.
    pub(super) blocked: BTreeSet<String>,
    /// appId in lower case to the second since which its tokens are revoked.
    pub(super) revocations: BTreeMap<String, i64>,
    /// What this tenant's requests are refused with.
    pub(super) throttle: Option<Throttle>,
    /// Principal's object id to how it provisions.
    pub(super) synchronization: BTreeMap<String, Synchronization>,
    pub(super) audit: AuditLog,
    pub(super) provisioning_log: ProvisioningLog,
}

impl TenantState {
    /// The live principal of an application.
    pub(super) fn principal_of(&self, view: View, app_id: &str) -> Option<(&str, &Properties)> {
        live(&self.service_principals, view)
            .find(|(_, principal)| text(principal, "appId").eq_ignore_ascii_case(app_id))
    }

    /// The live registration of an application in this tenant.
    pub(super) fn application_of(&self, view: View, app_id: &str) -> Option<(&str, &Properties)> {
        live(&self.applications, view).find(|(_, application)| text(application, "appId").eq_ignore_ascii_case(app_id))
    }

    /// A live principal by its object id.
    pub(super) fn live_principal(&self, view: View, id: &str) -> Option<&Properties> {
        self.service_principals.get(view, id).filter(|principal| is_live(principal))
    }

    /// Assignments whose two ends this view shows as live.
    pub(super) fn assignments(&self, view: View) -> impl Iterator<Item = (&str, &Properties)> {
        self.app_role_assignments.all(view).filter(move |(_, assignment)| {
            let is_principal = text(assignment, "principalType") == "ServicePrincipal";
            (!is_principal || self.live_principal(view, text(assignment, "principalId")).is_some())
                && self.live_principal(view, text(assignment, "resourceId")).is_some()
        })
    }

    /// Grants whose two ends this view shows as live.
    pub(super) fn grants(&self, view: View) -> impl Iterator<Item = (&str, &Properties)> {
        self.oauth2_permission_grants.all(view).filter(move |(_, grant)| {
            self.live_principal(view, text(grant, "clientId")).is_some()
                && self.live_principal(view, text(grant, "resourceId")).is_some()
        })
    }

    /// Values of the Microsoft Graph app roles a principal has in truth.
    pub(super) fn granted_roles(&self, principal_id: &str) -> BTreeSet<String> {
        let Some((graph_id, graph)) = self.principal_of(View::Truth, MICROSOFT_GRAPH_APP_ID) else {
            return BTreeSet::new();
        };
        self.assignments(View::Truth)
            .filter(|(_, row)| text(row, "principalId") == principal_id && text(row, "resourceId") == graph_id)
            .filter_map(|(_, row)| role_by_id(graph, text(row, "appRoleId")))
            .map(|role| text_of(role, "value").to_owned())
            .collect()
    }

    /// Whether `owner` owns the object.
    pub(super) fn is_owned(&self, id: &str, owner: &str) -> bool {
        self.owners.get(id).is_some_and(|owners| owners.contains(owner))
    }

    /// Removes every assignment and grant that has this principal at one end.
    pub(super) fn drop_permissions_of(&mut self, moment: Moment, principal_id: &str) {
        let touches = |row: &Properties, names: &[&str]| names.iter().any(|name| text(row, name) == principal_id);
        for id in self.app_role_assignments.ids() {
            let row = self.app_role_assignments.get(View::Truth, &id);
            if row.is_some_and(|row| touches(row, &["principalId", "resourceId"])) {
                self.app_role_assignments.put(moment, &id, None);
            }
        }
        for id in self.oauth2_permission_grants.ids() {
            let row = self.oauth2_permission_grants.get(View::Truth, &id);
            if row.is_some_and(|row| touches(row, &["clientId", "resourceId"])) {
                self.oauth2_permission_grants.put(moment, &id, None);
            }
        }
    }
}

/// Objects of a shelf that are not soft-deleted.
pub(super) fn live(shelf: &Shelf, view: View) -> impl Iterator<Item = (&str, &Properties)> {
    shelf.all(view).filter(|(_, properties)| is_live(properties))
}

/// Objects of a shelf that are soft-deleted.
pub(super) fn soft_deleted(shelf: &Shelf, view: View) -> impl Iterator<Item = (&str, &Properties)> {
    shelf.all(view).filter(|(_, properties)| !is_live(properties))
}

/// Whether an object is not soft-deleted.
pub(super) fn is_live(properties: &Properties) -> bool {
    properties.get("deletedDateTime").is_none_or(Value::is_null)
}

/// A text property, empty if absent.
pub(super) fn text<'a>(properties: &'a Properties, name: &str) -> &'a str {
    properties.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A text member of a JSON object, empty if absent.
pub(super) fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A switch, off if absent.
pub(super) fn flag(properties: &Properties, name: &str) -> bool {
    properties.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// The elements of a collection property.
pub(super) fn elements<'a>(properties: &'a Properties, name: &str) -> &'a [Value] {
    properties.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The app role of a resource with this id.
pub(super) fn role_by_id<'a>(resource: &'a Properties, id: &str) -> Option<&'a Value> {
    elements(resource, "appRoles").iter().find(|role| text_of(role, "id").eq_ignore_ascii_case(id))
}

/// When a write happens now and how long copies may miss it.
pub(super) fn moment(now: Timestamp, knobs: &Knobs) -> Moment {
    Moment { now, lag: knobs.replication_lag }
}

/// A time to the second, as directory objects show it.
pub(super) fn to_second(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}
