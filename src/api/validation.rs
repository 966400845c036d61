//! The rules of the custom resource once more, in Rust.
//!
//! `plan` works without a cluster, and an object can reach etcd past the API server's rules (an older definition, a
//! restored backup). Each check gives the API server's verdict and field path; for the rules of `rule` also its words.

use std::fmt;

use super::{
    identifier::AppId,
    rule::{self, CelRule},
    spec::{
        CertificateReference, Certificates, Cloud, Credentials, Permission, PermissionKind, SecretKeyReference,
        WebexAzureIntegrationSpec, WorkloadIdentity,
    },
};

/// Application ID of "Cisco Webex Identity Integration" in cloud Global.
/// <https://www.cisco.com/c/en/us/support/docs/conferencing/webex-control-hub/220476-clear-azure-ad-integration-error-reques.html>
pub const IDENTITY_INTEGRATION_APP_ID: AppId = AppId::from_u128(0x90db_942a_c1eb_4e8d_82e4_eebf_64a7_e2ae);

/// Application ID of Microsoft Graph, the same in every tenant.
pub const MICROSOFT_GRAPH_APP_ID: AppId = AppId::from_u128(0x0000_0003_0000_0000_c000_0000_0000_0000);

/// A rule that the spec breaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Path of the field, such as `spec.tenantId`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// All rules that this spec breaks, in the order of the fields.
pub fn validate(spec: &WebexAzureIntegrationSpec) -> Vec<Violation> {
    let mut found = Findings(Vec::new());
    found.uuid("spec.tenantId", &spec.tenant_id);
    if let Some(organization) = &spec.organization_id {
        found.uuid("spec.organizationId", organization);
    }
    found.credentials(spec);
    found.identity_integration(spec);
    found.identity(spec);
    found.additional_applications(spec);
    if spec.interval.chars().count() > rule::DURATION_MAX as usize {
        found.add("spec.interval", format!("may not be longer than {} characters", rule::DURATION_MAX));
    } else if interval_seconds(&spec.interval).is_none() {
        found.broken("spec.interval", rule::INTERVAL);
    }
    let checks_something =
        spec.identity_integration.check || spec.identity.check || !spec.additional_applications.is_empty();
    if !checks_something {
        found.broken("spec", rule::SOMETHING_CHECKED);
    }
    found.0
}

/// The interval in seconds, if it is written as it must be and within its bounds.
///
/// Fractions are taken as the API server takes them (nanoseconds) and rounded down to whole seconds.
pub fn interval_seconds(text: &str) -> Option<i64> {
    let nanoseconds = nanoseconds(text)?;
    let bounds = rule::INTERVAL_MIN_SECONDS * NANOSECONDS..=rule::INTERVAL_MAX_SECONDS * NANOSECONDS;
    bounds.contains(&nanoseconds).then_some(nanoseconds / NANOSECONDS)
}

const NANOSECONDS: i64 = 1_000_000_000;

/// How long before its end something is told to be renewed, if that is written as it must be and within its bounds.
pub fn warn_before_seconds(text: &str) -> Option<i64> {
    let bounds = rule::WARN_BEFORE_MIN_SECONDS * NANOSECONDS..=rule::WARN_BEFORE_MAX_SECONDS * NANOSECONDS;
    nanoseconds(text).filter(|warn_before| bounds.contains(warn_before)).map(|warn_before| warn_before / NANOSECONDS)
}

/// Reads `([0-9]{1,5}(\.[0-9]{1,9})?(s|m|h))+`.
fn nanoseconds(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (whole, after) = digits(rest, 5)?;
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after, 9)?,
            None => ("", after),
        };
        let mut units = after.chars();
        let unit = match units.next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return None,
        };
        let fraction: i64 = format!("{fraction:0<9}").parse().ok()?;
        let value = whole.parse::<i64>().ok()?.checked_mul(NANOSECONDS)?.checked_add(fraction)?;
        total = total.checked_add(value.checked_mul(unit)?)?;
        rest = units.as_str();
    }
    Some(total)
}

/// The leading digits, one to `most` of them, and what follows.
fn digits(text: &str, most: usize) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    ((1..=most).contains(&end)).then(|| text.split_at_checked(end)).flatten()
}

struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Violation { path: path.into(), message: message.into() });
    }

    fn broken(&mut self, path: impl Into<String>, rule: CelRule) {
        self.add(path, rule.message);
    }

    fn uuid(&mut self, path: impl Into<String>, text: &str) {
        if text.parse::<AppId>().is_err() {
            self.add(path, "must be a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        }
    }

    /// Length in characters, as the API server counts, and a first and inner character class.
    fn text(&mut self, path: String, text: &str, most: u32, is_valid: fn(&str) -> bool, description: &str) {
        if text.is_empty() {
            self.add(path, "must not be empty");
        } else if text.chars().count() > most as usize {
            self.add(path, format!("may not be longer than {most} characters"));
        } else if !is_valid(text) {
            self.add(path, description);
        }
    }

    fn credentials(&mut self, spec: &WebexAzureIntegrationSpec) {
        let path = "spec.credentials";
        let Credentials { client_id, client_secret, client_certificate, workload_identity, operator_identity: _ } =
            &spec.credentials;
        self.uuid(format!("{path}.clientId"), client_id);
        if let Some(SecretKeyReference { name, key }) = client_secret {
            self.object_name(format!("{path}.clientSecret.name"), name, "a Secret");
            self.secret_key(format!("{path}.clientSecret.key"), key);
        }
        if let Some(CertificateReference { name, key }) = client_certificate {
            self.object_name(format!("{path}.clientCertificate.name"), name, "a Secret");
            if let Some(key) = key {
                self.secret_key(format!("{path}.clientCertificate.key"), key);
            }
        }
        if let Some(WorkloadIdentity { service_account_name }) = workload_identity {
            let path = format!("{path}.workloadIdentity.serviceAccountName");
            self.object_name(path, service_account_name, "a ServiceAccount");
        }
        if spec.credentials.source().is_none() {
            self.broken(path, rule::ONE_CREDENTIAL);
        }
    }

    fn object_name(&mut self, path: String, name: &str, of: &str) {
        self.text(path, name, rule::OBJECT_NAME_MAX, is_object_name, &format!("must be the name of {of}"));
    }

    fn secret_key(&mut self, path: String, key: &str) {
        self.text(path, key, rule::OBJECT_NAME_MAX, is_secret_key, "must be a key of a Secret");
    }

    fn identity_integration(&mut self, spec: &WebexAzureIntegrationSpec) {
        let integration = &spec.identity_integration;
        if let Some(app_id) = &integration.app_id {
            self.uuid("spec.identityIntegration.appId", app_id);
        }
        if let Some(permissions) = &integration.permissions {
            if permissions.is_empty() {
                self.add("spec.identityIntegration.permissions", "must have at least 1 item");
            }
            self.permissions("spec.identityIntegration.permissions", permissions);
        }
        if spec.cloud != Cloud::Global && integration.check && integration.app_id.is_none() {
            self.broken("spec.identityIntegration", rule::PRESET_CLOUD);
        }
    }

    fn identity(&mut self, spec: &WebexAzureIntegrationSpec) {
        if let Some(app_id) = &spec.identity.app_id {
            self.uuid("spec.identity.appId", app_id);
            if app_id.eq_ignore_ascii_case(&integration_app_id(spec)) {
                self.broken("spec.identity.appId", rule::PRESETS_DIFFER);
            }
        }
        self.warn_before("spec.identity", &spec.identity.certificates);
    }

    fn warn_before(&mut self, path: &str, certificates: &Certificates) {
        let path = format!("{path}.certificates.warnBefore");
        let text = &certificates.warn_before;
        if text.chars().count() > rule::DURATION_MAX as usize {
            self.add(path, format!("may not be longer than {} characters", rule::DURATION_MAX));
        } else if warn_before_seconds(text).is_none() {
            self.broken(path, rule::WARN_BEFORE);
        }
    }

    fn additional_applications(&mut self, spec: &WebexAzureIntegrationSpec) {
        let list = &spec.additional_applications;
        let path = "spec.additionalApplications";
        if list.len() > rule::ADDITIONAL_APPLICATIONS_MAX as usize {
            self.add(path, format!("must have at most {} items", rule::ADDITIONAL_APPLICATIONS_MAX));
        }
        for (index, application) in list.iter().enumerate() {
            let path = format!("{path}[{index}]");
            self.text(
                format!("{path}.name"),
                &application.name,
                rule::NAME_MAX,
                is_label,
                "must consist of lower case letters, digits and hyphens",
            );
            self.uuid(format!("{path}.appId"), &application.app_id);
            self.permissions(&format!("{path}.permissions"), &application.permissions);
            self.warn_before(&path, &application.certificates);
            if list.iter().take(index).any(|earlier| earlier.name == application.name) {
                self.add(path, "duplicates the name of an earlier entry");
            }
        }
        if list.iter().any(|application| application.name == "identity-integration" || application.name == "identity") {
            self.broken(path, rule::RESERVED_NAME);
        }
        if has_pair(list, |a, b| a.app_id.eq_ignore_ascii_case(&b.app_id)) {
            self.broken(path, rule::UNIQUE_APP_ID);
        }
        let repeats_preset = list.iter().any(|application| {
            application.app_id.eq_ignore_ascii_case(&integration_app_id(spec))
                || spec.identity.app_id.as_deref().is_some_and(|app_id| application.app_id.eq_ignore_ascii_case(app_id))
        });
        if repeats_preset {
            self.broken(path, rule::PRESET_NOT_REPEATED);
        }
    }

    fn permissions(&mut self, path: &str, list: &[Permission]) {
        if list.len() > rule::PERMISSIONS_MAX as usize {
            self.add(path, format!("must have at most {} items", rule::PERMISSIONS_MAX));
        }
        for (index, permission) in list.iter().enumerate() {
            let path = format!("{path}[{index}]");
            if let Some(value) = &permission.value {
                let description = "must be the value of a permission, such as Group.Read.All";
                self.text(format!("{path}.value"), value, rule::PERMISSION_VALUE_MAX, is_permission_value, description);
            }
            if let Some(id) = &permission.id {
                self.uuid(format!("{path}.id"), id);
            }
            if let Some(resource) = &permission.resource_app_id {
                self.uuid(format!("{path}.resourceAppId"), resource);
            }
            if permission.value.is_some() == permission.id.is_some() {
                self.broken(path, rule::VALUE_OR_ID);
            }
        }
        if has_pair(list, Permission::overlaps) {
            self.broken(path, rule::UNIQUE_PERMISSION);
        }
    }
}

impl Permission {
    /// Whether the two stand for the same permission.
    fn overlaps(&self, other: &Self) -> bool {
        let Self { value, id, kind, resource_app_id } = self;
        let resource = |resource: &Option<String>| {
            resource.as_deref().map_or_else(|| MICROSOFT_GRAPH_APP_ID.to_string(), str::to_ascii_lowercase)
        };
        let is_same = match (value, id) {
            (Some(value), _) => other.value.as_ref() == Some(value),
            (None, Some(id)) => other.id.as_ref().is_some_and(|other| other.eq_ignore_ascii_case(id)),
            (None, None) => false,
        };
        let is_same_kind =
            *kind == other.kind || *kind == PermissionKind::Either || other.kind == PermissionKind::Either;
        is_same && is_same_kind && resource(resource_app_id) == resource(&other.resource_app_id)
    }
}

fn integration_app_id(spec: &WebexAzureIntegrationSpec) -> String {
    spec.identity_integration.app_id.clone().unwrap_or_else(|| IDENTITY_INTEGRATION_APP_ID.to_string())
}

fn has_pair<T>(list: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    list.iter().enumerate().any(|(index, item)| list.iter().take(index).any(|earlier| same(earlier, item)))
}

fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_object_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    text.chars().all(inner) && !text.starts_with(['-', '.']) && !text.ends_with(['-', '.'])
}

fn is_secret_key(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

fn is_permission_value(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "._:/-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_the_api_server_reads_them() {
        for (text, seconds) in [
            ("30s", Some(30)),
            ("5m", Some(300)),
            ("1h30m", Some(5400)),
            ("24h", Some(86_400)),
            ("0.5h", Some(1800)),
            ("1.5m0.25s", Some(90)),
            ("30m1h", Some(5400)),
            ("29.999999999s", None),
            ("24h0.000000001s", None),
            ("1d", None),
            ("", None),
            ("5", None),
            ("-5m", None),
            ("5m ", None),
            (".5h", None),
            ("1.h", None),
            ("99999h99999h99999h99999h", None),
            ("100000s", None),
            ("٣0s", None),
        ] {
            assert_eq!(interval_seconds(text), seconds, "{text}");
        }
    }
}
