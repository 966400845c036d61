//! `spec`: what an author declares about one tenant.
//!
//! No field holds a URL or a host: the cloud alone chooses where credentials and requests go.

#![expect(clippy::duplicated_attributes, reason = "every column of the table repeats the words of the others")]

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{rule, status::WebexAzureIntegrationStatus};

/// Declares the Microsoft Entra side of one Webex organization: the enterprise applications that Cisco Webex Control
/// Hub depends on, and what they must be granted. The operator compares the tenant with it and reports drift.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "webexazure.dev",
    version = "v1alpha1",
    kind = "WebexAzureIntegration",
    plural = "webexazureintegrations",
    singular = "webexazureintegration",
    shortname = "wai",
    category = "webex",
    category = "entra",
    namespaced,
    status = "WebexAzureIntegrationStatus",
    derive = "PartialEq",
    doc = "A Cisco Webex integration with Microsoft Entra ID, and whether the tenant still is as declared.",
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "Drifted", type_ = "string", json_path = r#".status.conditions[?(@.type=="Drifted")].status"#),
    printcolumn(name = "Consent", type_ = "string", json_path = ".status.summary.consent"),
    printcolumn(name = "Apps", type_ = "string", json_path = ".status.summary.applications"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Tenant", type_ = "string", json_path = ".spec.tenantId", priority = 1),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode", priority = 1),
    printcolumn(name = "Observed at", type_ = "date", json_path = ".status.lastObservedTime", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    )
)]
#[x_kube(
    validation = Rule::new(rule::PRESET_CLOUD.expression).message(rule::PRESET_CLOUD.message).field_path(".identityIntegration"),
    validation = Rule::new(rule::SOMETHING_CHECKED.expression).message(rule::SOMETHING_CHECKED.message),
    validation = Rule::new(rule::PRESET_NOT_REPEATED.expression).message(rule::PRESET_NOT_REPEATED.message).field_path(".additionalApplications"),
    validation = Rule::new(rule::PRESETS_DIFFER.expression).message(rule::PRESETS_DIFFER.message).field_path(".identity.appId")
)]
#[serde(rename_all = "camelCase")]
pub struct WebexAzureIntegrationSpec {
    /// Tenant (directory) ID of the Microsoft Entra tenant. Cannot be changed.
    #[schemars(length(max = 36), regex(pattern = rule::UUID_PATTERN))]
    #[x_kube(validation = Rule::new(rule::TENANT_IMMUTABLE.expression).message(rule::TENANT_IMMUTABLE.message))]
    pub tenant_id: String,

    /// Microsoft cloud of the tenant: Global (also GCC), `USGovernment` (GCC High), `USGovernmentDoD` or China.
    /// It alone decides which hosts are called. Cannot be changed.
    #[serde(default)]
    #[x_kube(validation = Rule::new(rule::CLOUD_IMMUTABLE.expression).message(rule::CLOUD_IMMUTABLE.message))]
    pub cloud: Cloud,

    /// Webex organization ID (UUID, from Control Hub > Account); quoted in messages so that a reader of several
    /// organizations knows which one is affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 36), regex(pattern = rule::UUID_PATTERN))]
    pub organization_id: Option<String>,

    /// How the operator signs in to this tenant, to read it.
    pub credentials: Credentials,

    /// "Cisco Webex Identity Integration", whose admin consent lets Webex read the directory.
    #[serde(default)]
    pub identity_integration: IdentityIntegration,

    /// "Cisco Webex Identity", which carries the provisioning of people to Webex.
    #[serde(default)]
    pub identity: Identity,

    /// Further enterprise applications that Webex needs in this tenant, such as the hybrid calendar's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = rule::ADDITIONAL_APPLICATIONS_MAX))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = Rule::new(rule::UNIQUE_APP_ID.expression).message(rule::UNIQUE_APP_ID.message),
        validation = Rule::new(rule::RESERVED_NAME.expression).message(rule::RESERVED_NAME.message)
    )]
    pub additional_applications: Vec<AdditionalApplication>,

    /// Observe: report only, change nothing in the tenant.
    #[serde(default)]
    pub mode: Mode,

    /// Fail: drift makes the object not Ready. Warn: Ready stays True and only the condition Drifted tells.
    #[serde(default)]
    pub drift_policy: DriftPolicy,

    /// Pause between two looks at the tenant, 30s to 24h, written in hours, minutes and seconds.
    #[serde(default = "default_interval")]
    #[schemars(length(max = rule::DURATION_MAX))]
    #[x_kube(validation = Rule::new(rule::INTERVAL.expression).message(rule::INTERVAL.message))]
    pub interval: String,

    /// true: do not look at the tenant; the status keeps what was last known.
    #[serde(default)]
    pub suspend: bool,
}

fn default_interval() -> String {
    "5m".to_owned()
}

/// A Microsoft cloud; each has its own hosts, and tokens of one mean nothing to another.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cloud {
    /// The worldwide cloud, also used by GCC.
    #[default]
    Global,
    /// US Government L4 (GCC High).
    USGovernment,
    /// US Government L5 (DoD).
    USGovernmentDoD,
    /// Microsoft Entra operated by 21Vianet.
    China,
}

