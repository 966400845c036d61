//! Whether people are provisioned to Webex: the provisioning jobs of a service principal, and the time that they are
//! given after it came back.

mod job;
mod quarantine;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

pub use quarantine::{Cause, SWITCHED_OFF_AFTER};

use super::{
    belief::{Belief, Evidence, Finding},
    drift::{Drift, Facet},
    message,
    observed::{ObservedApplication, Reading, SynchronizationJob},
    permission,
    ready::Note,
    remedy::Context,
    text,
    timing::{later, whole_second},
};
use crate::api::{
    ObjectId, Reason,
    status::{ApplicationStatus, ProvisioningStatus},
};
use job::{Flaw, State, Verdict};

/// What is absent where there is no provisioning job.
pub const JOB: &str = "provisioning job";

/// What is absent where nobody is assigned.
pub const SCOPE: &str = "people in scope";

/// A restored service principal may need up to a day until it provisions again.
/// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/delete-recover-faq>
pub const SETTLES_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// Most other jobs that are named.
const OTHERS_MAX: usize = 5;

/// What a look tells about the provisioning of one application.
#[derive(Debug, Clone, PartialEq)]
pub struct Provisioning {
    /// The finding.
    pub finding: Finding,
    /// How it is written to the status.
    pub status: ProvisioningStatus,
    /// When time alone will change the finding.
    pub changes_at: Option<Timestamp>,
}

/// Judges the provisioning jobs of a live service principal. `settling` is the time until which a job that does not run
/// yet is no drift.
pub fn judge(
    ctx: Context<'_>,
    now: Timestamp,
    previous: Option<&ProvisioningStatus>,
    settling: Option<Timestamp>,
    seen: &ObservedApplication,
) -> Provisioning {
    let unknown = Provisioning {
        finding: Finding::Unknown,
        status: kept(previous, settling, &Belief::Unknown),
        changes_at: settling,
    };
    let (Some(principal), Some(jobs)) = (seen.service_principal.known(), seen.jobs.known()) else {
        return unknown;
    };
    let template = previous.and_then(|previous| previous.template_id.as_deref());
    let (ours, others) = told_apart(jobs, template);
    let subject = Subject { ctx, object: principal.id };
    let judged = ours.iter().map(|job| (Some(*job), job::judge(subject, now, job, &seen.assigned)));
    let (job, verdict) =
        judged.min_by_key(|(_, verdict)| verdict.rank()).unwrap_or_else(|| (None, job::missing(subject)));
    let is_back_at_work = job.and_then(|job| job.last_success).zip(settling).is_some_and(|(success, until)| {
        matches!(verdict.state, State::Active) && verdict.flaw.is_none() && success > later(until, -SETTLES_WITHIN)
    });
    let settling = settling.filter(|_| !is_back_at_work);
    let finding = match &verdict.flaw {
        _ if verdict.state == State::Unknown => Finding::Unknown,
        None => Finding::Good,
        Some(flaw) if flaw.may_settle && settling.is_some() => Finding::Good,
        Some(flaw) => drifted(ctx, flaw),
    };
    if finding == Finding::Unknown {
        return unknown;
    }
    Provisioning {
        finding,
        status: status(previous, settling, job, &verdict, &others),
        changes_at: settling.into_iter().chain(verdict.changes_at).filter(|at| *at > now).min(),
    }
}

/// The service principal whose job is spoken of.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    ctx: Context<'a>,
    object: ObjectId,
}

impl Subject<'_> {
    fn named(&self) -> String {
        let Self { ctx, object } = self;
        format!("{} (appId {}, object ID {object})", ctx.title(), ctx.application.app_id)
    }
}

/// The jobs that are looked at, and the templates of the others. The template is remembered, so that a second job which
/// somebody adds does not take the place of the first; before that, the one that runs or last succeeded is taken.
fn told_apart<'a>(
    jobs: &'a [SynchronizationJob],
    remembered: Option<&str>,
) -> (Vec<&'a SynchronizationJob>, Vec<String>) {
    let known = jobs
        .iter()
        .map(|job| job.template_id.as_str())
        .find(|template| Some(text::safe(template).as_str()) == remembered);
    let best = || jobs.iter().max_by_key(|job| (job::runs(job), job.last_success, &job.id));
    let Some(template) = known.or_else(|| best().map(|job| job.template_id.as_str())) else {
        return (Vec::new(), Vec::new());
    };
    let (ours, others): (Vec<_>, Vec<_>) = jobs.iter().partition(|job| job.template_id == template);
    let others: BTreeSet<String> = others.into_iter().map(|job| text::safe(&job.template_id)).collect();
    (ours, others.into_iter().take(OTHERS_MAX).collect())
}

fn drifted(ctx: Context<'_>, flaw: &Flaw) -> Finding {
    let drift = Drift {
        application: ctx.application.name.clone(),
        reason: flaw.reason,
        expected: "a provisioning job runs",
        actual: flaw.actual.clone(),
        since: flaw.since,
        remedy: flaw.remedy.clone(),
    };
    let evidence = flaw.absent.map_or(Evidence::Explicit, |item| Evidence::Absence(BTreeSet::from([item.to_owned()])));
    Finding::Drifted { drifts: vec![drift], evidence }
}

fn status(
    previous: Option<&ProvisioningStatus>,
    settling: Option<Timestamp>,
    job: Option<&SynchronizationJob>,
    verdict: &Verdict,
    others: &[String],
) -> ProvisioningStatus {
    let time = |at: Timestamp| Time(whole_second(at));
    let remembered = || previous.and_then(|previous| previous.template_id.clone());
    ProvisioningStatus {
        state: verdict.state.as_str().to_owned(),
        template_id: job.map(|job| text::safe(&job.template_id)).or_else(remembered),
        other_jobs: others.to_vec(),
        last_success_time: job.and_then(|job| job.last_success).map(time),
        last_cycle: job.and_then(job::trouble_of_last_cycle).map(str::to_owned),
        quarantine: job.and_then(quarantine::of).map(quarantine::status),
        settling_until: settling.map(time),
    }
}

