//! What changes by itself as time goes by: provisioning jobs, and certificates that end. A part of the oracle.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::truth::{Credential, Job, Principal, Truth};

/// How long an application is given time to provision again after it came back.
const SETTLES_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// Until when that is; the status remembers it.
fn given(entry: Option<&Value>) -> Option<Timestamp> {
    entry?["provisioning"]["settlingUntil"].as_str()?.parse().ok()
}

/// Whether an application that came back still has time: until a day has passed, or a cycle has got through.
pub fn is_settling(truth: &Truth, principal: &Principal, entry: Option<&Value>, now: Timestamp) -> bool {
    let Some(until) = given(entry).filter(|until| now < *until) else { return false };
    let (worst, flaw) = worst(truth, principal, entry, now);
    let is_back_at_work =
        flaw.is_none() && worst.is_some_and(|job| job.code == "Active" && job.alive > Some(until - SETTLES_WITHIN));
    !is_back_at_work
}

/// What is wrong with the provisioning of a live principal.
pub fn provisioning(
    truth: &Truth,
    principal: &Principal,
    entry: Option<&Value>,
    now: Timestamp,
) -> Option<&'static str> {
    let (_, flaw) = worst(truth, principal, entry, now);
    let (reason, may_pass) = flaw?;
    (!(may_pass && is_settling(truth, principal, entry, now))).then_some(reason)
}

/// A reason, and whether it may pass by itself after a restore.
type Flaw = (&'static str, bool);

/// Of the jobs of one template the one with the gravest flaw.
fn worst<'a>(
    truth: &'a Truth,
    principal: &Principal,
    entry: Option<&Value>,
    now: Timestamp,
) -> (Option<&'a Job>, Option<Flaw>) {
    let jobs = truth.jobs.get(&principal.id).map_or(&[][..], Vec::as_slice);
    let remembered = entry.and_then(|entry| entry["provisioning"]["templateId"].as_str());
    let known = jobs.iter().find(|job| Some(job.template.as_str()) == remembered);
    let best = || jobs.iter().max_by_key(|job| (job.runs(), job.alive, &job.id));
    let Some(one) = known.or_else(best) else { return (None, Some(("ProvisioningJobMissing", true))) };
    let ours = jobs.iter().filter(|job| job.template == one.template);
    let judged = ours.map(|job| (Some(job), flaw(truth, principal, job, now)));
    let gravity = |(_, flaw): &(Option<&Job>, Option<Flaw>)| {
        flaw.map_or(usize::MAX, |(reason, _)| super::oracle::gravity(reason).unwrap_or(usize::MAX))
    };
    judged.min_by_key(gravity).unwrap_or((None, None))
}

fn flaw(truth: &Truth, principal: &Principal, job: &Job, now: Timestamp) -> Option<Flaw> {
    match (job.code.as_str(), job.schedule.as_str()) {
        ("NotConfigured", _) | ("NotRun", "Disabled") => Some(("ProvisioningDisabled", true)),
        ("Paused", _) | (_, "Paused") => Some(("ProvisioningPaused", false)),
        ("Active" | "Quarantine", "Disabled") => Some(("ProvisioningDisabled", false)),
        ("Quarantine", _) => Some(("ProvisioningQuarantined", false)),
        ("NotRun", _) => None,
        _ => {
            let has_people = truth.assigned.iter().any(|one| one.to == principal.id && one.is_of_people);
            let is_overdue = job.due().is_some_and(|due| due <= now);
            match (job.synchronized == Some(0) && !has_people, is_overdue) {
                (true, _) => Some(("ProvisioningScopeEmpty", true)),
                (false, true) => Some(("ProvisioningOverdue", true)),
                (false, false) => None,
            }
        }
    }
}

/// How certificates and client secrets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificates {
    /// There are none.
    None,
    /// None of those that count has ended.
    Current,
    /// One of those that count has.
    Expired,
}

/// Those that count: the certificate that answers are signed with, else the one that ends last; and the client secret that
/// ends last.
fn counting(principal: &Principal) -> impl Iterator<Item = &Credential> {
    let certificates = || principal.credentials.iter().filter(|credential| credential.is_certificate);
    let active = certificates().filter(|credential| credential.is_active).max_by_key(|credential| credential.ends);
    let secrets = principal.credentials.iter().filter(|credential| !credential.is_certificate);
    let certificate = active.or_else(|| certificates().max_by_key(|credential| credential.ends));
    certificate.into_iter().chain(secrets.max_by_key(|credential| credential.ends))
}

/// How those of a principal are.
pub fn certificates(principal: &Principal, now: Timestamp) -> Certificates {
    match (principal.credentials.is_empty(), counting(principal).any(|credential| credential.ends <= now)) {
        (true, _) => Certificates::None,
        (false, true) => Certificates::Expired,
        (false, false) => Certificates::Current,
    }
}

/// Whether one of those that count ends within this time.
pub fn ends_soon(principal: &Principal, warn_before: SignedDuration, now: Timestamp) -> bool {
    counting(principal).any(|credential| now < credential.ends && credential.ends - warn_before <= now)
}

/// When time alone changes what is to be said of a principal, until now.
pub fn last_turn(
    truth: &Truth,
    principal: &Principal,
    warn_before: Option<SignedDuration>,
    entry: Option<&Value>,
    now: Timestamp,
) -> Option<Timestamp> {
    let jobs = truth.jobs.get(&principal.id).into_iter().flatten();
    let until = given(entry);
    // The cycle that shows that a restored application provisions again.
    let first = until.map(|until| until - SETTLES_WITHIN);
    let cycles = jobs.clone().filter_map(|job| job.alive.filter(|alive| Some(*alive) > first && first.is_some()));
    let ends = principal.credentials.iter().map(|credential| credential.ends);
    let warnings = ends.clone().filter_map(|end| Some(end - warn_before?));
    jobs.filter_map(Job::due).chain(cycles).chain(until).chain(ends).chain(warnings).filter(|turn| *turn <= now).max()
}
