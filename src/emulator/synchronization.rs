//! `/servicePrincipals/{id}/synchronization/jobs`, reading only: the jobs a scenario brought along.

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, text};
use super::error::Refusal;
use super::graph::Key;
use super::permission::{self, Access};
use super::schema::{EntityType, Kind};
use super::{collection, is_read, service_principal};

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
    filterable: &[],
    index_only: &[],
};

/// Answers the list of jobs or one of them. The path is documented with the object id only.
pub(super) fn answer(
    context: &mut Context<'_>,
    request: &GraphRequest,
    key: Key<'_>,
    job_id: Option<&str>,
) -> Result<Answer, Refusal> {
    if !is_read(&request.method) {
        return Err(Refusal::not_built("writing to synchronization jobs"));
    }
    if !key.name.eq_ignore_ascii_case("id") {
        return Err(Refusal::not_built("synchronization jobs by appId; the reference documents them by object id"));
    }
    permission::require(context, Access::ReadSynchronization)?;
    let (id, _) = service_principal::find(context, key, context.view)?;
    let jobs = context.tenant.synchronization_jobs.get(&id);
    let mut rows: Vec<Properties> =
        jobs.map(|jobs| jobs.iter().filter_map(|job| job.as_object().cloned()).collect()).unwrap_or_default();
    let Some(job_id) = job_id else {
        return collection::page(context, request, &SYNCHRONIZATION_JOB, rows);
    };
    rows.retain(|row| text(row, "id") == job_id);
    let row = rows.pop().ok_or_else(|| Refusal::not_found(job_id))?;
    collection::single(context, request, &SYNCHRONIZATION_JOB, row)
}