/// Until when a service principal that came back is given time to provision again; none if it did not come back, or if
/// it is another one, whose jobs are gone with the earlier one.
pub fn settling_until(
    earlier: Option<&ApplicationStatus>,
    seen: Option<&ObservedApplication>,
    now: Timestamp,
) -> Option<Timestamp> {
    let earlier = earlier?;
    let given = earlier.provisioning.as_ref().and_then(|provisioning| provisioning.settling_until.as_ref());
    if let Some(until) = given.map(|time| time.0).filter(|until| *until > now) {
        return Some(until);
    }
    let principal = seen?.service_principal.known()?;
    let was_gone = matches!(earlier.state.as_deref(), Some("SoftDeleted" | "Missing" | "Ambiguous"));
    let is_the_same = earlier.service_principal_id.as_ref() == Some(&principal.id.to_string());
    (was_gone && is_the_same).then(|| whole_second(later(now, SETTLES_WITHIN)))
}

/// Whether provisioning jobs can be read there at all.
pub fn is_offered(ctx: Context<'_>, previous: Option<&ProvisioningStatus>, seen: Option<&ObservedApplication>) -> bool {
    let had_told = previous.is_some_and(is_known);
    match seen.map(|seen| &seen.jobs) {
        Some(Reading::Known(_)) => true,
        Some(Reading::Unreadable(obstacle)) if obstacle.is_not_offered() => false,
        Some(Reading::Unreadable(_) | Reading::Absent | Reading::NotAsked) | None
            if !permission::offers_jobs(ctx.desired.cloud) =>
        {
            had_told
        }
        Some(Reading::Unreadable(_) | Reading::Absent | Reading::NotAsked) | None => {
            previous.is_none_or(|previous| previous.state != State::NotSupported.as_str())
        }
    }
}

/// The fields where jobs cannot be read at all.
pub fn not_offered() -> ProvisioningStatus {
    ProvisioningStatus { state: State::NotSupported.as_str().to_owned(), ..ProvisioningStatus::default() }
}

/// The fields as they were, where this look could not tell.
pub fn kept(previous: Option<&ProvisioningStatus>, settling: Option<Timestamp>, belief: &Belief) -> ProvisioningStatus {
    let settling_until = settling.map(|at| Time(whole_second(at)));
    match (previous, belief) {
        (Some(previous), Belief::Good | Belief::Drifted(_)) => {
            ProvisioningStatus { settling_until, ..previous.clone() }
        }
        (
            previous,
            Belief::Good | Belief::Drifted(_) | Belief::Unknown | Belief::Confirming | Belief::NotApplicable,
        ) => ProvisioningStatus {
            state: State::Unknown.as_str().to_owned(),
            template_id: previous.and_then(|previous| previous.template_id.clone()),
            settling_until,
            ..ProvisioningStatus::default()
        },
    }
}

/// Whether this tells anything.
pub fn is_known(status: &ProvisioningStatus) -> bool {
    ![State::Unknown, State::NotSupported].map(State::as_str).contains(&status.state.as_str())
}

/// Puts the published values in place of what moves with every cycle, so that those alone are no change.
pub fn carry_over(applications: &mut [ApplicationStatus], published: &[ApplicationStatus]) {
    for application in applications {
        let earlier = published.iter().find(|earlier| earlier.name == application.name);
        let Some((fresh, earlier)) =
            application.provisioning.as_mut().zip(earlier.and_then(|earlier| earlier.provisioning.as_ref()))
        else {
            continue;
        };
        keep_if_both(&mut fresh.last_success_time, earlier.last_success_time.as_ref());
        let earlier = earlier.quarantine.as_ref().and_then(|quarantine| quarantine.next_attempt.as_ref());
        if let Some(quarantine) = &mut fresh.quarantine {
            keep_if_both(&mut quarantine.next_attempt, earlier);
        }
    }
}

fn keep_if_both(fresh: &mut Option<Time>, earlier: Option<&Time>) {
    if let (Some(fresh), Some(earlier)) = (fresh, earlier) {
        fresh.clone_from(earlier);
    }
}

/// What is told of provisioning that is in order, or that cannot be read in this cloud.
pub fn note(ctx: Context<'_>, status: &ProvisioningStatus) -> Option<Note> {
    if status.state == State::NotSupported.as_str() {
        let sentence = message::provisioning_not_offered(ctx);
        return Some(Note { facet: Facet::Provisioning, reason: Reason::NotSupportedInCloud, sentence });
    }
    let settling = status.settling_until.as_ref().map(|until| message::settling(ctx, until.0));
    let reason = if settling.is_some() { Reason::Settling } else { Reason::Healthy };
    let first_cycle = (status.state == State::NotRun.as_str()).then(|| message::first_cycle(ctx));
    let last_cycle = status.last_cycle.as_deref().map(|state| message::last_cycle(ctx, state));
    let others = (!status.other_jobs.is_empty()).then(|| message::other_jobs(ctx, &status.other_jobs));
    let first_cycle = first_cycle.filter(|_| settling.is_none());
    let sentences: Vec<String> = [settling, first_cycle, last_cycle, others].into_iter().flatten().collect();
    (!sentences.is_empty()).then(|| Note { facet: Facet::Provisioning, reason, sentence: sentences.join(" ") })
}
