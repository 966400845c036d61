//! The spec beside the answers: what it declares, with the same pseudonyms, and still one that keeps every rule.

use super::Redaction;
use crate::api::{
    Permission, WebexAzureIntegrationSpec,
    spec::{
        AdditionalApplication, CertificateReference, Credentials, Identity, IdentityIntegration, SecretKeyReference,
        WorkloadIdentity,
    },
};

impl Redaction {
    /// The spec; a field that is added to it must find its place here.
    pub(super) fn spec(&mut self, spec: &WebexAzureIntegrationSpec) -> WebexAzureIntegrationSpec {
        let WebexAzureIntegrationSpec {
            tenant_id,
            cloud,
            organization_id,
            credentials,
            identity_integration,
            identity,
            additional_applications,
            mode,
            drift_policy,
            interval,
            suspend,
        } = spec;
        WebexAzureIntegrationSpec {
            tenant_id: self.text(tenant_id),
            cloud: *cloud,
            organization_id: organization_id.as_ref().map(|id| self.text(id)),
            credentials: self.credentials(credentials),
            identity_integration: self.identity_integration(identity_integration),
            identity: self.identity(identity),
            additional_applications: additional_applications
                .iter()
                .map(|application| self.additional_application(application))
                .collect(),
            mode: *mode,
            drift_policy: *drift_policy,
            interval: interval.clone(),
            suspend: *suspend,
        }
    }

    /// Names of Secrets and ServiceAccounts are names.
    fn credentials(&mut self, credentials: &Credentials) -> Credentials {
        let Credentials { client_id, client_secret, client_certificate, workload_identity, operator_identity } =
            credentials;
        Credentials {
            client_id: self.text(client_id),
            client_secret: client_secret.as_ref().map(|SecretKeyReference { name, key }| SecretKeyReference {
                name: self.text(name),
                key: self.text(key),
            }),
            client_certificate: client_certificate.as_ref().map(|CertificateReference { name, key }| {
                CertificateReference { name: self.text(name), key: key.as_ref().map(|key| self.text(key)) }
            }),
            workload_identity: workload_identity.as_ref().map(|WorkloadIdentity { service_account_name }| {
                WorkloadIdentity { service_account_name: self.text(service_account_name) }
            }),
            operator_identity: operator_identity.clone(),
        }
    }

    fn identity_integration(&mut self, integration: &IdentityIntegration) -> IdentityIntegration {
        let IdentityIntegration { check, app_id, permissions, extra_permissions } = integration;
        IdentityIntegration {
            check: *check,
            app_id: app_id.as_ref().map(|id| self.text(id)),
            permissions: permissions.as_deref().map(|permissions| self.permissions(permissions)),
            extra_permissions: *extra_permissions,
        }
    }

    fn identity(&mut self, identity: &Identity) -> Identity {
        let Identity { check, app_id, provisioning, certificates } = identity;
        Identity {
            check: *check,
            app_id: app_id.as_ref().map(|id| self.text(id)),
            provisioning: provisioning.clone(),
            certificates: certificates.clone(),
        }
    }

    fn additional_application(&mut self, application: &AdditionalApplication) -> AdditionalApplication {
        let AdditionalApplication { name, app_id, sign_in, permissions, extra_permissions, provisioning, certificates } =
            application;
        AdditionalApplication {
            name: self.text(name),
            app_id: self.text(app_id),
            sign_in: *sign_in,
            permissions: self.permissions(permissions),
            extra_permissions: *extra_permissions,
            provisioning: provisioning.clone(),
            certificates: certificates.clone(),
        }
    }

    fn permissions(&mut self, permissions: &[Permission]) -> Vec<Permission> {
        let redacted = permissions.iter().map(|Permission { value, id, kind, resource_app_id }| Permission {
            value: value.as_ref().map(|value| self.text(value)),
            id: id.as_ref().map(|id| self.text(id)),
            kind: *kind,
            resource_app_id: resource_app_id.as_ref().map(|id| self.text(id)),
        });
        redacted.collect()
    }
}
