//! `synchronization` itself and its secrets, which can be written and never read.
//! <https://learn.microsoft.com/graph/api/synchronization-serviceprincipal-put-synchronization>

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::collection;
use super::super::context::{Context, GraphRequest};
use super::super::directory::text_of;
use super::super::error::Refusal;
use super::super::graph::Named;
use super::super::permission::Access;
use super::super::schema::{EntityType, Kind};
use super::target::CREDENTIALS_REFUSED;
use super::{action, audit, number, parameter_invalid, principal, shape, synchronization};

/// synchronization. Jobs and templates are navigations of its own.
const SYNCHRONIZATION: EntityType = EntityType {
    name: "microsoft.graph.synchronization",
    set: "servicePrincipals/synchronization",
    resource: "Synchronization",
    properties: &[("id", Kind::Text), ("secrets", Kind::Other)],
    filterable: &[],
    index_only: &[],
};

/// Members of `synchronizationSecret`.
#[rustfmt::skip]
const SECRETS: [&str; 45] = [
    "None", "UserName", "Password", "SecretToken", "AppKey", "BaseAddress", "ClientIdentifier", "ClientSecret",
    "SingleSignOnType", "Sandbox", "Url", "Domain", "ConsumerKey", "ConsumerSecret", "TokenKey", "TokenExpiration",
    "Oauth2AccessToken", "Oauth2AccessTokenCreationTime", "Oauth2RefreshToken", "SyncAll", "InstanceName",
    "Oauth2ClientId", "Oauth2ClientSecret", "CompanyId", "UpdateKeyOnSoftDelete", "SynchronizationSchedule",
    "SystemOfRecord", "SandboxName", "EnforceDomain", "SyncNotificationSettings", "SkipOutOfScopeDeletions",
    "Oauth2AuthorizationCode", "Oauth2RedirectUri", "ApplicationTemplateIdentifier", "Oauth2TokenExchangeUri",
    "Oauth2AuthorizationUri", "AuthenticationType", "Server", "PerformInboundEntitlementGrants", "HardDeletesEnabled",
    "SyncAgentCompatibilityKey", "SyncAgentADContainer", "ValidateDomain", "TestReferences", "ConnectionString",
];

/// Secrets of a body as names and values.
pub(super) fn pairs(value: Option<&Value>, name: &str) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(pairs)) => pairs,
        Some(_) => return Err(parameter_invalid(format!("'{name}' has to be a collection."))),
    };
    let read = |pair: &Value| {
        let key = text_of(pair, "key");
        if !pair.is_object() || !SECRETS.contains(&key) {
            let expected = "microsoft.graph.synchronizationSecret";
            return Err(Refusal::odata(format!(
                "Cannot convert the literal '{key}' to the expected type '{expected}'."
            )));
        }
        match pair.get("value") {
            Some(Value::String(value)) => Ok((key.to_owned(), value.clone())),
            None | Some(Value::Null) => Ok((key.to_owned(), String::new())),
            Some(_) => Err(parameter_invalid(format!("The value of '{key}' has to be a text."))),
        }
    };
    pairs.iter().map(read).collect()
}

/// Saves credentials. An empty value removes one, which is how public clients take credentials away; what is not
/// named stays.
pub(super) fn put(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, row) = principal(context, named, Access::WriteSynchronization)?;
    let value = request.object()?.get("value");
    let value = value.ok_or_else(|| parameter_invalid("A collection 'value' of secrets is required."))?;
    let pairs = pairs(Some(value), "value")?;
    save(context, &id, pairs);
    audit::record(context, "Update provisioning setting or credentials", &row, "");
    Ok(Answer::no_content())
}

fn save(context: &mut Context<'_>, id: &str, pairs: Vec<(String, String)>) {
    let secrets = &mut synchronization(context, id).secrets;
    for (key, value) in pairs {
        if value.is_empty() {
            secrets.remove(&key);
        } else {
            secrets.insert(key, value);
        }
    }
}

/// How many secrets are saved.
pub(super) fn count(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, _) = principal(context, named, Access::ReadSynchronization)?;
    Ok(number(synchronization(context, &id).secrets.len()))
}

/// Names of secrets without their values.
pub(super) fn get_synchronization(
    context: &mut Context<'_>,
    request: &GraphRequest,
    named: &Named<'_>,
) -> Result<Answer, Refusal> {
    let (id, _) = principal(context, named, Access::ReadSynchronization)?;
    let secrets: Vec<Value> =
        synchronization(context, &id).secrets.keys().map(|key| json!({"key": key, "value": null})).collect();
    let row = shape::object(json!({"id": id, "secrets": secrets}));
    collection::single(context, request, &SYNCHRONIZATION, row)
}

/// Replaces the secrets. Jobs and templates are not written through here.
pub(super) fn put_synchronization(
    context: &mut Context<'_>,
    request: &GraphRequest,
    named: &Named<'_>,
) -> Result<Answer, Refusal> {
    let (id, row) = principal(context, named, Access::WriteSynchronization)?;
    let mut body = request.object()?.clone();
    body.remove("id");
    SYNCHRONIZATION.changes(&body, &["secrets"])?;
    let pairs = pairs(body.get("secrets"), "secrets")?;
    synchronization(context, &id).secrets.clear();
    save(context, &id, pairs);
    audit::record(context, "Update provisioning setting or credentials", &row, "");
    Ok(Answer::no_content())
}

/// <https://learn.microsoft.com/graph/api/synchronization-synchronization-acquireaccesstoken>
pub(super) fn acquire_access_token(
    context: &mut Context<'_>,
    request: &GraphRequest,
    named: &Named<'_>,
) -> Result<Answer, Refusal> {
    let (id, _) = principal(context, named, Access::WriteSynchronization)?;
    let given = request.object()?.get("credentials");
    let given = given.ok_or_else(|| parameter_invalid("A collection 'credentials' is required."))?;
    let given = pairs(Some(given), "credentials")?;
    let synchronization = synchronization(context, &id);
    let mut candidate = synchronization.secrets.clone();
    candidate.extend(given);
    if synchronization.refuses(&candidate) {
        return Err(action::refused(CREDENTIALS_REFUSED));
    }
    Ok(Answer::no_content())
}
