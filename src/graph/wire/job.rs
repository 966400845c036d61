//! Provisioning jobs. The documented answers have empty texts in place of times, times in the year 1 for never, and the
//! longest duration of .NET for no interval; none of that takes the rest of a job away.

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::Deserialize;

use super::{lenient, moment};
use crate::domain::observed::{Cycle, CycleState, Quarantine, ScheduleState, SynchronizationCode, SynchronizationJob};

/// No job pauses for longer than this between its cycles; a longer interval is none.
const INTERVAL_MAX: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A provisioning job.
/// <https://learn.microsoft.com/en-us/graph/api/resources/synchronization-synchronizationjob>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireSynchronizationJob {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    template_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    schedule: Option<WireSchedule>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<WireStatus>,
}

#[derive(Debug, Default, Deserialize)]
struct WireSchedule {
    #[serde(default, deserialize_with = "lenient")]
    interval: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    state: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStatus {
    #[serde(default, deserialize_with = "lenient")]
    code: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    count_successive_complete_failures: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    last_execution: Option<WireExecution>,
    #[serde(default, deserialize_with = "lenient")]
    last_successful_execution: Option<WireExecution>,
    #[serde(default, deserialize_with = "lenient")]
    quarantine: Option<WireQuarantine>,
    #[serde(default, deserialize_with = "lenient")]
    synchronized_entry_count_by_type: Option<Vec<WireCount>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireExecution {
    #[serde(default, deserialize_with = "lenient")]
    state: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    time_ended: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireQuarantine {
    #[serde(default, deserialize_with = "lenient")]
    reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    series_began: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    next_attempt: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    error: Option<WireSynchronizationError>,
}

#[derive(Debug, Deserialize)]
struct WireSynchronizationError {
    #[serde(default, deserialize_with = "lenient")]
    code: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireCount {
    #[serde(default, deserialize_with = "lenient")]
    value: Option<i64>,
}

impl WireSynchronizationJob {
    /// As `domain` sees it.
    pub fn observed(self) -> SynchronizationJob {
        let Self { id, template_id, schedule, status } = self;
        let (schedule, status) = (schedule.unwrap_or_default(), status.unwrap_or_default());
        let ended = |execution: &WireExecution| moment(execution.time_ended.as_deref());
        SynchronizationJob {
            id: id.unwrap_or_default(),
            template_id: template_id.unwrap_or_default(),
            schedule: schedule_state(schedule.state.as_deref()),
            interval: schedule.interval.as_deref().and_then(interval),
            code: code(status.code.as_deref()),
            quarantine: status.quarantine.map(|quarantine| Quarantine {
                reason: quarantine.reason.unwrap_or_default(),
                since: moment(quarantine.series_began.as_deref()),
                next_attempt: moment(quarantine.next_attempt.as_deref()),
                error_code: quarantine.error.and_then(|error| error.code).filter(|code| !code.is_empty()),
            }),
            last_success: status.last_successful_execution.as_ref().and_then(ended),
            last_cycle: status.last_execution.and_then(|execution| {
                Some(Cycle { ended: ended(&execution)?, state: cycle_state(execution.state.as_deref()) })
            }),
            failures: status.count_successive_complete_failures.unwrap_or_default(),
            synchronized: status.synchronized_entry_count_by_type.as_deref().and_then(sum),
        }
    }
}

/// How many values of the job this version does not know.
pub fn unrecognised(job: &SynchronizationJob) -> usize {
    let cycle = job.last_cycle.map(|cycle| cycle.state);
    [
        job.schedule == ScheduleState::Unrecognised,
        job.code == SynchronizationCode::Unrecognised,
        cycle == Some(CycleState::Unrecognised),
    ]
    .into_iter()
    .filter(|is_unrecognised| *is_unrecognised)
    .count()
}

fn schedule_state(text: Option<&str>) -> ScheduleState {
    match text {
        Some("Active") => ScheduleState::Active,
        Some("Disabled") => ScheduleState::Disabled,
        Some("Paused") => ScheduleState::Paused,
        Some(_) | None => ScheduleState::Unrecognised,
    }
}

fn code(text: Option<&str>) -> SynchronizationCode {
    match text {
        Some("NotConfigured") => SynchronizationCode::NotConfigured,
        Some("NotRun") => SynchronizationCode::NotRun,
        Some("Active") => SynchronizationCode::Active,
        Some("Paused") => SynchronizationCode::Paused,
        Some("Quarantine") => SynchronizationCode::Quarantine,
        Some(_) | None => SynchronizationCode::Unrecognised,
    }
}

fn cycle_state(text: Option<&str>) -> CycleState {
    match text {
        Some("Succeeded") => CycleState::Succeeded,
        Some("Failed") => CycleState::Failed,
        Some("EntryLevelErrors") => CycleState::EntryLevelErrors,
        Some(_) | None => CycleState::Unrecognised,
    }
}

/// An interval that a job can have. Days are 24 hours long, as .NET writes them.
fn interval(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    let interval = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (SignedDuration::ZERO < interval && interval <= INTERVAL_MAX).then_some(interval)
}

/// No count at all is not a count of none.
fn sum(counts: &[WireCount]) -> Option<i64> {
    counts.iter().filter_map(|count| count.value).reduce(i64::saturating_add)
}
