//! A job as JSON, in both directions. What a scenario writes may be incomplete or empty, as documented answers are.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::directory::{Properties, elements, text, text_of, to_second};
use super::job::{Job, Quarantine, ScheduleState};
use super::target::QuarantineReason;

/// The longest duration of .NET: what the documentation shows for a job that never ran.
const NO_INTERVAL: &str = "P10675199DT2H48M5.4775807S";

/// A time that never was.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// What `status.code` says.
fn code(job: &Job, has_credentials: bool) -> &'static str {
    if job.state != ScheduleState::Active {
        return match (job.is_started, &job.quarantine) {
            // Disabled by the quarantine itself, not by a person.
            (true, Some(Quarantine { next_attempt: None, .. })) => "Quarantine",
            (true, _) => "Paused",
            (false, _) if has_credentials => "NotRun",
            (false, _) => "NotConfigured",
        };
    }
    match (&job.quarantine, &job.last) {
        (Some(_), _) => "Quarantine",
        (None, Value::Null) => "NotRun",
        (None, _) => "Active",
    }
}

/// A job as `GET` shows it.
pub(super) fn shown(job: &Job, now: Timestamp, has_credentials: bool) -> Properties {
    if let Some(told) = &job.as_told {
        return told.clone();
    }
    let has_interval = job.state == ScheduleState::Active || !job.last.is_null();
    let body = json!({
        "id": job.id,
        "templateId": job.template_id,
        "schedule": {
            "expiration": job.expiration,
            "interval": if has_interval { job.interval.to_string() } else { NO_INTERVAL.to_owned() },
            "state": match job.state {
                ScheduleState::Active => "Active",
                ScheduleState::Disabled => "Disabled",
                ScheduleState::Paused => "Paused",
            },
        },
        "status": {
            "code": code(job, has_credentials),
            "countSuccessiveCompleteFailures": job.failures,
            "escrowsPruned": false,
            "lastExecution": job.last,
            "lastSuccessfulExecution": job.last_successful,
            "lastSuccessfulExecutionWithExports": job.last_with_exports,
            "progress": progress(job, now),
            "quarantine": job.quarantine.as_ref().map(quarantine),
            "steadyStateFirstAchievedTime": time(job.first_steady),
            "steadyStateLastAchievedTime": time(job.last_steady),
            "synchronizedEntryCountByType": entry_counts(job),
            "troubleshootingUrl": null,
        },
        "synchronizationJobSettings": job.settings,
    });
    object(body)
}

fn entry_counts(job: &Job) -> Value {
    if job.last_successful.is_null() {
        return json!([]);
    }
    json!([{"key": job.entry_type, "value": job.synchronized}])
}

/// How far the cycle is that runs at this moment.
fn progress(job: &Job, now: Timestamp) -> Value {
    let Some(began) = job.next_run.filter(|began| *began <= now) else {
        return json!([]);
    };
    let length = super::cycle::length(job).as_secs().max(1);
    let done = now.duration_since(began).as_secs().clamp(0, length);
    json!([{
        "completedUnits": job.entitled.saturating_mul(done) / length,
        "totalUnits": job.entitled,
        "units": "Users",
        "progressObservationDateTime": to_second(now),
    }])
}

fn quarantine(quarantine: &Quarantine) -> Value {
    json!({
        "currentBegan": to_second(quarantine.current_began),
        "error": quarantine.error,
        "nextAttempt": time(quarantine.next_attempt),
        "reason": quarantine.reason,
        "seriesBegan": to_second(quarantine.series_began),
        "seriesCount": quarantine.series_count,
    })
}

fn time(moment: Option<Timestamp>) -> String {
    moment.map_or_else(|| NEVER.to_owned(), to_second)
}

/// Fills a job with what a scenario says of it.
pub(super) fn read(job: &mut Job, body: &Properties, now: Timestamp) {
    if let Some(settings) = body.get("synchronizationJobSettings").filter(|settings| settings.is_array()) {
        job.settings = settings.clone();
    }
    let schedule = body.get("schedule").cloned().unwrap_or_default();
    job.expiration = schedule.get("expiration").cloned().unwrap_or_default();
    if let Some(interval) = interval(text_of(&schedule, "interval")) {
        job.interval = interval;
        job.is_started = true;
    }
    let Some(Value::Object(status)) = body.get("status") else {
        return;
    };
    job.state = schedule_state(body).unwrap_or(ScheduleState::Disabled);
    let member = |name: &str| status.get(name).cloned().unwrap_or_default();
    (job.last, job.last_successful, job.last_with_exports) =
        (member("lastExecution"), member("lastSuccessfulExecution"), member("lastSuccessfulExecutionWithExports"));
    job.is_started = job.is_started || !matches!(text(status, "code"), "" | "NotConfigured" | "NotRun");
    job.is_initial = job.last_successful.is_null();
    let moment = |name: &str| text(status, name).parse().ok().filter(|time: &Timestamp| *time > Timestamp::UNIX_EPOCH);
    (job.first_steady, job.last_steady) =
        (moment("steadyStateFirstAchievedTime"), moment("steadyStateLastAchievedTime"));
    job.failures = member("countSuccessiveCompleteFailures").as_i64().unwrap_or_default();
    job.entitled = job.last.get("countEntitled").and_then(Value::as_i64).unwrap_or_default();
    if let Some(counted) = elements(status, "synchronizedEntryCountByType").first() {
        text_of(counted, "key").clone_into(&mut job.entry_type);
        job.synchronized = counted.get("value").and_then(Value::as_i64).unwrap_or_default();
    }
    job.quarantine = status.get("quarantine").and_then(Value::as_object).map(|told| read_quarantine(told, now));
}

fn read_quarantine(told: &Properties, now: Timestamp) -> Quarantine {
    let moment = |name: &str| text(told, name).parse::<Timestamp>().ok();
    let reason = told.get("reason").cloned().and_then(|reason| serde_json::from_value(reason).ok());
    let series_began = moment("seriesBegan").unwrap_or(now);
    Quarantine {
        reason: reason.unwrap_or(QuarantineReason::Unknown),
        error: told.get("error").cloned().unwrap_or_default(),
        current_began: moment("currentBegan").unwrap_or(series_began),
        series_began,
        series_count: told.get("seriesCount").and_then(Value::as_i64).unwrap_or_default(),
        next_attempt: moment("nextAttempt").or(Some(now)),
    }
}

/// `schedule.state`, if it is one.
pub(super) fn schedule_state(body: &Properties) -> Option<ScheduleState> {
    match text_of(body.get("schedule")?, "state") {
        "Active" => Some(ScheduleState::Active),
        "Disabled" => Some(ScheduleState::Disabled),
        "Paused" => Some(ScheduleState::Paused),
        _ => None,
    }
}

/// An interval a job can have: hours, minutes and seconds, at least one minute.
pub(super) fn interval(text: &str) -> Option<SignedDuration> {
    let interval = text.parse::<SignedDuration>().ok()?;
    (interval >= SignedDuration::from_mins(1)).then_some(interval)
}

/// The members of a JSON object.
pub(super) fn object(value: Value) -> Properties {
    if let Value::Object(properties) = value { properties } else { Properties::new() }
}
