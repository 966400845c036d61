//! The fixtures: a world with one declared tenant, and what can be seen in it, as adjectives.

mod time_bound;

pub use time_bound::*;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use webex_azure_operator::{
    api::{
        AppId, ConditionType, CredentialKind, ObjectId, TenantId, WebexAzureIntegrationSpec,
        WebexAzureIntegrationStatus, identifier::AppRoleId, validation::IDENTITY_INTEGRATION_APP_ID,
    },
    domain::{
        Attribution, Decision, Desired, Input, Memory, Notice, Observation, Observed, Obstacle, Reading, Timing,
        catalog,
        cloud::Endpoints,
        decide,
        observed::{
            AppRoleAssignment, Assigned, ConsentType, DeletedObject, OAuth2PermissionGrant, ObservedApplication,
            ResourcePrincipal, ServicePrincipal, Switch,
        },
        obstacle::SignIn,
    },
};

/// The declared tenant.
pub const TENANT: TenantId = TenantId::from_u128(0x1);
/// "Cisco Webex Identity Integration".
pub const INTEGRATION: AppId = IDENTITY_INTEGRATION_APP_ID;
/// "Cisco Webex Identity".
pub const IDENTITY: AppId = AppId::from_u128(0x12);
/// An additional application.
pub const CALENDAR: AppId = AppId::from_u128(0x55);
/// Object ID of the integration's service principal.
pub const INTEGRATION_OBJECT: ObjectId = ObjectId::from_u128(0x21);
/// Object ID of the identity's service principal.
pub const IDENTITY_OBJECT: ObjectId = ObjectId::from_u128(0x11);
/// Object ID of Microsoft Graph's service principal.
pub const GRAPH_OBJECT: ObjectId = ObjectId::from_u128(0x3);

/// When every test begins.
pub fn start() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

/// A declaration of both presets.
pub fn spec() -> Value {
    json!({
        "tenantId": TENANT.to_string(),
        "credentials": {
            "clientId": "00000000-0000-4000-8000-000000000031",
            "clientSecret": { "name": "graph", "key": "client-secret" },
        },
        "identity": { "appId": IDENTITY.to_string() },
    })
}

/// Who signs in at that tenant, and was refused with this code.
pub fn sign_in(code: &str) -> SignIn<'_> {
    let client = "00000000-0000-4000-8000-000000000031".parse().unwrap();
    SignIn { client, tenant: TENANT, kind: CredentialKind::ClientSecret, code }
}

/// The operator's own application lacks a permission to read grants.
pub fn grants_forbidden() -> Obstacle {
    let lacking = ("Directory.Read.All", "reading delegated permission grants".to_owned());
    Obstacle::permission_missing(AppId::from_u128(0x31), &[lacking])
}

/// One object and a process that looks after it.
#[derive(Clone)]
pub struct World {
    /// Time.
    pub now: Timestamp,
    /// The spec.
    pub spec: Value,
    /// Its generation.
    pub generation: i64,
    /// The status as published.
    pub status: WebexAzureIntegrationStatus,
    /// What the process remembers.
    pub memory: Memory,
    /// What is worth telling beside the verdict.
    pub advice: Vec<Notice>,
    /// Windows.
    pub timing: Timing,
    /// Applications that the process links to.
    pub linkable: Vec<AppId>,
    /// How whoever made a difference is told.
    pub attribution: Attribution,
}

impl World {
    /// A new object.
    pub fn new(spec: Value) -> Self {
        Self {
            now: start(),
            spec,
            generation: 1,
            status: WebexAzureIntegrationStatus { observed_generation: Some(-1), ..Default::default() },
            memory: Memory::new(start()),
            advice: Vec::new(),
            timing: Timing::PRODUCTION,
            linkable: Vec::new(),
            attribution: Attribution::Names,
        }
    }

    /// An object that was looked at and is in sync.
    pub fn in_sync() -> Self {
        let mut world = Self::new(spec());
        world.look(healthy());
        assert_eq!(world.ready(), ("True", "InSync"));
        world.after(300);
        world
    }

    /// Time passes.
    pub fn after(&mut self, seconds: i64) -> &mut Self {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        self
    }

