//! `status`: what the operator last believed about the tenant.
//!
//! The schema of the status has no enum, pattern or bound, so that a newer operator can write to an older CRD;
//! text that this version does not know is therefore read as it stands.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Most entries of `status.drift`; `driftCount` tells how many there were.
pub const DRIFT_MAX: usize = 50;

/// The `observedGeneration` of an object that was never looked at.
pub const NEVER_OBSERVED: i64 = -1;

/// What the operator last believed about the tenant.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WebexAzureIntegrationStatus {
    /// Generation of the spec that this status speaks of; -1 before the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Value of the annotation reconcile.fluxcd.io/requestedAt that was last acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,

    /// Time of the last complete look. Written with any other change, otherwise once per heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_observed_time: Option<Time>,

    /// Figures for the columns of `kubectl get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,

    /// Revision of the built-in lists of permissions that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset_revision: Option<i64>,

    /// Each checked application, in the order: identity-integration, identity, additional applications by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub applications: Vec<ApplicationStatus>,

    /// What differs from the declaration, the gravest first; at most 50 entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<DriftEntry>,

    /// How many differences there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_count: Option<i64>,

    /// true: `drift` does not list all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_truncated: Option<bool>,

    /// Conditions in the sense of the Kubernetes API conventions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

impl WebexAzureIntegrationStatus {
    /// The condition of this type, if it is present.
    pub fn condition(&self, condition_type: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.type_ == condition_type)
    }

    /// The entry of the application with this name in the object.
    pub fn application(&self, name: &str) -> Option<&ApplicationStatus> {
        self.applications.iter().find(|application| application.name == name)
    }
}

/// Figures for the columns of `kubectl get`, which cannot compose text themselves.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Granted of required permissions, such as 7/8; `?` where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,

    /// Applications that are present of those checked, such as 2/2; `?` where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applications: Option<String>,
}

/// One checked application.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationStatus {
    /// Its name in this object: identity-integration, identity, or that of the additional application.
    pub name: String,

    /// Application (client) ID; left out while nothing proves which application it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,

    /// Object ID of its service principal as last seen; kept after deletion, because restore and audit log need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_principal_id: Option<String>,

    /// Object ID of the service principal that the present one replaced. The earlier one cannot be restored while the
    /// present one exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_service_principal_id: Option<String>,

    /// Object ID of its registration, where that is in this tenant and was deleted or deactivated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_object_id: Option<String>,

    /// Display name in the tenant, made safe to print.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,

    /// Present, `SoftDeleted`, Missing, Disabled, `DisabledByMicrosoft`, Deactivated, Ambiguous, `NotProved` or Unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,

    /// Whether it may sign in; left out while that is not checked or not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in_enabled: Option<bool>,

    /// Its permissions, where any are required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentStatus>,

    /// Where an administrator grants consent, where that is what is needed.
    #[serde(default, rename = "consentURL", skip_serializing_if = "Option::is_none")]
    pub consent_url: Option<String>,

    /// Its provisioning of people to Webex, where that is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning: Option<ProvisioningStatus>,

    /// None, Current, Expired or Unknown: its certificates and client secrets; left out while they are not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_state: Option<String>,

    /// Certificates and client secrets of its service principal, the one that ends first in front; at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateStatus>,

    /// The deleted service principal can be restored until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_before: Option<Time>,
}

/// Permissions of one application.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ConsentStatus {
    /// How many of the required permissions are granted; left out while that cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<i64>,

    /// How many are required.
    pub required: i64,

    /// Required and not granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,

    /// Granted and not required; at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<String>,

    /// Required permissions that were granted at some time; losing one of these is drift.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baseline: Vec<String>,

    /// All permissions as they were granted before that last changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
}

/// Provisioning of one application.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ProvisioningStatus {
    /// Active, Paused, Disabled, Quarantined, `NotRun`, Missing, `NotSupported` or Unknown.
    pub state: String,

    /// Template of the job that is looked at, which tells it from others of the same service principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,

    /// Templates of other provisioning jobs of the same service principal, which are not looked at; at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_jobs: Vec<String>,

    /// When it last succeeded; like `lastObservedTime` written with any other change, otherwise once per heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_time: Option<Time>,

    /// Failed or `EntryLevelErrors`, if the last cycle did not go well: altogether, or for some people or groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_cycle: Option<String>,

    /// Why, since when and until when it is in quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<QuarantineStatus>,

    /// The service principal came back not long ago; until then a job that does not run yet is no drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling_until: Option<Time>,
}

/// Quarantine of a provisioning job.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineStatus {
    /// Microsoft's word for the reason.
    pub reason: String,

    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,

    /// When Microsoft tries it again; like `lastSuccessTime` written with any other change, otherwise once per heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<Time>,

    /// When Microsoft switches the job off, if nothing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Time>,
}

/// A certificate or client secret of a service principal.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CertificateStatus {
    /// Certificate or `ClientSecret`.
    pub kind: String,

    /// Thumbprint of a certificate, as the Entra admin center shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbprint: Option<String>,

    /// Key ID, where there is no thumbprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,

    /// When it ends.
    pub not_after: Time,

    /// true: the certificate that sign-in answers are signed with at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// One difference between the tenant and the declaration.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DriftEntry {
    /// Name of the application in this object.
    pub application: String,

    /// What kind of difference, one of the documented reasons.
    pub reason: String,

    /// What was declared.
    pub expected: String,

    /// What was found.
    pub actual: String,

    /// Since when, as far as Microsoft Graph tells; else when the operator came to believe it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,

    /// Who did it, as far as the tenant's audit log tells; it comes minutes later than the difference itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<AttributionStatus>,

    /// What a person does about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<RemedyStatus>,
}

/// Who made a difference.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AttributionStatus {
    /// Who, by name or by ID as the operator was told to; made safe to print. Left out while not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,

    /// User, Application or Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,

    /// What the audit log calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<String>,

    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,

    /// Name of the operation in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,

    /// The same in one sentence, or why it is not known.
    pub text: String,
}

/// What a person does about a difference.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RemedyStatus {
    /// The kind of remedy: Restore, `RestoreApplication`, Consent, `EnableSignIn`, Reactivate, `SetUpAgain`, `ContactPublisher`,
    /// Assign, `SetPermissions`, `ReviewPermissions`, `StartProvisioning`, `MendProvisioning`, `RenewCertificate` or
    /// Investigate.
    pub action: String,

    /// Microsoft Entra role that suffices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,

    /// The page to do it on, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// Until when it can be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Time>,

    /// The whole instruction.
    pub text: String,
}
