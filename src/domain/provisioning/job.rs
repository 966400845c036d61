//! What is wrong with one provisioning job, the gravest first.

use jiff::{SignedDuration, Timestamp};

use super::{
    JOB, SCOPE, Subject,
    quarantine::{self, Cause},
};
use crate::{
    api::Reason,
    domain::{
        observed::{Assigned, CycleState, Quarantine, Reading, ScheduleState, SynchronizationCode, SynchronizationJob},
        remedy::Remedy,
        timing::{later, whole_second},
    },
};

/// Pause between cycles where Microsoft Graph tells none.
/// <https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-when-will-provisioning-finish-specific-user>
const INTERVAL: SignedDuration = SignedDuration::from_mins(40);

/// No job is tried more rarely than this, not even in quarantine. A job that never ran tells the longest duration of .NET.
const INTERVAL_MAX: SignedDuration = SignedDuration::from_hours(24);

/// A job is overdue after as many intervals without success; one or two that fail are everyday life,
const OVERDUE_INTERVALS: i32 = 3;

/// and this on top, which is how long Microsoft takes to try again for the first time after it put a job into quarantine:
/// what ends in a quarantine is told as one, and not twice. Cycles of large directories take hours, too.
const OVERDUE_MARGIN: SignedDuration = SignedDuration::from_hours(6);

/// What one job is found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Its state.
    pub state: State,
    /// What is wrong with it.
    pub flaw: Option<Flaw>,
    /// When time alone will change this.
    pub changes_at: Option<Timestamp>,
}

/// What is wrong with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The reason.
    pub reason: Reason,
    /// What was found, in full sentences.
    pub actual: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What to do.
    pub remedy: Remedy,
    /// Whether it may pass by itself after a restore.
    pub may_settle: bool,
    /// What was not found, where that is how it shows.
    pub absent: Option<&'static str>,
}

/// What `status.applications[].provisioning.state` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Active,
    Paused,
    Disabled,
    Quarantined,
    NotRun,
    Missing,
    NotSupported,
    Unknown,
}

impl State {
    /// The name in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Paused => "Paused",
            Self::Disabled => "Disabled",
            Self::Quarantined => "Quarantined",
            Self::NotRun => "NotRun",
            Self::Missing => "Missing",
            Self::NotSupported => "NotSupported",
            Self::Unknown => "Unknown",
        }
    }
}

impl Verdict {
    fn good(state: State) -> Self {
        Self { state, flaw: None, changes_at: None }
    }

    fn bad(state: State, flaw: Flaw) -> Self {
        Self { state, flaw: Some(flaw), changes_at: None }
    }

    /// Order of gravity: differences as in the table of reasons, then what is not known, then what is in order.
    pub fn rank(&self) -> (u8, Option<Reason>) {
        match &self.flaw {
            Some(flaw) => (0, Some(flaw.reason)),
            None if self.state == State::Unknown => (1, None),
            None => (2, None),
        }
    }
}

/// Whether a job runs by its schedule.
pub fn runs(job: &SynchronizationJob) -> bool {
    job.schedule == ScheduleState::Active
        && matches!(job.code, SynchronizationCode::Active | SynchronizationCode::NotRun)
}

/// The word for a last cycle that did not go well.
pub fn trouble_of_last_cycle(job: &SynchronizationJob) -> Option<&'static str> {
    match job.last_cycle.map(|cycle| cycle.state) {
        Some(CycleState::Failed) => Some("Failed"),
        Some(CycleState::EntryLevelErrors) => Some("EntryLevelErrors"),
        Some(CycleState::Succeeded | CycleState::Unrecognised) | None => None,
    }
}

/// There is no job.
pub fn missing(subject: Subject<'_>) -> Verdict {
    let flaw = Flaw {
        reason: Reason::ProvisioningJobMissing,
        actual: format!("{} has no provisioning job in tenant {}.", subject.named(), subject.ctx.desired.tenant),
        since: None,
        remedy: subject.ctx.set_provisioning_up(),
        may_settle: true,
        absent: Some(JOB),
    };
    Verdict::bad(State::Missing, flaw)
}

