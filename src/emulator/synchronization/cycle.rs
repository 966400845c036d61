//! Cycles: what every job did between the last look and now. There is no background task; each request catches up.

use std::mem;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::context::Caller;
use super::super::directory::{Properties, TenantState, text, to_second};
use super::super::directory_audit::Stamp;
use super::super::identifier::{self, Identifiers};
use super::super::knob::Knobs;
use super::super::provisioning_log::{Deed, Subject};
use super::super::replica::View;
use super::audit;
use super::job::{Job, ScheduleState};
use super::target::Fault;

/// "If the provisioning job stays in quarantine for more than four weeks, the provisioning job is disabled."
/// <https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-quarantine-status>
const QUARANTINE_LIMIT: SignedDuration = SignedDuration::from_hours(28 * 24);

/// Initial cycles of fewer than 1,000 users are documented to take less than 30 minutes.
const INITIAL_CYCLE: SignedDuration = SignedDuration::from_mins(20);

/// An incremental cycle without changes.
const INCREMENTAL_CYCLE: SignedDuration = SignedDuration::from_secs(5);

/// How many entries of an initial cycle are written to the provisioning log; scenarios name numbers, not people.
const LOGGED_ENTRIES: i64 = 10;

/// Something that a cycle ended in and a log should tell.
enum Outcome {
    Exported { ended: Timestamp, cycle_id: String, from: i64, to: i64 },
    Failed { ended: Timestamp, cycle_id: String, fault: Fault, is_news: bool },
}

/// How long the job's next cycle takes.
pub(super) fn length(job: &Job) -> SignedDuration {
    if job.is_initial && job.quarantine.is_none() { INITIAL_CYCLE } else { INCREMENTAL_CYCLE }
}

/// Runs what was due in a tenant until now. Jobs of deleted principals stand still.
pub(in super::super) fn advance(
    tenant: &mut TenantState,
    now: Timestamp,
    knobs: &Knobs,
    identifiers: &mut Identifiers,
) {
    let mut all = mem::take(&mut tenant.synchronization);
    for (id, synchronization) in &mut all {
        let Some(principal) = tenant.live_principal(View::Truth, id).cloned() else {
            continue;
        };
        let assigned = assigned(tenant, id);
        let fault = synchronization.fault();
        for job in synchronization.jobs.iter_mut().filter(|job| job.is_living()) {
            let entitled = if synchronization.scope_is_empty { 0 } else { job.entitled.max(assigned) };
            for outcome in run(job, now, fault, entitled) {
                log(tenant, knobs, identifiers, &principal, job, outcome);
            }
        }
    }
    tenant.synchronization = all;
}

/// Who is assigned to the principal, and is no application.
fn assigned(tenant: &TenantState, id: &str) -> i64 {
    let people = tenant
        .assignments(View::Truth)
        .filter(|(_, row)| text(row, "resourceId") == id && text(row, "principalType") != "ServicePrincipal");
    i64::try_from(people.count()).unwrap_or(i64::MAX)
}

fn run(job: &mut Job, now: Timestamp, fault: Option<Fault>, entitled: i64) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some(began) = job.next_run.filter(|began| *began <= now) {
        let limit = job.quarantine.as_ref().and_then(|state| state.series_began.checked_add(QUARANTINE_LIMIT).ok());
        if limit.is_some_and(|limit| limit <= began) {
            disable(job);
            break;
        }
        let length = if fault.is_some() { INCREMENTAL_CYCLE } else { length(job) };
        let ended = began.saturating_add(length).unwrap_or(Timestamp::MAX);
        if ended > now {
            break;
        }
        let cycle_id = cycle_id(&job.id, began);
        if let Some(fault) = fault {
            job.last = execution(&cycle_id, began, ended, entitled, 0, Some(fault));
            job.escrowed = entitled;
            let is_news = job.failed(ended, fault);
            outcomes.push(Outcome::Failed { ended, cycle_id, fault, is_news });
        } else {
            let before = job.synchronized;
            succeed(job, &cycle_id, began, ended, entitled);
            if before != entitled {
                outcomes.push(Outcome::Exported { ended, cycle_id, from: before, to: entitled });
            }
            skip_alike(job, now);
        }
    }
    outcomes
}

fn disable(job: &mut Job) {
    job.state = ScheduleState::Disabled;
    job.next_run = None;
    if let Some(quarantine) = &mut job.quarantine {
        quarantine.next_attempt = None;
    }
}

