//! `/servicePrincipals/{id}/synchronization`: provisioning of people and groups into an application.
//! <https://learn.microsoft.com/graph/api/resources/synchronization-overview>
//!
//! Jobs live in emulated time without a background task: [`advance`] catches up before each request.

mod action;
mod audit;
mod cycle;
mod job;
mod on_demand;
mod schema;
mod secret;
mod shape;
mod target;
mod template;

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, text};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::permission::{self, Access};
use super::replica::View;
use super::schema::{EntityType, Kind};
use super::{collection, service_principal};

pub(super) use cycle::advance;
pub(super) use target::Synchronization;
pub use target::{ProvisioningTarget, QuarantineReason, TargetCredentials};

use job::{Job, ScheduleState};

/// synchronizationJob. Its schema is a navigation of its own.
const SYNCHRONIZATION_JOB: EntityType = EntityType {
    name: "microsoft.graph.synchronizationJob",
    set: "servicePrincipals/synchronization/jobs",
    resource: "SynchronizationJob",
    properties: &[
        ("id", Kind::Text),
        ("templateId", Kind::Text),
        ("schedule", Kind::Other),
        ("schema", Kind::Other),
        ("status", Kind::Other),
        ("synchronizationJobSettings", Kind::Other),
    ],
    filterable: &["id", "templateId"],
    index_only: &[],
};

/// The operations on a principal's provisioning.
pub(super) const ROUTES: &[Route] = &[
    Route::get("serviceprincipals/{}/synchronization", secret::get_synchronization),
    Route::put("serviceprincipals/{}/synchronization", secret::put_synchronization),
    Route::delete("serviceprincipals/{}/synchronization", delete_synchronization),
    Route::post("serviceprincipals/{}/synchronization/acquireaccesstoken", secret::acquire_access_token),
    Route::put("serviceprincipals/{}/synchronization/secrets", secret::put),
    Route::get("serviceprincipals/{}/synchronization/secrets/$count", secret::count),
    Route::get("serviceprincipals/{}/synchronization/templates", template::list),
    Route::get("serviceprincipals/{}/synchronization/templates/$count", template::count),
    Route::get("serviceprincipals/{}/synchronization/templates/{}", template::get),
    Route::get("serviceprincipals/{}/synchronization/templates/{}/schema", template::get_schema),
    Route::get("serviceprincipals/{}/synchronization/jobs", list),
    Route::post("serviceprincipals/{}/synchronization/jobs", post),
    Route::get("serviceprincipals/{}/synchronization/jobs/$count", count),
    Route::post("serviceprincipals/{}/synchronization/jobs/validatecredentials", action::validate_credentials),
    Route::get("serviceprincipals/{}/synchronization/jobs/{}", get),
    Route::patch("serviceprincipals/{}/synchronization/jobs/{}", patch),
    Route::delete("serviceprincipals/{}/synchronization/jobs/{}", delete),
    Route::post("serviceprincipals/{}/synchronization/jobs/{}/start", action::start),
    Route::post("serviceprincipals/{}/synchronization/jobs/{}/pause", action::pause),
    Route::post("serviceprincipals/{}/synchronization/jobs/{}/restart", action::restart),
    Route::post("serviceprincipals/{}/synchronization/jobs/{}/provisionondemand", on_demand::provision_on_demand),
    Route::post("serviceprincipals/{}/synchronization/jobs/{}/validatecredentials", action::validate_credentials),
    Route::get("serviceprincipals/{}/synchronization/jobs/{}/schema", schema::get),
    Route::put("serviceprincipals/{}/synchronization/jobs/{}/schema", schema::replace),
    Route::patch("serviceprincipals/{}/synchronization/jobs/{}/schema", schema::replace),
    Route::delete("serviceprincipals/{}/synchronization/jobs/{}/schema", schema::delete),
];

/// Lets the jobs of a principal stand still after its restore, for as long as the knob says: "provisioning might
/// appear to be broken" until it is restarted.
pub(super) fn restored(context: &mut Context<'_>, id: &str) {
    let delay = context.knobs.provisioning_restore_delay;
    let earliest = context.now.saturating_add(delay).unwrap_or(context.now);
    let jobs = context.tenant.synchronization.get_mut(id).map(|synchronization| &mut synchronization.jobs);
    for job in jobs.into_iter().flatten() {
        job.next_run = job.next_run.map(|next| next.max(earliest));
    }
}

/// The principal, if the caller may do this to its provisioning. Who may not is not told what is missing.
/// The paths are documented with the object id only.
fn principal(context: &Context<'_>, named: &Named<'_>, access: Access) -> Result<(String, Properties), Refusal> {
    let key = named.key(0);
    if !key.name.eq_ignore_ascii_case("id") {
        return Err(Refusal::not_built("synchronization by appId; the reference documents it by object id"));
    }
    let view = if access == Access::ReadSynchronization { context.view } else { View::Truth };
    let found = service_principal::find(context, key, view);
    if found.is_err() {
        permission::require(context, access)?;
    }
    let (id, row) = found?;
    permission::require_for(context, access, &id, text(&row, "appId"))?;
    Ok((id, row))
}

/// How a principal provisions.
fn synchronization<'a>(context: &'a mut Context<'_>, id: &str) -> &'a mut Synchronization {
    context.tenant.synchronization.entry(id.to_owned()).or_default()
}

/// One of a principal's jobs.
fn job<'a>(context: &'a mut Context<'_>, id: &str, named: &Named<'_>) -> Result<&'a mut Job, Refusal> {
    let job_id = named.key(1).value;
    let mut jobs = synchronization(context, id).jobs.iter_mut();
    jobs.find(|job| job.id == job_id).ok_or_else(|| Refusal::not_found(job_id))
}

