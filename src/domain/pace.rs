//! When: how long a verdict holds, when its time is written, and when to look again.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    decide::Input,
    desired::Desired,
    obstacle::Obstacle,
    provisioning,
    timing::{later, whole_second},
};
use crate::api::{ConditionType, WebexAzureIntegrationStatus, reason::ConditionStatus};

/// Whether the last complete look is too old to rely on. A process that has just started counts from its start, but
/// not past what the status itself tells.
pub fn is_stale(input: &Input<'_>, desired: &Desired) -> bool {
    let patience = desired.interval.saturating_add(input.timing.stale_margin);
    let last_complete = input.memory.last_complete.unwrap_or(input.memory.since);
    let by_status = match (input.timing.heartbeat, &input.previous.last_observed_time) {
        (Some(heartbeat), Some(last)) => input.now > later(last.0, patience.saturating_add(heartbeat)),
        (None, _) | (_, None) => false,
    };
    input.now > later(last_complete, patience) || by_status
}

/// Moves `lastObservedTime` with any other change, else once per heartbeat; and with it what moves with every cycle of a
/// provisioning job.
pub fn beat(input: &Input<'_>, status: &mut WebexAzureIntegrationStatus) {
    let is_due = match (input.timing.heartbeat, &input.previous.last_observed_time) {
        (Some(heartbeat), Some(last)) => input.now >= later(last.0, heartbeat),
        (None, Some(_)) => false,
        (_, None) => true,
    };
    let mut quiet = status.clone();
    provisioning::carry_over(&mut quiet.applications, &input.previous.applications);
    if is_due || quiet != *input.previous {
        status.last_observed_time = Some(Time(whole_second(input.now)));
    } else {
        *status = quiet;
    }
}

/// The first moment at which time alone would change the status.
pub fn settled_until(input: &Input<'_>, status: &WebexAzureIntegrationStatus) -> Timestamp {
    let heartbeat = match (input.timing.heartbeat, &status.last_observed_time) {
        (Some(heartbeat), Some(last)) => Some(later(last.0, heartbeat)),
        (None, _) | (_, None) => None,
    };
    let deadlines = status.applications.iter().filter_map(|entry| entry.restore_before.as_ref().map(|time| time.0));
    heartbeat.into_iter().chain(deadlines).min().unwrap_or(Timestamp::MAX)
}

/// Pause before the next look.
pub fn next_look(
    input: &Input<'_>,
    desired: &Desired,
    status: &WebexAzureIntegrationStatus,
    obstacle: Option<&Obstacle>,
    settles_at: Option<Timestamp>,
    failures: u32,
) -> SignedDuration {
    let timing = input.timing;
    let turned_bad = status
        .condition(ConditionType::Ready.as_str())
        .filter(|ready| ready.status == ConditionStatus::False.as_str())
        .map(|ready| ready.last_transition_time.0);
    let is_being_mended = turned_bad.is_some_and(|at| input.now < later(at, timing.relook_for));
    let interval = timing.interval(desired.interval);
    let regular = if is_being_mended { timing.relook.min(interval) } else { interval };
    let pause = match obstacle {
        Some(obstacle) if !obstacle.needs_person() => {
            let asked = SignedDuration::from_secs(obstacle.wait_seconds.unwrap_or(0).into());
            timing.retry_after(failures).min(interval).max(asked)
        }
        Some(_) | None => regular,
    };
    match settles_at {
        Some(at) => pause.min(at.duration_since(input.now)).max(SignedDuration::from_millis(1)),
        None => pause,
    }
}
