//! What changes by itself as time goes by: provisioning jobs, and certificates that end. A part of the oracle.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::truth::{Credential, Job, Principal, Truth};

/// Until when an application is given time to provision again after it came back; the status remembers it.
pub fn settling(entry: Option<&Value>, now: Timestamp) -> Option<Timestamp> {
    let until = entry?["provisioning"]["settlingUntil"].as_str()?.parse().ok()?;
    (now < until).then_some(until)
}

/// Reasons that may pass by themselves after a restore.
const PASSING: [&str; 3] = ["ProvisioningJobMissing", "ProvisioningScopeEmpty", "ProvisioningOverdue"];

/// Whether a restored application is given time until this passes.
pub fn may_pass(reason: &str) -> bool {
    PASSING.contains(&reason)
}

/// What is wrong with the provisioning of a live principal: of the jobs of one template the gravest.
pub fn provisioning(
    truth: &Truth,
    principal: &Principal,
    entry: Option<&Value>,
    now: Timestamp,
) -> Option<&'static str> {
    let jobs = truth.jobs.get(&principal.id).map_or(&[][..], Vec::as_slice);
    let remembered = entry.and_then(|entry| entry["provisioning"]["templateId"].as_str());
    let known = jobs.iter().find(|job| Some(job.template.as_str()) == remembered);
    let best = || jobs.iter().max_by_key(|job| (job.runs(), job.alive, &job.id));
    let settling = settling(entry, now);
    let (flaw, may_pass) = match known.or_else(best) {
        None => (Some("ProvisioningJobMissing"), true),
        Some(one) => {
            let ours = jobs.iter().filter(|job| job.template == one.template);
            let flaws = ours.filter_map(|job| flaw(truth, principal, job, now));
            let worst = flaws.min_by_key(|(reason, _)| super::oracle::gravity(reason));
            worst.map_or((None, false), |(reason, may_pass)| (Some(reason), may_pass))
        }
    };
    flaw.filter(|_| !(may_pass && settling.is_some()))
}

fn flaw(truth: &Truth, principal: &Principal, job: &Job, now: Timestamp) -> Option<(&'static str, bool)> {
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
    let until = entry.and_then(|entry| entry["provisioning"]["settlingUntil"].as_str()?.parse().ok());
    let ends = principal.credentials.iter().map(|credential| credential.ends);
    let warnings = ends.clone().filter_map(|end| Some(end - warn_before?));
    jobs.filter_map(Job::due).chain(until).chain(ends).chain(warnings).filter(|turn| *turn <= now).max()
}