    /// The author edits the spec.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Value)) -> &mut Self {
        edit(&mut self.spec);
        self.generation += 1;
        self
    }

    /// The process is started anew.
    pub fn restart(&mut self) -> &mut Self {
        self.memory = Memory::new(self.now);
        self
    }

    /// Looks, and publishes what follows.
    pub fn look(&mut self, seen: impl Into<Observation>) -> Decision {
        self.decide(Some(&seen.into()))
    }

    /// A look in which nothing could be asked.
    pub fn blocked(&mut self, obstacle: &Obstacle) -> Decision {
        self.decide(Some(&Observation::Blocked(obstacle.clone())))
    }

    /// Decides without a look, as for a suspended or invalid object.
    pub fn decide(&mut self, observation: Option<&Observation>) -> Decision {
        let spec: WebexAzureIntegrationSpec = serde_json::from_value(self.spec.clone()).unwrap();
        let desired = Desired::from_spec(&spec);
        let decision = decide(&Input {
            now: self.now,
            generation: self.generation,
            requested_at: None,
            desired: desired.as_ref().map_err(Vec::as_slice),
            previous: &self.status,
            observation,
            advice: &self.advice,
            memory: &self.memory,
            timing: &self.timing,
            endpoints: &Endpoints::of(spec.cloud),
            linkable: &self.linkable,
            attribution: self.attribution,
        });
        self.status = decision.status.clone();
        self.memory = decision.memory.clone();
        decision
    }

    /// Status and reason of `Ready`.
    pub fn ready(&self) -> (&str, &str) {
        self.condition(ConditionType::Ready).unwrap()
    }

    /// Status and reason of a condition, if it is there.
    pub fn condition(&self, condition: ConditionType) -> Option<(&str, &str)> {
        let condition = self.status.condition(condition.as_str())?;
        Some((condition.status.as_str(), condition.reason.as_str()))
    }

    /// Message of a condition.
    pub fn message(&self, condition: ConditionType) -> &str {
        &self.status.condition(condition.as_str()).unwrap().message
    }

    /// Reasons in `status.drift`.
    pub fn drift(&self) -> Vec<&str> {
        self.status.drift.iter().map(|entry| entry.reason.as_str()).collect()
    }
}

/// What can be seen in a tenant.
#[derive(Clone)]
pub struct Tenant(pub Observed);

impl From<Tenant> for Observation {
    fn from(tenant: Tenant) -> Self {
        Self::Looked(tenant.0)
    }
}

/// Both presets in order; the three permissions whose kind is not published are application permissions.
pub fn healthy() -> Tenant {
    let values = catalog::identity_integration_permissions();
    let roles = values.iter().filter_map(|permission| catalog::app_role(permission.value.as_ref()?));
    let integration = ObservedApplication {
        app_role_assignments: Reading::Known(roles.map(assignment).collect()),
        oauth2_permission_grants: Reading::Known(BTreeSet::from([grant("User.Read")])),
        ..present(INTEGRATION_OBJECT, "Cisco Webex Identity Integration")
    };
    let identity = ObservedApplication {
        assigned: Reading::Known(Assigned { any: true, people: true }),
        jobs: Reading::Known(vec![timeless()]),
        ..present(IDENTITY_OBJECT, "Cisco Webex Identity - Azure AD")
    };
    Tenant(Observed {
        resources: BTreeMap::from([(catalog::MICROSOFT_GRAPH_APP_ID, Reading::Known(microsoft_graph()))]),
        unnamed: BTreeSet::new(),
        identity: Reading::NotAsked,
        audits: BTreeMap::new(),
        applications: BTreeMap::from([(INTEGRATION, integration), (IDENTITY, identity)]),
    })
}

/// Microsoft Graph's own service principal; the permissions of the preset need no lookup.
fn microsoft_graph() -> ResourcePrincipal {
    ResourcePrincipal {
        id: GRAPH_OBJECT,
        display_name: "Microsoft Graph".to_owned(),
        app_roles: BTreeMap::new(),
        scopes: BTreeMap::new(),
    }
}

/// An application permission of Microsoft Graph.
pub fn assignment(app_role: AppRoleId) -> AppRoleAssignment {
    AppRoleAssignment { resource: GRAPH_OBJECT, app_role }
}

/// A delegated permission of Microsoft Graph, for everyone.
pub fn grant(scope: &str) -> OAuth2PermissionGrant {
    OAuth2PermissionGrant { resource: GRAPH_OBJECT, consent: ConsentType::AllPrincipals, scope: scope.to_owned() }
}

