//! The schema of a job: what is mapped to what.
//! <https://learn.microsoft.com/graph/api/synchronization-synchronizationschema-update>

use serde_json::Value;

use super::super::answer::Answer;
use super::super::collection;
use super::super::context::{Context, GraphRequest};
use super::super::directory::{Properties, elements, text_of};
use super::super::error::Refusal;
use super::super::graph::Named;
use super::super::permission::Access;
use super::super::schema::{EntityType, Kind};
use super::job::{Job, ScheduleState};
use super::{audit, job, principal, template};

/// synchronizationSchema.
pub(super) const SYNCHRONIZATION_SCHEMA: EntityType = EntityType {
    name: "microsoft.graph.synchronizationSchema",
    set: "servicePrincipals/synchronization/jobs/schema",
    resource: "SynchronizationSchema",
    properties: &[
        ("id", Kind::Text),
        ("directories", Kind::Other),
        ("synchronizationRules", Kind::Other),
        ("version", Kind::Text),
    ],
    filterable: &[],
    index_only: &[],
};

/// The rule of every template's schema. Invented.
pub(super) const RULE_ID: &str = "00000000-0000-4000-8000-000000000063";

/// What changing a schema is called in the audit log.
const UPDATED: &str = "Update attribute mappings or scope";

/// Its own schema, or the template's.
pub(super) fn of(job: &Job) -> Properties {
    let mut schema = job.schema.clone().unwrap_or_else(|| template::default_schema(&job.template_id));
    schema.insert("id".to_owned(), job.id.clone().into());
    schema
}

/// Whether a job's schema has a rule.
pub(super) fn has_rule(job: &Job, rule_id: &str) -> bool {
    elements(&of(job), "synchronizationRules").iter().any(|rule| text_of(rule, "id") == rule_id)
}

/// The schema a job uses.
pub(super) fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, _) = principal(context, named, Access::ReadSynchronization)?;
    let schema = of(job(context, &id, named)?);
    collection::single(context, request, &SYNCHRONIZATION_SCHEMA, schema)
}

/// "This method fully replaces the current schema with the one provided in the request." The reference has `PUT`, the
/// description `PATCH`; both are taken.
pub(super) fn replace(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    principal(context, named, Access::WriteSynchronization)?;
    let mut body = request.object()?.clone();
    body.remove("id");
    SYNCHRONIZATION_SCHEMA.changes(&body, &["directories", "synchronizationRules", "version"])?;
    for name in ["directories", "synchronizationRules"] {
        let has_objects =
            body.get(name).and_then(Value::as_array).is_some_and(|list| list.iter().all(Value::is_object));
        if !has_objects {
            let message =
                format!("A collection is required for property '{name}' of resource 'SynchronizationSchema'.");
            return Err(Refusal::bad_request(message));
        }
    }
    body.retain(|name, _| !name.starts_with('@'));
    set(context, named, Some(body))
}

/// Back to the template's schema.
pub(super) fn delete(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    set(context, named, None)
}

/// "Certain changes to the application's provisioning settings, such as attribute mappings or scoping filters, will
/// automatically restart provisioning for you."
fn set(context: &mut Context<'_>, named: &Named<'_>, schema: Option<Properties>) -> Result<Answer, Refusal> {
    let (id, row) = principal(context, named, Access::WriteSynchronization)?;
    let now = context.now;
    let job = job(context, &id, named)?;
    job.touch(now);
    job.schema = schema;
    job.is_initial = true;
    if job.state == ScheduleState::Active {
        job.quarantine = None;
        job.run_from(now);
    }
    let job_id = job.id.clone();
    audit::record(context, UPDATED, &row, &job_id);
    Ok(Answer::no_content())
}
