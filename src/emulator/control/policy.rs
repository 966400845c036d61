//! What a tenant's administrators and Microsoft's own protection do to clients: revoke, block, throttle.

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::super::Emulator;
use super::super::answer::Answer;
use super::super::directory::{TenantState, Throttle};
use super::super::replica::View;
use super::{body, not_found};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Client {
    tenant_id: String,
    app_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Throttling {
    tenant_id: String,
    retry_after_seconds: Option<u32>,
    #[serde(default, rename = "for")]
    reach: Reach,
}

/// What of a batch is throttled. A request of its own always is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Reach {
    /// The batch as a whole.
    #[default]
    All,
    /// Each item inside a successful batch.
    Items,
}

/// Answers what begins with `/revoke`, `/block` or `/throttle`.
pub(super) fn answer(
    emulator: &mut Emulator,
    now: Timestamp,
    method: &str,
    segments: &[&str],
    content: &Bytes,
) -> Result<Answer, Answer> {
    match (method, segments) {
        ("POST", ["revoke"]) => revoke(emulator, now, &body(content)?),
        ("POST", ["block"]) => {
            let client: Client = body(content)?;
            let tenant = tenant_of(emulator, &client)?;
            tenant.blocked.insert(client.app_id.to_ascii_lowercase());
            Ok(Answer::no_content())
        }
        ("DELETE", ["block", tenant_id, app_id]) => {
            let is_unblocked = tenant(emulator, tenant_id)?.blocked.remove(&app_id.to_ascii_lowercase());
            if is_unblocked { Ok(Answer::no_content()) } else { Err(not_found("blocked application")) }
        }
        ("POST", ["throttle"]) => {
            let Throttling { tenant_id, retry_after_seconds, reach } = body(content)?;
            let throttle = Throttle { retry_after_seconds, reaches_items: reach == Reach::Items };
            tenant(emulator, &tenant_id)?.throttle = Some(throttle);
            Ok(Answer::no_content())
        }
        ("DELETE", ["throttle", tenant_id]) => {
            let throttle = tenant(emulator, tenant_id)?.throttle.take();
            throttle.map(|_| Answer::no_content()).ok_or_else(|| not_found("throttled tenant"))
        }
        _ => Err(not_found("path; GET / lists what there is")),
    }
}

/// Revokes what was issued to a client until now. There is no way back but new tokens.
fn revoke(emulator: &mut Emulator, now: Timestamp, client: &Client) -> Result<Answer, Answer> {
    let since = emulator.time(now).as_second();
    let tenant = tenant_of(emulator, client)?;
    tenant.revocations.insert(client.app_id.to_ascii_lowercase(), since);
    Ok(Answer::json(StatusCode::OK, json!({ "since": since })))
}

fn tenant<'a>(emulator: &'a mut Emulator, id: &str) -> Result<&'a mut TenantState, Answer> {
    emulator.tenants.get_mut(id).ok_or_else(|| not_found("tenant"))
}

/// The tenant in which the client has a principal or a registration: a mistyped id does not go unnoticed.
fn tenant_of<'a>(emulator: &'a mut Emulator, client: &Client) -> Result<&'a mut TenantState, Answer> {
    let Client { tenant_id, app_id } = client;
    let tenant = tenant(emulator, tenant_id)?;
    let is_known =
        tenant.principal_of(View::Truth, app_id).is_some() || tenant.application_of(View::Truth, app_id).is_some();
    if is_known { Ok(tenant) } else { Err(not_found("application in that tenant")) }
}
