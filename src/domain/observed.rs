//! What was seen in the tenant. Each question has three answers: known, absent, unreadable; the last is never taken for
//! the second.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{catalog::MICROSOFT_GRAPH_APP_ID, obstacle::Obstacle};
use crate::api::{
    AppId, ObjectId, TenantId,
    identifier::{AppRoleId, ScopeId},
};

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reading<T> {
    /// The tenant has it.
    Known(T),
    /// The tenant does not have it.
    Absent,
    /// The tenant did not tell.
    Unreadable(Obstacle),
    /// Nobody asked, because nothing depended on it.
    NotAsked,
}

impl<T> Reading<T> {
    /// The value, if it is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unreadable(_) | Self::NotAsked => None,
        }
    }

    /// What stood in the way, if something did.
    pub const fn obstacle(&self) -> Option<&Obstacle> {
        match self {
            Self::Unreadable(obstacle) => Some(obstacle),
            Self::Known(_) | Self::Absent | Self::NotAsked => None,
        }
    }
}

/// One look at a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Observation {
    /// The tenant could not be asked anything.
    Blocked(Obstacle),
    /// What it told.
    Looked(Observed),
}

/// What the tenant told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Observed {
    /// The service principals that permissions are granted on, Microsoft Graph's own first of all.
    pub resources: BTreeMap<AppId, Reading<ResourcePrincipal>>,
    /// Further ones of which permissions are held and whose names could not be read. Never counts as an obstacle.
    pub unnamed: BTreeSet<ObjectId>,
    /// Which application may be "Cisco Webex Identity"; asked only while that is not known.
    pub identity: Reading<Candidates>,
    /// What the audit log says of differences; asked only where there is one. Never counts as an obstacle.
    pub audits: BTreeMap<AuditQuestion, Reading<Vec<AuditRecord>>>,
    /// Each application that was asked about.
    pub applications: BTreeMap<AppId, ObservedApplication>,
}

impl Observed {
    /// Microsoft Graph's own service principal.
    pub fn microsoft_graph(&self) -> &Reading<ResourcePrincipal> {
        self.resources.get(&MICROSOFT_GRAPH_APP_ID).unwrap_or(&Reading::NotAsked)
    }

    /// The gravest obstacle that was met; among equals the first in order of the questions.
    pub fn obstacle(&self) -> Option<&Obstacle> {
        let of_applications = self.applications.values().flat_map(ObservedApplication::obstacles);
        let of_resources = self.resources.values().filter_map(Reading::obstacle);
        let of_identity = self.identity.obstacle().into_iter();
        of_resources.chain(of_identity).chain(of_applications).min_by_key(|obstacle| obstacle.gravity())
    }
}

/// A service principal that offers permissions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourcePrincipal {
    /// Its object ID in this tenant.
    pub id: ObjectId,
    /// Its display name; foreign text.
    pub display_name: String,
    /// IDs of the app roles that had to be looked up, by value.
    pub app_roles: BTreeMap<String, AppRoleId>,
    /// IDs of the delegated permissions that had to be looked up, by value.
    pub scopes: BTreeMap<String, ScopeId>,
}

/// What the tenant told about one application.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObservedApplication {
    /// Its service principal.
    pub service_principal: Reading<ServicePrincipal>,
    /// Application permissions granted to it.
    pub app_role_assignments: Reading<BTreeSet<AppRoleAssignment>>,
    /// Delegated permissions granted to it.
    pub oauth2_permission_grants: Reading<BTreeSet<OAuth2PermissionGrant>>,
    /// Its deleted service principals; asked only when none is present.
    pub deleted_service_principals: Reading<Vec<DeletedObject>>,
    /// Its deleted registrations in this tenant; asked only when no service principal is present.
    pub deleted_applications: Reading<Vec<DeletedObject>>,
    /// Who is assigned to it; asked where provisioning is required or nobody else gets tokens.
    pub assigned: Reading<Assigned>,
    /// Its provisioning jobs; asked where provisioning is required.
    pub jobs: Reading<Vec<SynchronizationJob>>,
    /// Its certificates and client secrets, as read within the last hours.
    pub credentials: Reading<Vec<PrincipalCredential>>,
    /// Its registration in this tenant; asked only while it is deactivated, because records of that name the registration.
    /// Never counts as an obstacle, because nothing that is declared depends on it.
    pub registration: Reading<ObjectId>,
}

