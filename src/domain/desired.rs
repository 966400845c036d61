//! What should be: the spec, checked and with the presets filled in.

use std::fmt;

use jiff::SignedDuration;
use uuid::Uuid;

use super::catalog;
use crate::api::{
    AppId, Certificates, Cloud, CredentialSource, DriftPolicy, ExtraPermissions, Permission, PermissionKind, SignIn,
    TenantId, WebexAzureIntegrationSpec,
    identifier::{AppRoleId, OrganizationId},
    validation::{self, IDENTITY_INTEGRATION_APP_ID, MICROSOFT_GRAPH_APP_ID, Violation},
};

/// Name of "Cisco Webex Identity" in status and messages.
pub const IDENTITY_NAME: &str = "identity";

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
    /// Applications to look at, in the order in which they are reported. "Cisco Webex Identity" is among them once it is
    /// known which application that is.
    pub applications: Vec<DesiredApplication>,
    /// What is required of "Cisco Webex Identity" if its application ID is not declared, so that it has to be found.
    pub sought: Option<Sought>,
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
    /// What is done about permissions beyond the list.
    pub extra: ExtraPermissions,
    /// Whether a provisioning job must run.
    pub provisioning: bool,
    /// How long before their end certificates and client secrets are told about; none: they are not read.
    pub warn_before: Option<SignedDuration>,
}

impl DesiredApplication {
    /// Whether permissions of this kind (not `Either`) have to be read: some of them are required, or more than what is
    /// required is not to be held, of whichever kind it is.
    pub fn reads(&self, kind: PermissionKind) -> bool {
        let is_of_kind = |permission: &RequiredPermission| {
            permission.kind == kind
                || permission.kind == PermissionKind::Either
                || self.extra != ExtraPermissions::Ignore
        };
        self.required.iter().any(is_of_kind)
    }
}

/// What is required of "Cisco Webex Identity", whichever application that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// The application that creates or owns it.
    pub maker: AppId,
    provisioning: bool,
    warn_before: SignedDuration,
}

impl Sought {
    /// Whether a provisioning job must run.
    pub const fn provisioning(&self) -> bool {
        self.provisioning
    }
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
    /// Which one.
    pub name: PermissionName,
    /// How it may be granted.
    pub kind: PermissionKind,
    /// The resource that offers it.
    pub resource: AppId,
    /// ID of its app role, where known without a lookup.
    pub app_role: Option<AppRoleId>,
}

/// How a declaration names a permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermissionName {
    /// By its value, such as `Group.Read.All`.
    Value(String),
    /// By its ID.
    Id(Uuid),
}

impl fmt::Display for PermissionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => f.write_str(value),
            Self::Id(id) => id.hyphenated().fmt(f),
        }
    }
}

impl RequiredPermission {
    /// How it is written in status and messages.
    pub fn label(&self) -> String {
        let Self { name, kind, resource, app_role: _ } = self;
        let kind = match kind {
            PermissionKind::Application => Some("application"),
            PermissionKind::Delegated => Some("delegated"),
            PermissionKind::Either => None,
        };
        let of = (*resource != MICROSOFT_GRAPH_APP_ID).then(|| format!("of resource {resource}"));
        match (kind, of) {
            (None, None) => name.to_string(),
            (Some(kind), None) => format!("{name} ({kind})"),
            (None, Some(of)) => format!("{name} ({of})"),
            (Some(kind), Some(of)) => format!("{name} ({kind}, {of})"),
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
            applications: applications(spec)?,
            sought: sought(spec),
            drift_policy: spec.drift_policy,
            interval: SignedDuration::from_secs(validation::interval_seconds(&spec.interval)?),
            suspend: spec.suspend,
        })
    }

    /// The same, with "Cisco Webex Identity" being this application, unless the object declares which one it is.
    #[must_use]
    pub fn with_identity(&self, app_id: AppId) -> Self {
        let mut desired = self.clone();
        if let Some(Sought { maker: _, provisioning, warn_before }) = &self.sought {
            desired.applications.retain(|application| application.role != Role::Identity);
            let place = desired.applications.partition_point(|other| other.role == Role::IdentityIntegration);
            desired.applications.insert(place, identity(app_id, *provisioning, *warn_before));
        }
        desired
    }

    /// The application that was found to be "Cisco Webex Identity"; none if the object declares which one it is.
    pub fn found_identity(&self) -> Option<AppId> {
        self.sought.as_ref()?;
        self.application(IDENTITY_NAME).map(|application| application.app_id)
    }

    /// Whether provisioning of "Cisco Webex Identity" is required although it is not known which application that is.
    pub fn seeks_provisioning(&self) -> bool {
        self.application(IDENTITY_NAME).is_none() && self.sought.as_ref().is_some_and(|sought| sought.provisioning)
    }

    /// The application with this name in the object.
    pub fn application(&self, name: &str) -> Option<&DesiredApplication> {
        self.applications.iter().find(|application| application.name == name)
    }
}

