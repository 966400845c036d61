//! What happens to the systems that jobs provision into: broken credentials, quarantines, an empty scope.

use jiff::Timestamp;
use serde::Deserialize;

use super::super::Emulator;
use super::super::answer::Answer;
use super::super::replica::View;
use super::super::synchronization::{ProvisioningTarget, QuarantineReason, TargetCredentials};
use super::not_found;

/// What to do to the jobs of one principal.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wish {
    tenant_id: String,
    app_id: String,
    /// One job; all of the principal's if left out.
    job_id: Option<String>,
    credentials: Option<TargetCredentials>,
    quarantine: Option<QuarantineReason>,
    scope_empty: Option<bool>,
}

/// Lets jobs live from now on, in a target that is as wished.
pub(super) fn answer(emulator: &mut Emulator, now: Timestamp, wish: &Wish) -> Result<Answer, Answer> {
    let Wish { tenant_id, app_id, job_id, credentials, quarantine, scope_empty } = wish;
    let now = emulator.time(now);
    let tenant = emulator.tenants.get_mut(tenant_id).ok_or_else(|| not_found("tenant"))?;
    let id = tenant.principal_of(View::Truth, app_id).map(|(id, _)| id.to_owned());
    let id = id.ok_or_else(|| not_found("application in that tenant"))?;
    let synchronization = tenant.synchronization.entry(id).or_default();
    let is_meant = |id: &str| job_id.as_deref().is_none_or(|wanted| wanted == id);
    if job_id.is_some() && !synchronization.jobs.iter().any(|job| is_meant(&job.id)) {
        return Err(not_found("synchronization job of that application"));
    }
    for job in synchronization.jobs.iter_mut().filter(|job| is_meant(&job.id)) {
        job.touch(now);
        if let Some(reason) = quarantine {
            job.impose(now, *reason);
        }
    }
    let target = ProvisioningTarget { credentials: *credentials, quarantine: *quarantine, scope_empty: *scope_empty };
    synchronization.set_target(&target);
    Ok(Answer::no_content())
}
