//! Obstacles on this side: Secrets, certificates, ServiceAccounts and the operator's own identity.

use super::Obstacle;
use crate::api::{AppId, CLIENT_ID_ANNOTATION, CREDENTIALS_LABEL, Reason, TenantId};

impl Obstacle {
    /// The Secret does not exist; `content` is what should be in it.
    pub fn secret_not_found(namespace: &str, name: &str, content: &str) -> Self {
        Self::new(
            Reason::SecretNotFound,
            format!(
                "The Secret {namespace}/{name} does not exist, so the tenant cannot be read. Create it with {content} and \
                 the label {CREDENTIALS_LABEL}=true."
            ),
        )
    }

    /// The Secret has no such key; `content` is what should be there, `field` where the spec names the key.
    pub fn secret_key_missing(namespace: &str, name: &str, key: &str, content: &str, field: &str) -> Self {
        Self::new(
            Reason::SecretKeyMissing,
            format!(
                "The Secret {namespace}/{name} has no key {key}, so the tenant cannot be read. Put {content} there, or name \
                 the right key in {field}."
            ),
        )
    }

    /// The key holds nothing that could be a credential.
    pub fn secret_key_unusable(namespace: &str, name: &str, key: &str, what: &str, content: &str) -> Self {
        Self::new(
            Reason::SecretKeyMissing,
            format!(
                "The key {key} of the Secret {namespace}/{name} {what}, so the tenant cannot be read. Put {content} there."
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

    /// What stands in the Secret is no certificate that can be signed in with.
    pub fn certificate_unusable(namespace: &str, name: &str, what: &str) -> Self {
        Self::new(
            Reason::CredentialInvalid,
            format!(
                "The certificate in the Secret {namespace}/{name} cannot be used: {what}. Put a certificate and its \
                 unencrypted RSA private key of 2048 to 4096 bits there, as PEM."
            ),
        )
    }

    /// The certificate's time is over.
    pub fn certificate_expired(client: AppId, thumbprint: &str, not_after: &str) -> Self {
        Self::new(
            Reason::CredentialExpired,
            format!(
                "The certificate {thumbprint} of application {client} expired at {not_after}, so nothing was asked. Register \
                 a new one under App registrations > {client} > Certificates & secrets and put it with its key into the Secret."
            ),
        )
    }

    /// The certificate's time has not come.
    pub fn certificate_not_yet_valid(client: AppId, thumbprint: &str, not_before: &str) -> Self {
        Self::new(
            Reason::CredentialInvalid,
            format!(
                "The certificate {thumbprint} of application {client} is not valid before {not_before}, so nothing was asked. \
                 Check the clock of the node that the operator runs on, or use another certificate."
            ),
        )
    }

    /// The ServiceAccount does not exist.
    pub fn service_account_missing(namespace: &str, name: &str, client: AppId) -> Self {
        Self::new(
            Reason::ServiceAccountNotBound,
            format!(
                "The ServiceAccount {namespace}/{name} does not exist, so the tenant cannot be read. Create it with the \
                 annotation {CLIENT_ID_ANNOTATION}: {client}."
            ),
        )
    }

    /// The ServiceAccount is not set up to sign in as this application.
    pub fn service_account_not_bound(namespace: &str, name: &str, client: AppId) -> Self {
        Self::new(
            Reason::ServiceAccountNotBound,
            format!(
                "The ServiceAccount {namespace}/{name} does not name application {client} in its annotation \
                 {CLIENT_ID_ANNOTATION}, so it is not used. If it is meant for it: kubectl annotate serviceaccount --namespace \
                 {namespace} {name} {CLIENT_ID_ANNOTATION}={client}."
            ),
        )
    }

    /// Kubernetes does not let the operator use the ServiceAccount.
    pub fn service_account_forbidden(namespace: &str, name: &str, what: &str) -> Self {
        Self::new(
            Reason::CredentialUnavailable,
            format!(
                "The operator may not {what} the ServiceAccount {namespace}/{name}, so the tenant cannot be read. Add it to \
                 the chart's value credentials (namespace {namespace}, serviceAccount {name}), which makes the Role for it."
            ),
        )
    }

    /// Kubernetes did not issue a token, which may pass.
    pub fn service_account_token_failed(namespace: &str, name: &str) -> Self {
        Self::new(
            Reason::NotObserved,
            format!(
                "Kubernetes did not issue a token for the ServiceAccount {namespace}/{name}; the look is repeated."
            ),
        )
    }

    /// The file with the operator's own token is not readable.
    pub fn token_file_unreadable(path: &str) -> Self {
        Self::new(
            Reason::CredentialUnavailable,
            format!(
                "The token file {path} (AZURE_FEDERATED_TOKEN_FILE) cannot be read or is empty, so the tenant cannot be read. \
                 Mount a projected ServiceAccount token there."
            ),
        )
    }

    /// The process was given no identity, or only a part of one.
    pub fn operator_identity_missing(variable: &str) -> Self {
        Self::new(
            Reason::CredentialUnavailable,
            format!(
                "The operator has no identity of its own: {variable} is not set in its environment. Set it up with the chart \
                 (serviceAccount.annotations, podLabels), or use another kind of credential in spec.credentials."
            ),
        )
    }

    /// Nobody allowed this namespace to use the operator's own identity in this tenant.
    pub fn operator_identity_not_allowed(namespace: &str, tenant: TenantId) -> Self {
        Self::new(
            Reason::TenantNotAllowed,
            format!(
                "Objects in namespace {namespace} may not use the operator's own identity for tenant {tenant}. Whoever runs \
                 the operator can allow it with --allow-operator-identity {namespace}={tenant}; or use a credential of your own."
            ),
        )
    }

    /// The operator's own identity is another application.
    pub fn operator_identity_is_another(client: AppId) -> Self {
        Self::new(
            Reason::TenantNotAllowed,
            format!(
                "spec.credentials.clientId {client} is not the application of the operator's own identity, so nothing was \
                 asked. Write the application ID that the operator runs with (AZURE_CLIENT_ID), or use a credential of your own."
            ),
        )
    }

    /// The operator's own identity lives in another cloud.
    pub fn operator_identity_of_another_cloud() -> Self {
        Self::new(
            Reason::WrongCloud,
            "The operator's own identity belongs to another cloud (AZURE_AUTHORITY_HOST) than spec.cloud, so nothing was \
             asked. Use a credential of your own for this tenant."
                .to_owned(),
        )
    }
}