/// How the operator signs in.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(rule::ONE_CREDENTIAL.expression).message(rule::ONE_CREDENTIAL.message))]
pub struct Credentials {
    /// Application (client) ID of the operator's own app in that tenant.
    #[schemars(length(max = 36), regex(pattern = rule::UUID_PATTERN))]
    pub client_id: String,

    /// Client secret of that app, kept in a Secret of the same namespace that carries the label
    /// `webexazure.dev/credentials: "true"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretKeyReference>,

    /// Certificate of that app with its RSA private key, kept in a Secret of the same namespace that carries the label
    /// `webexazure.dev/credentials: "true"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<CertificateReference>,

    /// A ServiceAccount of the same namespace that the app trusts as a federated credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_identity: Option<WorkloadIdentity>,

    /// The identity of the operator's own pod; only for the namespaces and tenants that whoever runs the operator allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_identity: Option<OperatorIdentity>,
}

impl Credentials {
    /// What is signed in with, if exactly one is given.
    pub fn source(&self) -> Option<CredentialSource> {
        let Self { client_id: _, client_secret, client_certificate, workload_identity, operator_identity } = self;
        match (client_secret, client_certificate, workload_identity, operator_identity) {
            (Some(secret), None, None, None) => Some(CredentialSource::ClientSecret(secret.clone())),
            (None, Some(certificate), None, None) => Some(CredentialSource::ClientCertificate(certificate.clone())),
            (None, None, Some(identity), None) => Some(CredentialSource::WorkloadIdentity(identity.clone())),
            (None, None, None, Some(OperatorIdentity {})) => Some(CredentialSource::OperatorIdentity),
            _ => None,
        }
    }
}

/// The one thing that is signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// A client secret in a Secret.
    ClientSecret(SecretKeyReference),
    /// A certificate with its private key in a Secret.
    ClientCertificate(CertificateReference),
    /// A token of a ServiceAccount.
    WorkloadIdentity(WorkloadIdentity),
    /// The token of the operator's own pod.
    OperatorIdentity,
}

impl CredentialSource {
    /// Which kind it is.
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::ClientSecret(_) => CredentialKind::ClientSecret,
            Self::ClientCertificate(_) => CredentialKind::ClientCertificate,
            Self::WorkloadIdentity(_) => CredentialKind::WorkloadIdentity,
            Self::OperatorIdentity => CredentialKind::OperatorIdentity,
        }
    }
}

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialKind {
    /// A client secret.
    ClientSecret,
    /// A certificate.
    ClientCertificate,
    /// A token of a ServiceAccount.
    WorkloadIdentity,
    /// The token of the operator's own pod.
    OperatorIdentity,
}

impl CredentialKind {
    /// Its name in the spec.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "clientSecret",
            Self::ClientCertificate => "clientCertificate",
            Self::WorkloadIdentity => "workloadIdentity",
            Self::OperatorIdentity => "operatorIdentity",
        }
    }
}

/// A ServiceAccount of the object's own namespace; by construction no other namespace can be named.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadIdentity {
    /// Name of the ServiceAccount. It carries the annotation `azure.workload.identity/client-id` with the same ID as
    /// clientId, so that no stronger account of the namespace can be borrowed.
    #[schemars(length(min = 1, max = rule::OBJECT_NAME_MAX), regex(pattern = rule::OBJECT_NAME_PATTERN))]
    pub service_account_name: String,
}

/// The operator's own identity; nothing about it can be chosen here.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct OperatorIdentity {}

/// A certificate with its private key in a Secret of the object's own namespace; by construction no other namespace can
/// be named.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CertificateReference {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = rule::OBJECT_NAME_MAX), regex(pattern = rule::OBJECT_NAME_PATTERN))]
    pub name: String,

    /// Key in its data under which certificate and private key stand together as PEM. Left out: the Secret is of type
    /// kubernetes.io/tls, with tls.crt and tls.key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::OBJECT_NAME_MAX), regex(pattern = rule::SECRET_KEY_PATTERN))]
    pub key: Option<String>,
}

/// One key of a Secret in the object's own namespace; by construction no other namespace can be named.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyReference {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = rule::OBJECT_NAME_MAX), regex(pattern = rule::OBJECT_NAME_PATTERN))]
    pub name: String,

    /// Key in its data.
    #[schemars(length(min = 1, max = rule::OBJECT_NAME_MAX), regex(pattern = rule::SECRET_KEY_PATTERN))]
    pub key: String,
}

/// The preset for "Cisco Webex Identity Integration".
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IdentityIntegration {
    /// false: leave this application out.
    #[serde(default = "enabled")]
    pub check: bool,

    /// Application ID, only if it differs from 90db942a-c1eb-4e8d-82e4-eebf64a7e2ae (needed outside cloud Global).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 36), regex(pattern = rule::UUID_PATTERN))]
    pub app_id: Option<String>,

    /// Permissions that must be granted; replaces the preset's eight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::PERMISSIONS_MAX))]
    #[x_kube(validation = Rule::new(rule::UNIQUE_PERMISSION.expression).message(rule::UNIQUE_PERMISSION.message))]
    pub permissions: Option<Vec<Permission>>,

    /// What is done about permissions that are granted beyond the list.
    #[serde(default)]
    pub extra_permissions: ExtraPermissions,
}