impl ObservedApplication {
    fn obstacles(&self) -> impl Iterator<Item = &Obstacle> {
        [
            self.service_principal.obstacle(),
            self.app_role_assignments.obstacle(),
            self.oauth2_permission_grants.obstacle(),
            self.deleted_service_principals.obstacle(),
            self.deleted_applications.obstacle(),
            self.assigned.obstacle(),
            // A cloud without provisioning jobs will not have any at the next look; that is told by their condition.
            self.jobs.obstacle().filter(|obstacle| !obstacle.is_not_offered()),
            self.credentials.obstacle(),
        ]
        .into_iter()
        .flatten()
    }
}

/// A service principal, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServicePrincipal {
    /// Object ID in this tenant.
    pub id: ObjectId,
    /// Display name as the tenant has it; foreign text.
    pub display_name: String,
    /// Tenant in which the application is registered.
    pub owner: Option<TenantId>,
    /// Sign-in switch of this tenant.
    pub account_enabled: Switch,
    /// Whether the owner deactivated the application.
    pub is_disabled: Switch,
    /// Whether Microsoft disabled it.
    pub disabled_by_microsoft: Switch,
    /// Whether it gets tokens only for whoever is assigned to it.
    pub assignment_required: bool,
    /// Thumbprint of the certificate that signs its sign-in answers, in upper-case hexadecimal digits.
    pub signing_thumbprint: Option<String>,
}

/// A switch as Microsoft Graph reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
    /// A value that this version does not know.
    Unrecognised,
}

/// An application permission that is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppRoleAssignment {
    /// Service principal that offers the permission.
    pub resource: ObjectId,
    /// The permission.
    pub app_role: AppRoleId,
}

/// A delegated permission that is granted, one value of a grant's scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OAuth2PermissionGrant {
    /// Service principal that offers the permission.
    pub resource: ObjectId,
    /// For whom.
    pub consent: ConsentType,
    /// Value of the permission.
    pub scope: String,
}

/// For whom a delegated permission is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsentType {
    /// For everyone: an administrator's consent.
    AllPrincipals,
    /// For one user only, or a value that this version does not know: not an administrator's consent.
    OnePrincipal,
}

/// An object in the tenant's deleted items.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeletedObject {
    /// When it was deleted, where told.
    pub deleted: Option<Timestamp>,
    /// Object ID.
    pub id: ObjectId,
    /// Display name; foreign text.
    pub display_name: String,
}

/// Applications that may be "Cisco Webex Identity".
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Candidates {
    /// Those that the integration created or owns, which proves them.
    pub proved: BTreeMap<AppId, Candidate>,
    /// Those that only have its name.
    pub suggested: BTreeMap<AppId, Candidate>,
}

impl Candidates {
    /// The one that is proved, if there is exactly one.
    pub fn only_proved(&self) -> Option<AppId> {
        let mut proved = self.proved.keys();
        proved.next().copied().filter(|_| proved.next().is_none())
    }
}

/// A service principal that may be the one that is sought.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Its object ID.
    pub id: ObjectId,
    /// Its display name; foreign text.
    pub display_name: String,
}

/// Who is assigned to a service principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Assigned {
    /// Whether anyone or anything is.
    pub any: bool,
    /// Whether a user or a group is.
    pub people: bool,
}

