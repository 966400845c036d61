//! A scenario under the knobs: what nobody knows about the applications that it brings along.

use serde_json::{Value, json};

use super::super::directory::{MICROSOFT_GRAPH_APP_ID, text_of};
use super::super::knob::Knobs;
use super::{AppRoleAssignment, Application, OAuth2PermissionGrant, Scenario, ServicePrincipal, build};

/// The permissions whose kind the published consent dialog leaves open.
const UNDECIDED: [&str; 3] = ["Group.Read.All", "Place.Read.All", "User.Read.All"];

impl Scenario {
    /// The same tenant, if the answers to the open questions are as the knobs say.
    pub(in super::super) fn under(&self, knobs: &Knobs) -> Self {
        let mut scenario = self.clone();
        if !knobs.wizard_app_has_created_by_app_id {
            for Application(application) in &mut scenario.applications {
                application.remove("createdByAppId");
            }
            for ServicePrincipal(principal) in &mut scenario.service_principals {
                principal.remove("createdByAppId");
            }
        }
        if knobs.undecided_permissions_are_delegated {
            scenario.delegate_undecided();
        }
        scenario
    }

    /// Turns the undecided permissions of other tenants' applications into delegated ones.
    fn delegate_undecided(&mut self) {
        let mut app_ids: Vec<String> = Vec::new();
        for Application(application) in &mut self.published_applications {
            app_ids.extend(application.get("appId").and_then(Value::as_str).map(str::to_owned));
            let resources = application.get_mut("requiredResourceAccess").and_then(Value::as_array_mut);
            let of_graph = resources.into_iter().flatten();
            for resource in of_graph.filter(|resource| text_of(resource, "resourceAppId") == MICROSOFT_GRAPH_APP_ID) {
                let access = resource.get_mut("resourceAccess").and_then(Value::as_array_mut);
                access.into_iter().flatten().for_each(delegate);
            }
        }
        let is_undecided = |row: &AppRoleAssignment| {
            app_ids.contains(&row.client)
                && row.resource == MICROSOFT_GRAPH_APP_ID
                && UNDECIDED.contains(&row.role.as_str())
        };
        let (moved, kept): (Vec<_>, Vec<_>) = self.app_role_assignments.drain(..).partition(is_undecided);
        self.app_role_assignments = kept;
        for row in moved {
            self.grant_to_everyone(row);
        }
    }

    fn grant_to_everyone(&mut self, row: AppRoleAssignment) {
        let AppRoleAssignment { client, resource, role, created: _ } = row;
        let is_same = |grant: &&mut OAuth2PermissionGrant| {
            grant.client == client && grant.resource == resource && grant.principal_id.is_none()
        };
        match self.oauth2_permission_grants.iter_mut().find(is_same) {
            Some(grant) if grant.scope.split_whitespace().any(|scope| scope == role) => {}
            Some(grant) => grant.scope = format!("{} {role}", grant.scope),
            None => {
                let grant = OAuth2PermissionGrant { client, resource, principal_id: None, scope: role };
                self.oauth2_permission_grants.push(grant);
            }
        }
    }
}

/// Makes one permission of a manifest a delegated one, if it is undecided.
fn delegate(access: &mut Value) {
    let list = |name: &str| build::MICROSOFT_GRAPH.get(name).and_then(Value::as_array).into_iter().flatten();
    let scopes = build::MICROSOFT_GRAPH.get("api").and_then(|api| api.get("oauth2PermissionScopes"));
    let role = list("appRoles").find(|role| text_of(role, "id") == text_of(access, "id"));
    let value = role.map(|role| text_of(role, "value")).filter(|value| UNDECIDED.contains(value));
    let scope =
        scopes.and_then(Value::as_array).into_iter().flatten().find(|scope| Some(text_of(scope, "value")) == value);
    if let Some(scope) = scope {
        *access = json!({"id": text_of(scope, "id"), "type": "Scope"});
    }
}
