//! Why something could not be read, as a reason and the sentences that say what to do.

use crate::api::{
    AppId, CREDENTIALS_LABEL, ConditionType, Reason, TenantId,
    reason::{ConditionStatus, TABLE},
};

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Obstacle {
    /// Reason of the condition `Observed`.
    pub reason: Reason,
    /// What is wrong and what to do; nothing in it changes from look to look.
    pub message: String,
    /// How long the other side asked to wait, in seconds.
    pub wait_seconds: Option<u32>,
}

impl Obstacle {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), wait_seconds: None }
    }

    /// Whether a person is needed: `Observed` is then False, else Unknown.
    pub fn needs_person(&self) -> bool {
        TABLE.iter().any(|row| {
            row.condition == ConditionType::Observed
                && row.status == ConditionStatus::False
                && row.reason == self.reason
        })
    }

    /// Order in which obstacles are reported: those that need a person first, then as in the table of reasons.
    pub fn gravity(&self) -> (bool, Reason) {
        (!self.needs_person(), self.reason)
    }

    /// The Secret does not exist.
    pub fn secret_not_found(namespace: &str, name: &str, key: &str) -> Self {
        Self::new(
            Reason::SecretNotFound,
            format!(
                "The Secret {namespace}/{name} does not exist, so the tenant cannot be read. Create it with the client secret \
                 under the key {key} and the label {CREDENTIALS_LABEL}=true."
            ),
        )
    }

    /// The Secret has no such key.
    pub fn secret_key_missing(namespace: &str, name: &str, key: &str) -> Self {
        Self::new(
            Reason::SecretKeyMissing,
            format!(
                "The Secret {namespace}/{name} has no key {key}, so the tenant cannot be read. Put the client secret there, \
                 or name the right key in spec.credentials.clientSecret.key."
            ),
        )
    }

    /// The key holds nothing that could be a client secret.
    pub fn secret_key_unusable(namespace: &str, name: &str, key: &str, what: &str) -> Self {
        Self::new(
            Reason::SecretKeyMissing,
            format!(
                "The key {key} of the Secret {namespace}/{name} {what}, so the tenant cannot be read. Put the value of the \
                 client secret there."
            ),
        )
    }

    /// The Secret was not released for this use.
    pub fn secret_not_labelled(namespace: &str, name: &str) -> Self {
        Self::new(
            Reason::SecretNotLabelled,
            format!(
                "The Secret {namespace}/{name} does not carry the label {CREDENTIALS_LABEL}=true, so it is not used. If it is \
                 meant for this operator: kubectl label secret --namespace {namespace} {name} {CREDENTIALS_LABEL}=true."
            ),
        )
    }

    /// Kubernetes does not let the operator read the Secret.
    pub fn secret_forbidden(namespace: &str, name: &str) -> Self {
        Self::new(
            Reason::SecretForbidden,
            format!(
                "The operator may not read the Secret {namespace}/{name}, so the tenant cannot be read. Add it to the chart's \
                 value credentials (namespace {namespace}, secret {name}), which makes the Role for it."
            ),
        )
    }

    /// The client secret was refused.
    pub fn credential_invalid(client: AppId, tenant: TenantId, code: &str) -> Self {
        Self::new(
            Reason::CredentialInvalid,
            format!(
                "Tenant {tenant} does not accept the client secret of application {client}{code}. Put a valid one into the \
                 Secret; a frequent mistake is the secret's ID in place of its value."
            ),
        )
    }

    /// The client secret has expired.
    pub fn credential_expired(client: AppId, tenant: TenantId, code: &str) -> Self {
        Self::new(
            Reason::CredentialExpired,
            format!(
                "The client secret of application {client} in tenant {tenant} has expired{code}. Create a new one under App \
                 registrations > Certificates & secrets and put its value into the Secret."
            ),
        )
    }

    /// The operator's own application does not exist or is switched off in the tenant.
    pub fn operator_app_not_consented(client: AppId, tenant: TenantId, code: &str) -> Self {
        Self::new(
            Reason::OperatorAppNotConsented,
            format!(
                "The operator's own application {client} is unknown or switched off in tenant {tenant}{code}, so the tenant \
                 cannot be read. Check spec.tenantId and spec.credentials.clientId, and Entra admin center > Enterprise \
                 applications > {client} > Properties."
            ),
        )
    }

    /// No such tenant in this cloud.
    pub fn tenant_not_found(tenant: TenantId, code: &str) -> Self {
        Self::new(
            Reason::TenantNotFound,
            format!(
                "There is no tenant {tenant} in this cloud{code}. Check the tenant ID (Entra admin center > Overview) and \
                 spec.cloud; both can only be changed by creating the object anew."
            ),
        )
    }

    /// The token is not for the declared tenant and application.
    pub fn tenant_not_allowed(client: AppId, tenant: TenantId) -> Self {
        Self::new(
            Reason::TenantNotAllowed,
            format!(
                "The token endpoint answered with a token that is not for application {client} in tenant {tenant}. It was not \
                 used. Check spec.tenantId and spec.credentials.clientId."
            ),
        )
    }

    /// Microsoft Graph did not take the token, nor a new one.
    pub fn token_refused(client: AppId, tenant: TenantId) -> Self {
        Self::new(
            Reason::CredentialInvalid,
            format!(
                "Microsoft Graph does not accept the tokens of application {client} in tenant {tenant}. They may have been revoked: \
                 check the application's sign-ins under Entra admin center > Sign-in logs > Service principal sign-ins."
            ),
        )
    }

    /// A permission of the operator's own application is lacking.
    pub fn permission_missing(client: AppId, permission: &str, purpose: &str) -> Self {
        Self::new(
            Reason::PermissionMissing,
            format!(
                "The operator's own application {client} lacks the application permission {permission} of Microsoft Graph, \
                 which {purpose} needs. Grant it under App registrations > {client} > API permissions, then grant admin consent."
            ),
        )
    }

    /// Asked to slow down.
    pub fn throttled(wait_seconds: Option<u32>) -> Self {
        Self {
            wait_seconds,
            ..Self::new(Reason::Throttled, "Microsoft Graph asked to slow down; the look is repeated when it allows.")
        }
    }

    /// A server error.
    pub fn graph_unavailable(status: u16, wait_seconds: Option<u32>) -> Self {
        Self {
            wait_seconds,
            ..Self::new(
                Reason::GraphUnavailable,
                format!("Microsoft Graph answered with status {status}; the look is repeated."),
            )
        }
    }

    /// No answer in time.
    pub fn timeout(what: &str) -> Self {
        Self::new(Reason::GraphTimeout, format!("{what} did not answer in time; the look is repeated."))
    }

    /// The token endpoint did not do its part.
    pub fn token_endpoint_unavailable(wait_seconds: Option<u32>) -> Self {
        Self {
            wait_seconds,
            ..Self::new(
                Reason::TokenEndpointUnavailable,
                "The token endpoint of Microsoft Entra did not answer as it should; the look is repeated.",
            )
        }
    }

    /// Not an answer that Microsoft Graph gives.
    pub fn malformed(what: &str) -> Self {
        Self::new(
            Reason::MalformedResponse,
            format!(
                "An answer was not what Microsoft Graph sends: {what}. A proxy in between may have sent it; the look is repeated."
            ),
        )
    }

    /// No connection.
    pub fn network(host: &str) -> Self {
        Self::new(
            Reason::NetworkUnavailable,
            format!(
                "No connection to {host} could be made; the look is repeated. Check DNS, network policies and proxy settings."
            ),
        )
    }

    /// The proxy does not let the operator through.
    pub fn proxy(host: &str) -> Self {
        Self::new(
            Reason::NetworkUnavailable,
            format!(
                "The proxy that is set for {host} refused to connect to it, or could not be reached, so nothing was sent; the \
                 look is repeated. Check HTTPS_PROXY and the credentials in it, NO_PROXY, and whether the proxy allows {host}."
            ),
        )
    }

    /// The other side could not prove who it is.
    pub fn tls(host: &str) -> Self {
        Self::new(
            Reason::TLSFailure,
            format!(
                "Whoever answered for {host} did not prove over TLS to be it, so nothing was sent. Check whether a proxy opens the \
                 connection, and whether its authority is in the operator's trust store or in the file of --trust-ca-file."
            ),
        )
    }
}
