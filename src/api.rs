//! The custom resource `WebexAzureIntegration`: its spec, its status, the rules on both and the reasons it can give.
//!
//! Owns the words of the interface. Knows nothing else of this crate: not Microsoft Graph, not how a verdict is reached.

pub mod crd;
pub mod identifier;
pub mod reason;
pub mod rule;
pub mod schema;
pub mod spec;
pub mod status;
pub mod validation;

pub use crd::crd;
pub use identifier::{AppId, ObjectId, TenantId};
pub use reason::{ConditionType, Reason};
pub use spec::{
    AdditionalApplication, CertificateReference, Certificates, Cloud, CredentialKind, CredentialSource, Credentials,
    DriftPolicy, ExtraPermissions, Identity, IdentityIntegration, Mode, OperatorIdentity, Permission, PermissionKind,
    Provisioning, SecretKeyReference, SignIn, WebexAzureIntegration, WebexAzureIntegrationSpec, WorkloadIdentity,
};
pub use status::WebexAzureIntegrationStatus;

/// API group of the custom resource.
pub const GROUP: &str = "webexazure.dev";

/// Label that a Secret must carry (with the value `true`) before its content is used as a credential.
pub const CREDENTIALS_LABEL: &str = "webexazure.dev/credentials";

/// Annotation that binds a ServiceAccount to the one application that it may sign in as.
///
/// The name is that of Microsoft's workload identity webhook, so that accounts which are set up for it work unchanged.
/// <https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html>
pub const CLIENT_ID_ANNOTATION: &str = "azure.workload.identity/client-id";

/// Annotation that asks for a look at once; its value is echoed in `status.lastHandledReconcileAt`.
///
/// The name is Flux's, so that `flux reconcile` and its like work unchanged.
pub const REQUESTED_AT_ANNOTATION: &str = "reconcile.fluxcd.io/requestedAt";
