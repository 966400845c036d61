//! Obstacles that the token endpoint or a token puts up: each family of Entra's errors with what to do about it.

use super::Obstacle;
use crate::{
    api::{AppId, Cloud, CredentialKind, Reason, TenantId},
    domain::text,
};

/// Who signed in, where, and how the endpoint named the trouble.
#[derive(Debug, Clone)]
pub struct SignIn<'a> {
    /// The operator's own application.
    pub client: AppId,
    /// The tenant.
    pub tenant: TenantId,
    /// With what.
    pub kind: CredentialKind,
    /// The number behind AADSTS in brackets with a space before it, or nothing. A hint for whoever searches for it.
    pub code: &'a str,
}

/// What a token of Kubernetes says of itself; foreign text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presented {
    /// Its issuer.
    pub issuer: String,
    /// Its subject.
    pub subject: String,
    /// Its audience.
    pub audience: String,
}

impl Obstacle {
    /// The credential was refused.
    pub fn credential_invalid(sign_in: &SignIn<'_>) -> Self {
        let SignIn { client, tenant, kind, code } = sign_in;
        let (what, remedy) = match kind {
            CredentialKind::ClientSecret => (
                "client secret",
                "Put a valid one into the Secret; a frequent mistake is the secret's ID in place of its value.",
            ),
            CredentialKind::ClientCertificate => (
                "certificate",
                "Register it under App registrations > Certificates & secrets > Certificates, or put the registered one with \
                 its key into the Secret; a clock that is wrong by minutes has the same effect.",
            ),
            CredentialKind::WorkloadIdentity | CredentialKind::OperatorIdentity => (
                "token of the ServiceAccount",
                "Check App registrations > Certificates & secrets > Federated credentials, and that the cluster's issuer is \
                 reachable from the internet with its present signing keys.",
            ),
        };
        Self::new(
            Reason::CredentialInvalid,
            format!("Tenant {tenant} does not accept the {what} of application {client}{code}. {remedy}"),
        )
    }

    /// The client secret has expired.
    pub fn credential_expired(sign_in: &SignIn<'_>) -> Self {
        let SignIn { client, tenant, kind, code } = sign_in;
        let what = match kind {
            CredentialKind::ClientCertificate => "certificate",
            CredentialKind::ClientSecret | CredentialKind::WorkloadIdentity | CredentialKind::OperatorIdentity => {
                "client secret"
            }
        };
        Self::new(
            Reason::CredentialExpired,
            format!(
                "The {what} of application {client} in tenant {tenant} has expired{code}. Create a new one under App \
                 registrations > Certificates & secrets and put it into the Secret."
            ),
        )
    }

    /// The assertion was refused for its time.
    pub fn assertion_out_of_time(sign_in: &SignIn<'_>) -> Self {
        let SignIn { client, tenant, code, .. } = sign_in;
        Self::new(
            Reason::CredentialInvalid,
            format!(
                "Tenant {tenant} finds the proof of application {client} outside its time{code}. Check the clock of the node \
                 that the operator runs on."
            ),
        )
    }

    /// No federated credential of the application matches the token of Kubernetes.
    pub fn federation_mismatch(sign_in: &SignIn<'_>, presented: &Presented) -> Self {
        let SignIn { client, tenant, code, .. } = sign_in;
        let Presented { issuer, subject, audience } = presented;
        Self::new(
            Reason::CredentialInvalid,
            text::capped(format!(
                "Application {client} in tenant {tenant} has no federated credential for what was presented{code}: issuer \
                 \"{issuer}\", subject \"{subject}\", audience \"{audience}\". Compare each letter under App registrations > \
                 {client} > Certificates & secrets > Federated credentials; a new one takes some minutes."
            )),
        )
    }

    /// The operator's own application is not in the tenant.
    pub fn operator_app_unknown(sign_in: &SignIn<'_>) -> Self {
        let SignIn { client, tenant, code, .. } = sign_in;
        Self::new(
            Reason::OperatorAppNotConsented,
            format!(
                "The operator's own application {client} is unknown or switched off in tenant {tenant}{code}, so the tenant \
                 cannot be read. Check spec.tenantId and spec.credentials.clientId, and Entra admin center > Enterprise \
                 applications > {client} > Properties."
            ),
        )
    }