impl Default for IdentityIntegration {
    fn default() -> Self {
        Self { check: true, app_id: None, permissions: None, extra_permissions: ExtraPermissions::Ignore }
    }
}

/// The preset for "Cisco Webex Identity".
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// false: leave this application out.
    #[serde(default = "enabled")]
    pub check: bool,

    /// Application ID in this tenant (Entra admin center > Enterprise applications > Cisco Webex Identity). Left out: the
    /// application that "Cisco Webex Identity Integration" created or owns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 36), regex(pattern = rule::UUID_PATTERN))]
    pub app_id: Option<String>,

    /// Its provisioning of people to Webex.
    #[serde(default = "Provisioning::required")]
    pub provisioning: Provisioning,

    /// Its certificates and client secrets.
    #[serde(default)]
    pub certificates: Certificates,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            check: true,
            app_id: None,
            provisioning: Provisioning::required(),
            certificates: Certificates::default(),
        }
    }
}

/// What is required of provisioning jobs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Provisioning {
    /// true: a provisioning job must run; to see it the operator's application needs Synchronization.Read.All.
    pub required: bool,
}

impl Provisioning {
    const fn required() -> Self {
        Self { required: true }
    }

    const fn not_required() -> Self {
        Self { required: false }
    }
}

/// When the end of certificates and client secrets is told.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Certificates {
    /// How long before its end a certificate or client secret is told to be renewed, 1h to 8760h, written in hours,
    /// minutes and seconds.
    #[serde(default = "default_warn_before")]
    #[schemars(length(max = rule::DURATION_MAX))]
    #[x_kube(validation = Rule::new(rule::WARN_BEFORE.expression).message(rule::WARN_BEFORE.message))]
    pub warn_before: String,
}

impl Default for Certificates {
    fn default() -> Self {
        Self { warn_before: default_warn_before() }
    }
}

fn default_warn_before() -> String {
    "720h".to_owned()
}

/// What is done about permissions that are granted beyond the list.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExtraPermissions {
    /// Nothing; the status lists them.
    #[default]
    Ignore,
    /// An event tells about them.
    Report,
    /// They are drift.
    Drift,
}

const fn enabled() -> bool {
    true
}

/// An enterprise application that is not one of the two presets.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AdditionalApplication {
    /// Short name of your choice, unique in this object; used in status and messages.
    #[schemars(length(min = 1, max = rule::NAME_MAX), regex(pattern = rule::NAME_PATTERN))]
    pub name: String,

    /// Application ID.
    #[schemars(length(max = 36), regex(pattern = rule::UUID_PATTERN))]
    pub app_id: String,

    /// Enabled: sign-in must be switched on. Any: not checked.
    #[serde(default)]
    pub sign_in: SignIn,

    /// Permissions that must be granted; none if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = rule::PERMISSIONS_MAX))]
    #[x_kube(validation = Rule::new(rule::UNIQUE_PERMISSION.expression).message(rule::UNIQUE_PERMISSION.message))]
    pub permissions: Vec<Permission>,

    /// What is done about permissions that are granted beyond the list.
    #[serde(default)]
    pub extra_permissions: ExtraPermissions,

    /// Its provisioning of people to Webex.
    #[serde(default = "Provisioning::not_required")]
    pub provisioning: Provisioning,

    /// Its certificates and client secrets.
    #[serde(default)]
    pub certificates: Certificates,
}

/// A permission of Microsoft Graph or of another resource, named by its value or by its ID.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(rule::VALUE_OR_ID.expression).message(rule::VALUE_OR_ID.message))]
pub struct Permission {
    /// Its value as Microsoft Graph writes it, such as Group.Read.All.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::PERMISSION_VALUE_MAX), regex(pattern = rule::PERMISSION_VALUE_PATTERN))]
    pub value: Option<String>,

    /// Its ID, instead of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 36), regex(pattern = rule::UUID_PATTERN))]
    pub id: Option<String>,

    /// Application (without a signed-in user), Delegated (on behalf of users, for the whole organization) or Either.
    pub kind: PermissionKind,

    /// Application ID of the resource that offers it; Microsoft Graph if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 36), regex(pattern = rule::UUID_PATTERN))]
    pub resource_app_id: Option<String>,
}

/// How a permission is granted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PermissionKind {
    /// By an app role assignment.
    Application,
    /// By a permission grant for all principals.
    Delegated,
    /// By one or the other.
    Either,
}

/// What is required of the sign-in switches.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SignIn {
    /// Switched on.
    #[default]
    Enabled,
    /// Not checked.
    Any,
}

/// What the operator may do.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Report only.
    #[default]
    Observe,
}

/// What drift does to `Ready`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DriftPolicy {
    /// Not Ready.
    #[default]
    Fail,
    /// Ready all the same; `Drifted` tells.
    Warn,
}