fn applications(spec: &WebexAzureIntegrationSpec) -> Option<Vec<DesiredApplication>> {
    let mut applications = Vec::new();
    if spec.identity_integration.check {
        let written = spec.identity_integration.permissions.as_deref();
        let preset = catalog::identity_integration_permissions();
        applications.push(DesiredApplication {
            name: "identity-integration".to_owned(),
            role: Role::IdentityIntegration,
            app_id: integration_app_id(spec)?,
            sign_in: SignIn::Enabled,
            required: required(written.unwrap_or(&preset))?,
            list: written.map_or(PermissionList::Preset, |_| PermissionList::Spec),
            extra: spec.identity_integration.extra_permissions,
            provisioning: false,
            warn_before: None,
        });
    }
    if let (true, Some(app_id)) = (spec.identity.check, &spec.identity.app_id) {
        let warn_before = warn_before(&spec.identity.certificates)?;
        applications.push(identity(app_id.parse().ok()?, spec.identity.provisioning.required, warn_before));
    }
    let mut additional: Vec<_> = spec.additional_applications.iter().collect();
    additional.sort_by(|a, b| a.name.cmp(&b.name));
    for application in additional {
        applications.push(DesiredApplication {
            name: application.name.clone(),
            role: Role::Additional,
            app_id: application.app_id.parse().ok()?,
            sign_in: application.sign_in,
            required: required(&application.permissions)?,
            list: PermissionList::Spec,
            extra: application.extra_permissions,
            provisioning: application.provisioning.required,
            warn_before: Some(warn_before(&application.certificates)?),
        });
    }
    Some(applications)
}

fn integration_app_id(spec: &WebexAzureIntegrationSpec) -> Option<AppId> {
    match &spec.identity_integration.app_id {
        Some(app_id) => app_id.parse().ok(),
        None => Some(IDENTITY_INTEGRATION_APP_ID),
    }
}

/// What is required of "Cisco Webex Identity" if it has to be found. Of a spec that passed the checks every part parses.
fn sought(spec: &WebexAzureIntegrationSpec) -> Option<Sought> {
    let is_sought = spec.identity.check && spec.identity.app_id.is_none();
    is_sought.then_some(())?;
    Some(Sought {
        maker: integration_app_id(spec)?,
        provisioning: spec.identity.provisioning.required,
        warn_before: warn_before(&spec.identity.certificates)?,
    })
}

fn identity(app_id: AppId, provisioning: bool, warn_before: SignedDuration) -> DesiredApplication {
    DesiredApplication {
        name: IDENTITY_NAME.to_owned(),
        role: Role::Identity,
        app_id,
        sign_in: SignIn::Enabled,
        required: Vec::new(),
        list: PermissionList::Preset,
        extra: ExtraPermissions::Ignore,
        provisioning,
        warn_before: Some(warn_before),
    }
}

fn warn_before(certificates: &Certificates) -> Option<SignedDuration> {
    validation::warn_before_seconds(&certificates.warn_before).map(SignedDuration::from_secs)
}

fn required(permissions: &[Permission]) -> Option<Vec<RequiredPermission>> {
    let mut required = permissions.iter().map(required_permission).collect::<Option<Vec<_>>>()?;
    required.sort();
    Some(required)
}

fn required_permission(permission: &Permission) -> Option<RequiredPermission> {
    let resource = match &permission.resource_app_id {
        Some(app_id) => app_id.parse().ok()?,
        None => MICROSOFT_GRAPH_APP_ID,
    };
    let (name, app_role) = match (&permission.value, &permission.id) {
        (Some(value), _) => {
            let known = catalog::app_role(value).filter(|_| resource == MICROSOFT_GRAPH_APP_ID);
            (PermissionName::Value(value.clone()), known)
        }
        (None, id) => {
            let id = Uuid::try_parse(id.as_deref()?).ok()?;
            (PermissionName::Id(id), Some(AppRoleId::new(id)))
        }
    };
    Some(RequiredPermission { name, kind: permission.kind, resource, app_role })
}