/// "If any of the retries above gets a successful response, the job is automatically put out of quarantine and shall
/// resume regular sync behavior."
fn succeed(job: &mut Job, cycle_id: &str, began: Timestamp, ended: Timestamp, entitled: i64) {
    let exports = (entitled - job.synchronized).abs();
    job.last = execution(cycle_id, began, ended, entitled, exports, None);
    job.last_successful = job.last.clone();
    if exports > 0 {
        job.last_with_exports = job.last.clone();
    }
    job.synchronized = entitled;
    job.failures = 0;
    job.escrowed = 0;
    job.quarantine = None;
    job.is_initial = false;
    job.first_steady.get_or_insert(ended);
    job.last_steady = Some(ended);
    let next = began.saturating_add(job.interval).unwrap_or(Timestamp::MAX);
    job.next_run = Some(next.max(ended));
}

/// Cycles without changes are all alike: of many, the last one is enough.
fn skip_alike(job: &mut Job, now: Timestamp) {
    let interval = job.interval.as_secs().max(1);
    let Some(next) = job.next_run else {
        return;
    };
    let whole = now.duration_since(next).as_secs() / interval - 1;
    if whole > 0 {
        let skipped = SignedDuration::from_secs(interval.saturating_mul(whole));
        job.next_run = Some(next.saturating_add(skipped).unwrap_or(next));
    }
}

/// `synchronizationTaskExecution`.
fn execution(
    cycle_id: &str,
    began: Timestamp,
    ended: Timestamp,
    entitled: i64,
    exports: i64,
    fault: Option<Fault>,
) -> Value {
    let is_failed = fault.is_some();
    let error = fault.map(|fault| json!({"code": fault.code, "message": fault.message, "tenantActionable": true}));
    json!({
        "activityIdentifier": cycle_id,
        "countEntitled": entitled,
        "countEntitledForProvisioning": entitled,
        "countEscrowed": if is_failed { entitled } else { 0 },
        "countEscrowedRaw": if is_failed { entitled } else { 0 },
        "countExported": exports,
        "countExports": exports,
        "countImported": if is_failed { 0 } else { entitled },
        "countImportedDeltas": exports,
        "countImportedReferenceDeltas": 0,
        "error": error,
        "state": if is_failed { "Failed" } else { "Succeeded" },
        "timeBegan": to_second(began),
        "timeEnded": to_second(ended),
    })
}

fn log(
    tenant: &mut TenantState,
    knobs: &Knobs,
    identifiers: &mut Identifiers,
    principal: &Properties,
    job: &Job,
    outcome: Outcome,
) {
    match outcome {
        Outcome::Failed { ended, cycle_id, fault, is_news } => {
            let deed = Deed {
                at: ended,
                job_id: &job.id,
                cycle_id: &cycle_id,
                action: "other",
                status: "failure",
                error: Some((fault.code, fault.message)),
                subject: None,
                initiator: &Caller::Service,
            };
            deed.write(tenant, knobs, identifiers, principal);
            if is_news {
                let (caller, user_agent) = (&Caller::Service, "");
                let stamp = Stamp { now: ended, knobs, caller, correlation_id: &cycle_id, user_agent };
                audit::write(tenant, identifiers, stamp, "Quarantine", principal, &job.id);
            }
        }
        Outcome::Exported { ended, cycle_id, from, to } => {
            let action = if to > from { "create" } else { "disable" };
            let (low, high) = (from.min(to), from.max(to));
            for number in (low..high).take(usize::try_from(LOGGED_ENTRIES).unwrap_or(0)) {
                let subject = Subject { id: entry_id(&job.id, number), kind: "User".to_owned() };
                let deed = Deed {
                    at: ended,
                    job_id: &job.id,
                    cycle_id: &cycle_id,
                    action,
                    status: "success",
                    error: None,
                    subject: Some(&subject),
                    initiator: &Caller::Service,
                };
                deed.write(tenant, knobs, identifiers, principal);
            }
        }
    }
}

/// The name of a cycle: made up, always the same, so that one tenant loaded twice has the same past.
fn cycle_id(job_id: &str, began: Timestamp) -> String {
    Identifiers::new(identifier::hash(1, &[job_id.as_bytes(), &began.as_second().to_le_bytes()])).guid()
}

/// The n-th entry in scope. Scenarios say how many there are, so who they are is made up, always the same.
fn entry_id(job_id: &str, number: i64) -> String {
    Identifiers::new(identifier::hash(0, &[job_id.as_bytes(), &number.to_le_bytes()])).guid()
}