    /// The operator's own application is switched off.
    pub fn operator_app_disabled(sign_in: &SignIn<'_>) -> Self {
        let SignIn { client, tenant, code, .. } = sign_in;
        Self::new(
            Reason::OperatorAppNotConsented,
            format!(
                "The operator's own application {client} is switched off in tenant {tenant}{code}, so the tenant cannot be \
                 read. Find out why, then set Entra admin center > Enterprise applications > {client} > Properties > Enabled \
                 for users to sign in to Yes."
            ),
        )
    }

    /// Nobody agreed to the operator's own application.
    pub fn operator_app_without_consent(sign_in: &SignIn<'_>) -> Self {
        let SignIn { client, tenant, code, .. } = sign_in;
        Self::new(
            Reason::OperatorAppNotConsented,
            format!(
                "No administrator of tenant {tenant} has consented to the operator's own application {client}{code}, so the \
                 tenant cannot be read. A Privileged Role Administrator grants it under Entra admin center > Enterprise \
                 applications > {client} > Permissions."
            ),
        )
    }

    /// The operator's own application is set up wrongly.
    pub fn operator_app_misconfigured(sign_in: &SignIn<'_>) -> Self {
        let SignIn { client, tenant, code, .. } = sign_in;
        Self::new(
            Reason::OperatorAppNotConsented,
            format!(
                "The operator's own application {client} may not ask for Microsoft Graph in tenant {tenant}{code}. Check App \
                 registrations > {client} > API permissions for application permissions of Microsoft Graph, and the \
                 tenant's licence."
            ),
        )
    }

    /// The operator's own application needs an assignment and has none.
    pub fn operator_app_not_assigned(sign_in: &SignIn<'_>) -> Self {
        let SignIn { client, tenant, code, .. } = sign_in;
        Self::new(
            Reason::OperatorAppNotConsented,
            format!(
                "Tenant {tenant} lets only assigned applications in, and the operator's own application {client} is not \
                 assigned{code}. Assign it, or set Assignment required to No under Entra admin center > Enterprise \
                 applications > Properties."
            ),
        )
    }

    /// No such tenant in this cloud.
    pub fn tenant_not_found(sign_in: &SignIn<'_>) -> Self {
        let SignIn { tenant, code, .. } = sign_in;
        Self::new(
            Reason::TenantNotFound,
            format!(
                "There is no tenant {tenant} in this cloud{code}. Check the tenant ID (Entra admin center > Overview) and \
                 spec.cloud; both can only be changed by creating the object anew."
            ),
        )
    }

    /// The token endpoint says that the tenant is in another cloud.
    pub fn wrong_cloud(sign_in: &SignIn<'_>) -> Self {
        let SignIn { tenant, code, .. } = sign_in;
        Self::new(
            Reason::WrongCloud,
            format!(
                "Tenant {tenant} is not in the cloud that spec.cloud names{code}, so nothing was asked. The cloud can only be \
                 changed by creating the object anew."
            ),
        )
    }

    /// The token gives itself away as one of another cloud.
    pub fn token_of_another_cloud(tenant: TenantId, cloud: Cloud) -> Self {
        Self::new(
            Reason::WrongCloud,
            format!(
                "The token for tenant {tenant} is one of cloud {cloud:?}, which spec.cloud does not name; it was not used. \
                 The cloud can only be changed by creating the object anew."
            ),
        )
    }

    /// A policy keeps the application out.
    pub fn conditional_access(sign_in: &SignIn<'_>) -> Self {
        let SignIn { client, tenant, code, .. } = sign_in;
        Self::new(
            Reason::ConditionalAccessBlocked,
            format!(
                "A Conditional Access policy for workload identities keeps application {client} out of tenant {tenant}{code}. \
                 A Conditional Access Administrator finds which one under Entra admin center > Sign-in logs > Service \
                 principal sign-ins, and can exclude this application or allow the operator's addresses."
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

    /// Microsoft Graph asked for a token with other claims, and did not take that one either.
    pub fn claims_challenge(client: AppId, tenant: TenantId) -> Self {
        Self::new(
            Reason::ClaimsChallenge,
            format!(
                "Microsoft Graph asks application {client} in tenant {tenant} to sign in anew, and does not take the new \
                 token. Its sessions may have been revoked or its risk raised: check Entra admin center > Sign-in logs > \
                 Service principal sign-ins and Identity Protection > Risky workload identities."
            ),
        )
    }
}