/// A plain-text number, as `$count` segments answer.
fn number(count: usize) -> Answer {
    Answer::json(StatusCode::OK, json!(count)).with("content-type", "text/plain")
}

/// The jobs as this caller sees them.
fn readable(context: &mut Context<'_>, named: &Named<'_>) -> Result<Vec<Properties>, Refusal> {
    let (id, _) = principal(context, named, Access::ReadSynchronization)?;
    let now = context.now;
    let synchronization = synchronization(context, &id);
    let has_credentials = synchronization.has_credentials();
    Ok(synchronization.jobs.iter().map(|job| shape::shown(job, now, has_credentials)).collect())
}

fn list(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let rows = readable(context, named)?;
    collection::page(context, request, &SYNCHRONIZATION_JOB, rows)
}

fn count(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    readable(context, named).map(|rows| number(rows.len()))
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let mut rows = readable(context, named)?;
    let job_id = named.key(1).value;
    rows.retain(|row| text(row, "id") == job_id);
    let row = rows.pop().ok_or_else(|| Refusal::not_found(job_id))?;
    collection::single(context, request, &SYNCHRONIZATION_JOB, row)
}

/// "The only required property is `templateId`", which "must match one of the templates".
/// <https://learn.microsoft.com/graph/api/synchronization-synchronization-post-jobs>
fn post(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, row) = principal(context, named, Access::WriteSynchronization)?;
    let body = request.object()?;
    let changes = SYNCHRONIZATION_JOB.changes(body, &["templateId", "schedule", "synchronizationJobSettings"])?;
    let template_id = text(body, "templateId");
    if template_id.is_empty() {
        let message = "A value is required for property 'templateId' of resource 'SynchronizationJob'.";
        return Err(Refusal::bad_request(message));
    }
    if !template::exists(template_id) {
        return Err(parameter_invalid(format!("The synchronization template '{template_id}' does not exist.")));
    }
    let job_id = format!("{template_id}.{}.{}", context.tenant.id.replace('-', ""), context.identifiers.guid());
    let mut job = Job::new(job_id.clone(), template_id);
    change(&mut job, context, &changes)?;
    let now = context.now;
    let synchronization = synchronization(context, &id);
    let shown = shape::shown(&job, now, synchronization.has_credentials());
    synchronization.jobs.push(job);
    audit::record(context, "Add provisioning configuration", &row, &job_id);
    Ok(collection::created(context, &SYNCHRONIZATION_JOB, shown))
}

/// No reference page has it; the description and the metadata do. Only `Synchronization.ReadWrite.All` opens it.
fn patch(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::WriteSynchronization)?;
    let (id, row) = principal(context, named, Access::WriteSynchronization)?;
    let changes = SYNCHRONIZATION_JOB.changes(request.object()?, &["schedule", "synchronizationJobSettings"])?;
    let now = context.now;
    let mut trial = Job::new(String::new(), "");
    change(&mut trial, context, &changes)?;
    let job = job(context, &id, named)?;
    job.touch(now);
    if let Some((_, settings)) = changes.iter().find(|(name, _)| name == "synchronizationJobSettings") {
        job.settings = settings.clone();
    }
    if let Some((_, schedule)) = changes.iter().find(|(name, _)| name == "schedule") {
        reschedule(job, now, schedule)?;
    }
    let job_id = job.id.clone();
    audit::record(context, "Update provisioning setting or credentials", &row, &job_id);
    Ok(Answer::no_content())
}

/// Applies checked changes to a job.
fn change(job: &mut Job, context: &Context<'_>, changes: &[(String, Value)]) -> Result<(), Refusal> {
    for (name, value) in changes {
        match name.as_str() {
            "synchronizationJobSettings" if value.is_array() => job.settings = value.clone(),
            "schedule" if value.is_object() => reschedule(job, context.now, value)?,
            "templateId" => {}
            _ => return Err(invalid(name)),
        }
    }
    Ok(())
}

fn invalid(name: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid value specified for property '{name}' of resource 'SynchronizationJob'."))
}

fn reschedule(job: &mut Job, now: jiff::Timestamp, schedule: &Value) -> Result<(), Refusal> {
    let body = Properties::from_iter([("schedule".to_owned(), schedule.clone())]);
    let text_of = |name: &str| schedule.get(name).map(|value| value.as_str().unwrap_or_default());
    if let Some(text) = text_of("interval") {
        job.interval = shape::interval(text).ok_or_else(|| invalid("schedule"))?;
    }
    if text_of("state").is_none() {
        return Ok(());
    }
    match shape::schedule_state(&body).ok_or_else(|| invalid("schedule"))? {
        ScheduleState::Active => job.start(now),
        state @ (ScheduleState::Disabled | ScheduleState::Paused) => {
            if job.state == ScheduleState::Active {
                job.pause(now);
            }
            job.state = state;
        }
    }
    Ok(())
}

fn delete(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, row) = principal(context, named, Access::WriteSynchronization)?;
    let job_id = job(context, &id, named)?.id.clone();
    synchronization(context, &id).jobs.retain(|job| job.id != job_id);
    audit::record(context, "Delete provisioning configuration", &row, &job_id);
    Ok(Answer::no_content())
}

/// Ends everything: jobs, secrets and what is known of the target.
fn delete_synchronization(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, row) = principal(context, named, Access::WriteSynchronization)?;
    let removed = context.tenant.synchronization.remove(&id).unwrap_or_default();
    for job in removed.jobs {
        audit::record(context, "Delete provisioning configuration", &row, &job.id);
    }
    Ok(Answer::no_content())
}

/// 400 of the synchronization service, as reported for `provisionOnDemand` in microsoft-graph-docs-contrib issue 4247.
fn parameter_invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "RequestParameterInvalid", message)
}