/// A live service principal, of which nothing else was asked.
pub fn present(id: ObjectId, display_name: &str) -> ObservedApplication {
    ObservedApplication {
        service_principal: Reading::Known(ServicePrincipal {
            id,
            display_name: display_name.to_owned(),
            owner: None,
            account_enabled: Switch::On,
            is_disabled: Switch::Off,
            disabled_by_microsoft: Switch::Off,
            assignment_required: false,
            signing_thumbprint: None,
        }),
        app_role_assignments: Reading::NotAsked,
        oauth2_permission_grants: Reading::NotAsked,
        deleted_service_principals: Reading::NotAsked,
        deleted_applications: Reading::NotAsked,
        assigned: Reading::NotAsked,
        jobs: Reading::NotAsked,
        credentials: Reading::NotAsked,
        registration: Reading::NotAsked,
    }
}

/// A deleted object of this ID.
pub fn deleted(id: ObjectId, at: Timestamp) -> DeletedObject {
    DeletedObject { deleted: Some(at), id, display_name: "Cisco Webex Identity Integration".to_owned() }
}

impl Tenant {
    /// The entry of an application.
    pub fn application(&mut self, id: AppId) -> &mut ObservedApplication {
        self.0.applications.get_mut(&id).unwrap()
    }

    fn with(mut self, id: AppId, change: impl FnOnce(&mut ObservedApplication)) -> Self {
        change(self.application(id));
        self
    }

    /// The service principal is not there, and these can be restored.
    pub fn gone(self, id: AppId, restorable: Vec<DeletedObject>) -> Self {
        self.with(id, |seen| {
            *seen = ObservedApplication {
                service_principal: Reading::Absent,
                app_role_assignments: Reading::NotAsked,
                oauth2_permission_grants: Reading::NotAsked,
                deleted_service_principals: Reading::Known(restorable),
                deleted_applications: Reading::Known(Vec::new()),
                assigned: Reading::NotAsked,
                jobs: Reading::NotAsked,
                credentials: Reading::NotAsked,
                registration: Reading::NotAsked,
            };
        })
    }

    /// The integration was deleted then.
    pub fn soft_deleted(self, at: Timestamp) -> Self {
        self.gone(INTEGRATION, vec![deleted(INTEGRATION_OBJECT, at)])
    }

    /// The integration has another object ID.
    pub fn recreated(self, id: ObjectId) -> Self {
        self.with(INTEGRATION, |seen| {
            if let Reading::Known(principal) = &mut seen.service_principal {
                principal.id = id;
            }
        })
    }

    /// The integration lacks this application permission.
    pub fn revoked(self, value: &str) -> Self {
        let role = assignment(catalog::app_role(value).unwrap());
        self.with(INTEGRATION, |seen| {
            if let Reading::Known(assignments) = &mut seen.app_role_assignments {
                assert!(assignments.remove(&role), "{value} was not granted");
            }
        })
    }

    /// The integration holds this delegated permission.
    pub fn delegated(self, grant: OAuth2PermissionGrant) -> Self {
        self.with(INTEGRATION, |seen| {
            if let Reading::Known(grants) = &mut seen.oauth2_permission_grants {
                grants.insert(grant);
            }
        })
    }

    /// The integration holds nothing.
    pub fn not_consented(self) -> Self {
        self.with(INTEGRATION, |seen| {
            seen.app_role_assignments = Reading::Known(BTreeSet::new());
            seen.oauth2_permission_grants = Reading::Known(BTreeSet::new());
        })
    }

    /// A change to the switches of an application.
    pub fn switched(self, id: AppId, change: impl FnOnce(&mut ServicePrincipal)) -> Self {
        self.with(id, |seen| {
            if let Reading::Known(principal) = &mut seen.service_principal {
                change(principal);
            }
        })
    }

    /// The integration's sign-in is switched off.
    pub fn disabled(self) -> Self {
        self.switched(INTEGRATION, |principal| principal.account_enabled = Switch::Off)
    }

    /// The delegated permissions of the integration cannot be read.
    pub fn grants_unreadable(self, obstacle: Obstacle) -> Self {
        self.with(INTEGRATION, |seen| seen.oauth2_permission_grants = Reading::Unreadable(obstacle))
    }

    /// Nothing of this application can be read.
    pub fn unreadable(self, id: AppId, obstacle: &Obstacle) -> Self {
        self.with(id, |seen| {
            seen.service_principal = Reading::Unreadable(obstacle.clone());
            seen.app_role_assignments = Reading::Unreadable(obstacle.clone());
            seen.oauth2_permission_grants = Reading::Unreadable(obstacle.clone());
            if seen.jobs != Reading::NotAsked {
                seen.jobs = Reading::Unreadable(obstacle.clone());
            }
            if seen.credentials != Reading::NotAsked {
                seen.credentials = Reading::Unreadable(obstacle.clone());
            }
        })
    }
}