/// A provisioning job of a service principal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SynchronizationJob {
    /// Its ID; foreign text.
    pub id: String,
    /// ID of the template that it was made from; foreign text.
    pub template_id: String,
    /// Whether it runs by its schedule.
    pub schedule: ScheduleState,
    /// Pause between its cycles, where told.
    pub interval: Option<SignedDuration>,
    /// How it is.
    pub code: SynchronizationCode,
    /// Its quarantine, if it is in one.
    pub quarantine: Option<Quarantine>,
    /// When its last successful cycle ended.
    pub last_success: Option<Timestamp>,
    /// When its last cycle ended, and whether as hoped.
    pub last_cycle: Option<Cycle>,
    /// Cycles in a row that failed altogether.
    pub failures: i64,
    /// Objects that it keeps in step, where told.
    pub synchronized: Option<i64>,
}

/// `synchronizationSchedule.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScheduleState {
    /// It runs.
    Active,
    /// It was switched off.
    Disabled,
    /// It was paused.
    Paused,
    /// A value that this version does not know.
    Unrecognised,
}

/// `synchronizationStatus.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SynchronizationCode {
    /// It lacks an address or a credential.
    NotConfigured,
    /// It was never started, or its first cycle has not ended.
    NotRun,
    /// It runs.
    Active,
    /// It was stopped.
    Paused,
    /// It is in quarantine.
    Quarantine,
    /// A value that this version does not know.
    Unrecognised,
}

/// Quarantine of a provisioning job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quarantine {
    /// Microsoft's word for the reason; foreign text.
    pub reason: String,
    /// When the series of quarantines began, from which the 28 days count.
    pub since: Option<Timestamp>,
    /// When it is tried again.
    pub next_attempt: Option<Timestamp>,
    /// Code of the error behind it; foreign text.
    pub error_code: Option<String>,
}

/// The last cycle of a provisioning job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cycle {
    /// When it ended.
    pub ended: Timestamp,
    /// How.
    pub state: CycleState,
}

/// `synchronizationTaskExecution.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CycleState {
    /// All went well.
    Succeeded,
    /// It failed altogether.
    Failed,
    /// Some people or groups could not be provisioned.
    EntryLevelErrors,
    /// A value that this version does not know.
    Unrecognised,
}

/// A certificate or client secret of a service principal. Never its content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalCredential {
    /// When it ends, where told.
    pub not_after: Option<Timestamp>,
    /// Which kind.
    pub kind: PrincipalCredentialKind,
    /// Thumbprint of a certificate in upper-case hexadecimal digits, where told.
    pub thumbprint: Option<String>,
    /// Its key ID; foreign text.
    pub key_id: String,
}

/// The kind of a credential of a service principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalCredentialKind {
    /// A certificate.
    Certificate,
    /// A client secret. The passwords of signing certificates are left out.
    ClientSecret,
}

/// What to ask the audit log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditQuestion {
    /// From when on.
    pub since: Timestamp,
    /// What the record is about.
    pub subject: AuditSubject,
}

/// What an audit record is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditSubject {
    /// Records whose target is this object.
    Target(ObjectId),
    /// Records of this activity, whoever their target is.
    Activity(&'static str),
    /// Records that this service of Microsoft keeps.
    Service(&'static str),
}

/// A record of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AuditRecord {
    /// When it happened.
    pub at: Timestamp,
    /// What Microsoft calls it; foreign text.
    pub activity: String,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// Name of the operation; foreign text.
    pub correlation_id: Option<String>,
    /// Who did it.
    pub initiator: Initiator,
    /// What it was done to: IDs of targets; foreign text.
    pub targets: Vec<String>,
    /// What it changed, of every target.
    pub changes: Vec<Change>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// A person.
    User {
        /// Object ID.
        id: Option<String>,
        /// Sign-in name; foreign text.
        name: Option<String>,
    },
    /// An application, or a service of Microsoft's own, which has no IDs.
    Application {
        /// Application ID.
        app_id: Option<String>,
        /// Object ID of its service principal.
        principal_id: Option<String>,
        /// Display name; foreign text.
        name: Option<String>,
    },
    /// Nobody is named.
    Unknown,
}

/// A property that a record says was changed, with the JSON inside its strings unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// Its name.
    pub property: String,
    /// Its value before; foreign text.
    pub old: Option<String>,
    /// Its value afterwards; foreign text.
    pub new: Option<String>,
}
