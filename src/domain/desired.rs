//! What should be: the spec, checked and with the presets filled in.

use jiff::SignedDuration;

use super::catalog;
use crate::api::{
    AppId, Cloud, CredentialSource, DriftPolicy, Permission, PermissionKind, SignIn, TenantId,
    WebexAzureIntegrationSpec,
    identifier::{AppRoleId, NotAUuid, OrganizationId},
    validation::{self, IDENTITY_INTEGRATION_APP_ID, Violation},
};

/// What should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The tenant.
    pub tenant: TenantId,
    /// Its cloud.
    pub cloud: Cloud,
    /// The Webex organization, for messages.
    pub organization: Option<OrganizationId>,
    /// The operator's own application in that tenant.
    pub client: AppId,
    /// What it signs in with.
    pub credential: CredentialSource,
    /// Applications to look at, in the order in which they are reported.
    pub applications: Vec<DesiredApplication>,
    /// What drift does to `Ready`.
    pub drift_policy: DriftPolicy,
    /// Pause between looks.
    pub interval: SignedDuration,
    /// Do not look.
    pub suspend: bool,
}

/// One application that should be in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredApplication {
    /// Name in the object.
    pub name: String,
    /// Which part it plays.
    pub role: Role,
    /// Application ID.
    pub app_id: AppId,
    /// What is required of the sign-in switches.
    pub sign_in: SignIn,
    /// Permissions that must be granted.
    pub required: Vec<RequiredPermission>,
    /// Where that list comes from.
    pub list: PermissionList,
}

/// Which part an application plays for Webex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// "Cisco Webex Identity Integration": Webex reads the directory through it.
    IdentityIntegration,
    /// "Cisco Webex Identity": people are provisioned to Webex through it.
    Identity,
    /// Something else that Webex needs.
    Additional,
}

/// Where a list of required permissions comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionList {
    /// Compiled in; published in 2023, and Cisco may have changed it since.
    Preset,
    /// Written in the object.
    Spec,
}

/// A permission that must be granted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequiredPermission {
    /// Value, such as `Group.Read.All`.
    pub value: String,
    /// How it may be granted.
    pub kind: PermissionKind,
    /// ID of its app role, where known without a lookup.
    pub app_role: Option<AppRoleId>,
}

impl RequiredPermission {
    /// How it is written in status and messages.
    pub fn label(&self) -> String {
        match self.kind {
            PermissionKind::Application => format!("{} (application)", self.value),
            PermissionKind::Delegated => format!("{} (delegated)", self.value),
            PermissionKind::Either => self.value.clone(),
        }
    }
}

impl Desired {
    /// What this spec asks for, or the rules that it breaks.
    pub fn from_spec(spec: &WebexAzureIntegrationSpec) -> Result<Self, Vec<Violation>> {
        let violations = validation::validate(spec);
        if !violations.is_empty() {
            return Err(violations);
        }
        // The checks above make each of these parse; should the two ever disagree, the object is the one to suffer.
        Self::build(spec).ok_or_else(|| {
            vec![Violation {
                path: "spec".to_owned(),
                message: "passed the checks and still could not be read".to_owned(),
            }]
        })
    }

    fn build(spec: &WebexAzureIntegrationSpec) -> Option<Self> {
        let organization = spec.organization_id.as_deref().map(str::parse).transpose();
        Some(Self {
            tenant: spec.tenant_id.parse().ok()?,
            cloud: spec.cloud,
            organization: organization.ok()?,
            client: spec.credentials.client_id.parse().ok()?,
            credential: spec.credentials.source()?,
            applications: applications(spec).ok()?,
            drift_policy: spec.drift_policy,
            interval: SignedDuration::from_secs(validation::interval_seconds(&spec.interval)?),
            suspend: spec.suspend,
        })
    }

    /// The application with this name in the object.
    pub fn application(&self, name: &str) -> Option<&DesiredApplication> {
        self.applications.iter().find(|application| application.name == name)
    }
}

fn applications(spec: &WebexAzureIntegrationSpec) -> Result<Vec<DesiredApplication>, NotAUuid> {
    let mut applications = Vec::new();
    if spec.identity_integration.check {
        let app_id = spec.identity_integration.app_id.as_deref().map(str::parse).transpose()?;
        let written = spec.identity_integration.permissions.as_deref();
        applications.push(DesiredApplication {
            name: "identity-integration".to_owned(),
            role: Role::IdentityIntegration,
            app_id: app_id.unwrap_or(IDENTITY_INTEGRATION_APP_ID),
            sign_in: SignIn::Enabled,
            required: written.map_or_else(|| required(&catalog::identity_integration_permissions()), required),
            list: written.map_or(PermissionList::Preset, |_| PermissionList::Spec),
        });
    }
    if let (true, Some(app_id)) = (spec.identity.check, &spec.identity.app_id) {
        applications.push(DesiredApplication {
            name: "identity".to_owned(),
            role: Role::Identity,
            app_id: app_id.parse()?,
            sign_in: SignIn::Enabled,
            required: Vec::new(),
            list: PermissionList::Preset,
        });
    }
    let mut additional: Vec<_> = spec.additional_applications.iter().collect();
    additional.sort_by(|a, b| a.name.cmp(&b.name));
    for application in additional {
        applications.push(DesiredApplication {
            name: application.name.clone(),
            role: Role::Additional,
            app_id: application.app_id.parse()?,
            sign_in: application.sign_in,
            required: required(&application.permissions),
            list: PermissionList::Spec,
        });
    }
    Ok(applications)
}

fn required(permissions: &[Permission]) -> Vec<RequiredPermission> {
    let mut required: Vec<_> = permissions
        .iter()
        .map(|permission| RequiredPermission {
            value: permission.value.clone(),
            kind: permission.kind,
            app_role: catalog::app_role(&permission.value),
        })
        .collect();
    required.sort();
    required
}