/// Judges one job.
pub fn judge(subject: Subject<'_>, now: Timestamp, job: &SynchronizationJob, assigned: &Reading<Assigned>) -> Verdict {
    use SynchronizationCode::{Active, NotConfigured, NotRun, Paused, Quarantine, Unrecognised};
    let in_quarantine = quarantine::of(job);
    match (job.code, job.schedule) {
        (Unrecognised, _) | (_, ScheduleState::Unrecognised) => Verdict::good(State::Unknown),
        (NotConfigured, _) => not_configured(subject),
        (Paused, _) | (_, ScheduleState::Paused) => paused(subject, job, in_quarantine),
        (NotRun, ScheduleState::Disabled) => never_started(subject),
        (Active | Quarantine, ScheduleState::Disabled) => switched_off(subject, now, job, in_quarantine),
        (Quarantine, ScheduleState::Active) => quarantined(subject, in_quarantine),
        (NotRun, ScheduleState::Active) => Verdict::good(State::NotRun),
        (Active, ScheduleState::Active) => running(subject, now, job, assigned),
    }
}

fn stop(reason: Reason, actual: String, since: Option<Timestamp>, remedy: Remedy) -> Flaw {
    Flaw { reason, actual, since, remedy, may_settle: false, absent: None }
}

fn named(subject: Subject<'_>) -> String {
    format!("The provisioning job of {} in tenant {}", subject.named(), subject.ctx.desired.tenant)
}

fn cause_of(quarantine: Option<&Quarantine>) -> Cause {
    Cause::of(quarantine.map_or("", |quarantine| quarantine.reason.as_str()))
}

/// " since …", where it is known.
fn since(quarantine: Option<&Quarantine>) -> String {
    quarantine
        .and_then(|quarantine| quarantine.since)
        .map_or_else(String::new, |at| format!(" since {}", whole_second(at)))
}

/// The sentence on a quarantine that a stopped job is in besides.
fn besides(quarantine: Option<&Quarantine>) -> String {
    quarantine.map_or_else(String::new, |_| {
        format!(" It is in quarantine{} besides: {}.", since(quarantine), cause_of(quarantine).words())
    })
}

fn paused(subject: Subject<'_>, job: &SynchronizationJob, quarantine: Option<&Quarantine>) -> Verdict {
    let ran = job.last_success.is_some() || job.last_cycle.is_some();
    let how = if ran {
        "is paused: it was stopped and waits to be started"
    } else {
        "is paused and has never finished a cycle"
    };
    let actual = format!("{} {how}.{}", named(subject), besides(quarantine));
    let remedy = match quarantine {
        Some(_) => subject.ctx.mend_provisioning(&cause_of(quarantine), None),
        None => subject.ctx.start_provisioning(),
    };
    Verdict::bad(State::Paused, stop(Reason::ProvisioningPaused, actual, None, remedy))
}

fn quarantined(subject: Subject<'_>, quarantine: Option<&Quarantine>) -> Verdict {
    let cause = cause_of(quarantine);
    let off_at = quarantine.and_then(quarantine::switched_off_at);
    let until = match off_at {
        Some(at) => format!("on {}", at.strftime("%Y-%m-%d")),
        None => "after 28 days".to_owned(),
    };
    let actual = format!(
        "{} is in quarantine{}: {}. Microsoft tries it daily and switches it off {until}.",
        named(subject),
        since(quarantine),
        cause.words()
    );
    let remedy = subject.ctx.mend_provisioning(&cause, off_at);
    let began = quarantine.and_then(|quarantine| quarantine.since);
    Verdict::bad(State::Quarantined, stop(Reason::ProvisioningQuarantined, actual, began, remedy))
}

fn switched_off(
    subject: Subject<'_>,
    now: Timestamp,
    job: &SynchronizationJob,
    quarantine: Option<&Quarantine>,
) -> Verdict {
    let off_at =
        quarantine.and_then(quarantine::switched_off_at).filter(|_| job.code == SynchronizationCode::Quarantine);
    let by_microsoft = off_at.filter(|at| *at <= now);
    let actual = match by_microsoft {
        Some(_) => format!(
            "{} was in quarantine{}, and Microsoft switched it off after 28 days of that: {}.",
            named(subject),
            since(quarantine),
            cause_of(quarantine).words()
        ),
        None => format!("{} is switched off.{}", named(subject), besides(quarantine)),
    };
    let remedy = match quarantine {
        Some(_) => subject.ctx.mend_provisioning(&cause_of(quarantine), None),
        None => subject.ctx.start_provisioning(),
    };
    let flaw = stop(Reason::ProvisioningDisabled, actual, by_microsoft, remedy);
    Verdict { changes_at: off_at.filter(|at| *at > now), ..Verdict::bad(State::Disabled, flaw) }
}

