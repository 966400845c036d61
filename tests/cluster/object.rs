//! Objects as tests write them, and statuses as tests compare them.

use serde_json::{Value, json};
use webex_azure_operator::api::{WebexAzureIntegration, WebexAzureIntegrationStatus};

use crate::tenant::TENANT;

/// The smallest object there is, about the incident's tenant, looked at as often as allowed.
pub fn integration(name: &str) -> Value {
    json!({
        "apiVersion": "webexazure.dev/v1alpha1",
        "kind": "WebexAzureIntegration",
        "metadata": { "name": name },
        "spec": {
            "tenantId": TENANT,
            "credentials": {
                "clientId": "00000000-0000-4000-8000-000000000031",
                "clientSecret": { "name": "graph", "key": "client-secret" },
            },
            "identity": { "appId": "00000000-0000-4000-8000-000000000012" },
            "interval": "30s",
        },
    })
}

/// The smallest object that signs in with this instead of a client secret, such as `{"operatorIdentity": {}}`.
pub fn signing_in_with(name: &str, source: &Value) -> Value {
    let instead = json!({ "spec": { "credentials": { "clientSecret": null } } });
    changed(changed(integration(name), &instead), &json!({ "spec": { "credentials": source } }))
}

/// The smallest object with the Secret of this name.
pub fn with_secret(name: &str, secret: &str) -> Value {
    changed(integration(name), &json!({ "spec": { "credentials": { "clientSecret": { "name": secret } } } }))
}

/// The object about another tenant.
pub fn about(tenant: &str, object: Value) -> Value {
    changed(object, &json!({ "spec": { "tenantId": tenant } }))
}

/// The same object with this merged into it, as a JSON merge patch is.
pub fn changed(mut object: Value, change: &Value) -> Value {
    merge(&mut object, change);
    object
}

fn merge(target: &mut Value, change: &Value) {
    let Value::Object(fields) = change else {
        target.clone_from(change);
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in fields {
        let target = target.as_object_mut().unwrap();
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Its status; an empty one if it has none.
pub fn status(object: &WebexAzureIntegration) -> WebexAzureIntegrationStatus {
    object.status.clone().unwrap_or_default()
}

/// The conditions in their order, each as `Type=Status Reason`.
pub fn conditions(object: &WebexAzureIntegration) -> Vec<String> {
    status(object)
        .conditions
        .iter()
        .map(|condition| format!("{}={} {}", condition.type_, condition.status, condition.reason))
        .collect()
}

/// Whether the conditions hold this one, written as `Type=Status Reason`.
pub fn says(object: &WebexAzureIntegration, condition: &str) -> bool {
    conditions(object).iter().any(|own| own == condition)
}

/// All conditions of an object whose first look was in vain.
pub fn in_vain(reason: &str) -> Vec<String> {
    // Only an answer of Microsoft Graph tells that certificates could not be read.
    let certificates = (reason == "PermissionMissing").then(|| "CertificatesCurrent=Unknown NotObserved".to_owned());
    let conditions = vec![
        format!("Stalled=True {reason}"),
        format!("Ready=False {reason}"),
        format!("Observed=False {reason}"),
        "Drifted=Unknown NotObserved".to_owned(),
        "ServicePrincipalsPresent=Unknown NotObserved".to_owned(),
        "SignInEnabled=Unknown NotObserved".to_owned(),
        "ConsentGranted=Unknown NotObserved".to_owned(),
        "ProvisioningHealthy=Unknown NotObserved".to_owned(),
    ];
    conditions.into_iter().chain(certificates).collect()
}

/// The message of this condition; empty if it is not there.
pub fn message(object: &WebexAzureIntegration, condition: &str) -> String {
    status(object).condition(condition).map(|condition| condition.message.clone()).unwrap_or_default()
}

/// The conditions of an object that is in order.
pub const IN_SYNC: [&str; 8] = [
    "Ready=True InSync",
    "Observed=True ObservationComplete",
    "Drifted=False NoDriftDetected",
    "ServicePrincipalsPresent=True Present",
    "SignInEnabled=True Enabled",
    "ConsentGranted=True Granted",
    "ProvisioningHealthy=True Healthy",
    "CertificatesCurrent=True Current",
];
