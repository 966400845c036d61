//! `/servicePrincipals/{id}/synchronization/jobs`, reading only: the jobs a scenario brought along.

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, text};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::permission::{self, Access};
use super::schema::{EntityType, Kind};
use super::{collection, service_principal};

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

/// The operations on jobs.
pub(super) const ROUTES: &[Route] = &[
    Route::get("serviceprincipals/{}/synchronization/jobs", list),
    Route::get("serviceprincipals/{}/synchronization/jobs/{}", get),
];

fn list(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let rows = readable(context, named)?;
    collection::page(context, request, &SYNCHRONIZATION_JOB, rows)
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let mut rows = readable(context, named)?;
    let job_id = named.key(1).value;
    rows.retain(|row| text(row, "id") == job_id);
    let row = rows.pop().ok_or_else(|| Refusal::not_found(job_id))?;
    collection::single(context, request, &SYNCHRONIZATION_JOB, row)
}

/// The jobs of a principal. The path is documented with the object id only.
fn readable(context: &Context<'_>, named: &Named<'_>) -> Result<Vec<Properties>, Refusal> {
    let key = named.key(0);
    if !key.name.eq_ignore_ascii_case("id") {
        return Err(Refusal::not_built("synchronization jobs by appId; the reference documents them by object id"));
    }
    permission::require(context, Access::ReadSynchronization)?;
    let (id, _) = service_principal::find(context, key, context.view)?;
    let jobs = context.tenant.synchronization_jobs.get(&id);
    Ok(jobs.map(|jobs| jobs.iter().filter_map(|job| job.as_object().cloned()).collect()).unwrap_or_default())
}