fn never_started(subject: Subject<'_>) -> Verdict {
    let actual = format!("{} was never started.", named(subject));
    let flaw = stop(Reason::ProvisioningDisabled, actual, None, subject.ctx.start_provisioning());
    Verdict::bad(State::Disabled, Flaw { may_settle: true, ..flaw })
}

fn not_configured(subject: Subject<'_>) -> Verdict {
    let actual = format!("{} lacks an address or a credential of Webex, so that it cannot run.", named(subject));
    let remedy = subject.ctx.mend_provisioning(&Cause::RefusedCredential, None);
    let flaw = stop(Reason::ProvisioningDisabled, actual, None, remedy);
    Verdict::bad(State::Disabled, Flaw { may_settle: true, ..flaw })
}

fn running(subject: Subject<'_>, now: Timestamp, job: &SynchronizationJob, assigned: &Reading<Assigned>) -> Verdict {
    if job.synchronized == Some(0) {
        // A job that is set to take everyone keeps people in step without any assignment.
        match assigned {
            Reading::Known(Assigned { people: true, .. }) => {}
            Reading::Known(Assigned { people: false, .. }) | Reading::Absent => return scope_empty(subject),
            Reading::Unreadable(_) | Reading::NotAsked => return Verdict::good(State::Unknown),
        }
    }
    let Some(alive) = last_sign_of_life(job) else {
        return Verdict::good(State::Active);
    };
    let due = whole_second(later(alive, allowance(job)));
    if now < due {
        return Verdict { changes_at: Some(due), ..Verdict::good(State::Active) };
    }
    if job.last_cycle.is_some_and(|cycle| cycle.state == CycleState::Unrecognised) {
        return Verdict::good(State::Unknown);
    }
    overdue(subject, job, alive)
}

fn scope_empty(subject: Subject<'_>) -> Verdict {
    let flaw = Flaw {
        reason: Reason::ProvisioningScopeEmpty,
        actual: format!(
            "{} runs, but no user and no group is assigned to the application, so that nobody is in its scope.",
            named(subject)
        ),
        since: None,
        remedy: subject.ctx.assign_people(),
        may_settle: true,
        absent: Some(SCOPE),
    };
    Verdict::bad(State::Active, flaw)
}

/// When a cycle last got through. One that could not provision some people or groups did: it may never succeed
/// altogether, because of one person with a wrong address.
fn last_sign_of_life(job: &SynchronizationJob) -> Option<Timestamp> {
    let got_through = job.last_cycle.filter(|cycle| match cycle.state {
        CycleState::Succeeded | CycleState::EntryLevelErrors => true,
        CycleState::Failed | CycleState::Unrecognised => false,
    });
    job.last_success.into_iter().chain(got_through.map(|cycle| cycle.ended)).max()
}

/// How long a job may go without success.
fn allowance(job: &SynchronizationJob) -> SignedDuration {
    let told = job.interval.filter(SignedDuration::is_positive).unwrap_or(INTERVAL);
    told.min(INTERVAL_MAX).saturating_mul(OVERDUE_INTERVALS).saturating_add(OVERDUE_MARGIN)
}

fn overdue(subject: Subject<'_>, job: &SynchronizationJob, alive: Timestamp) -> Verdict {
    let failed = at_least(job.failures)
        .map_or_else(String::new, |count| format!(" At least {count} cycles in a row failed altogether."));
    let actual = format!(
        "{} is not stopped, but has not succeeded since {}, which is far longer than its schedule.{failed}",
        named(subject),
        whole_second(alive)
    );
    let flaw = stop(Reason::ProvisioningOverdue, actual, Some(alive), subject.ctx.look_into_provisioning());
    Verdict::bad(State::Active, Flaw { may_settle: true, ..flaw })
}

/// The count in steps, because a message does not count on from cycle to cycle.
fn at_least(count: i64) -> Option<i64> {
    [1000, 100, 10, 5, 2].into_iter().find(|step| count >= *step)
}
