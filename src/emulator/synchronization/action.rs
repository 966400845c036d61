//! Actions on jobs: start, pause, restart, validateCredentials.

use http::StatusCode;
use serde_json::Value;

use super::super::answer::Answer;
use super::super::context::{Context, GraphRequest};
use super::super::error::Refusal;
use super::super::graph::Named;
use super::super::permission::Access;
use super::job::{Job, ResetScope};
use super::target::{CREDENTIALS_MISSING, CREDENTIALS_REFUSED, Fault};
use super::{audit, job, principal, secret, synchronization};

/// Members of `synchronizationJobRestartScope` and their values.
const RESET_SCOPES: [(&str, u32); 7] = [
    ("None", 0),
    ("ConnectorDataStore", 1),
    ("Escrows", 2),
    ("Watermark", 4),
    ("QuarantineState", 8),
    ("Full", 15),
    ("ForceDeletes", 32),
];

/// "Use the start job only when the job is currently paused or in quarantine": a job that runs is not changed by it.
pub(super) fn start(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    act(context, named, "Enable/start provisioning configuration", |job| job.start(now))
}

/// <https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-pause>
pub(super) fn pause(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    act(context, named, "Disable/pause provisioning configuration", |job| job.pause(now))
}

/// <https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-restart>
pub(super) fn restart(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    principal(context, named, Access::WriteSynchronization)?;
    let criteria = request.object()?.get("criteria").cloned().unwrap_or_default();
    let scope = match criteria.get("resetScope") {
        None | Some(Value::Null) => reset_scope("")?,
        Some(Value::String(text)) => reset_scope(text)?,
        Some(other) => return Err(no_scope(&other.to_string())),
    };
    if !matches!(criteria, Value::Null | Value::Object(_)) {
        return Err(no_scope(&criteria.to_string()));
    }
    let now = context.now;
    act(context, named, "Enable/restart provisioning configuration", |job| job.restart(now, scope))
}

fn act(
    context: &mut Context<'_>,
    named: &Named<'_>,
    activity: &str,
    change: impl FnOnce(&mut Job),
) -> Result<Answer, Refusal> {
    let (id, row) = principal(context, named, Access::WriteSynchronization)?;
    let job = job(context, &id, named)?;
    change(job);
    let job_id = job.id.clone();
    audit::record(context, activity, &row, &job_id);
    Ok(Answer::no_content())
}

/// "Comma-separated combination of the following values […] Leaving this property empty emulates the Restart
/// provisioning option": `QuarantineState`, `Watermark` and `Escrows`.
/// <https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationjobrestartcriteria>
fn reset_scope(text: &str) -> Result<ResetScope, Refusal> {
    if text.trim().is_empty() {
        return Ok(ResetScope { escrows: true, watermark: true, quarantine: true, force_deletes: false });
    }
    let mut bits = 0;
    for word in text.split(',').map(str::trim) {
        let member = RESET_SCOPES.iter().find(|(name, _)| *name == word);
        bits |= member.map(|(_, value)| *value).ok_or_else(|| no_scope(word))?;
    }
    let has = |bit: u32| bits & bit != 0;
    Ok(ResetScope { escrows: has(2), watermark: has(4), quarantine: has(8), force_deletes: has(32) })
}

fn no_scope(literal: &str) -> Refusal {
    Refusal::odata(format!(
        "Cannot convert the literal '{literal}' to the expected type 'microsoft.graph.synchronizationJobRestartScope'."
    ))
}

/// Of one job, or of a job that is still to be made.
/// <https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-validatecredentials>
pub(super) fn validate_credentials(
    context: &mut Context<'_>,
    request: &GraphRequest,
    named: &Named<'_>,
) -> Result<Answer, Refusal> {
    let (id, _) = principal(context, named, Access::WriteSynchronization)?;
    if request.path.trim_end_matches('/').to_ascii_lowercase().split('/').rev().nth(1) != Some("jobs") {
        job(context, &id, named)?;
    }
    let body = request.object()?;
    let uses_saved = match body.get("useSavedCredentials") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(_) => return Err(super::parameter_invalid("useSavedCredentials has to be true or false.")),
    };
    let given = if uses_saved { Vec::new() } else { secret::pairs(body.get("credentials"), "credentials")? };
    let synchronization = synchronization(context, &id);
    let mut candidate = synchronization.secrets.clone();
    candidate.extend(given.iter().cloned());
    let is_given = given.iter().any(|(_, value)| !value.is_empty());
    if !(is_given || uses_saved && synchronization.has_credentials()) {
        return Err(refused(CREDENTIALS_MISSING));
    }
    if synchronization.refuses(&candidate) {
        return Err(refused(CREDENTIALS_REFUSED));
    }
    Ok(Answer::no_content())
}

/// 400: no page says how a failed validation is answered.
pub(super) fn refused(fault: Fault) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, fault.code, fault.message)
}
