//! One job: what it is and what can be done to it. Time is an argument; running it is the business of `cycle`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::directory::{Properties, text};
use super::super::identifier::Identifiers;
use super::target::{Fault, QuarantineReason};
use super::{cycle, shape};

/// Incremental cycles of most applications run "approximately every 40 minutes".
/// <https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-when-will-provisioning-finish-specific-user>
pub(super) const INTERVAL: SignedDuration = SignedDuration::from_mins(40);

/// Retries "in 6 hours", "12 hours after the first failure", "24 hours after the first failure", then "every 24 hours".
/// <https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-quarantine-status>
const FIRST_RETRIES: [SignedDuration; 3] =
    [SignedDuration::from_hours(6), SignedDuration::from_hours(12), SignedDuration::from_hours(24)];

/// `synchronizationSchedule.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScheduleState {
    Active,
    Disabled,
    Paused,
}

/// `synchronizationStatus.quarantine`.
#[derive(Debug, Clone)]
pub(super) struct Quarantine {
    pub(super) reason: QuarantineReason,
    pub(super) error: Value,
    /// When it was last evaluated and imposed.
    pub(super) current_began: Timestamp,
    /// When it was first imposed.
    pub(super) series_began: Timestamp,
    /// How often it was evaluated again and left in effect.
    pub(super) series_count: i64,
    /// None once the job is disabled.
    pub(super) next_attempt: Option<Timestamp>,
}

/// One `synchronizationJob`.
#[derive(Debug)]
pub(in super::super) struct Job {
    pub(in super::super) id: String,
    pub(super) template_id: String,
    pub(super) settings: Value,
    /// Its own schema, once it was changed.
    pub(super) schema: Option<Properties>,
    /// What a scenario says of it, while nothing was done to it.
    pub(super) as_told: Option<Properties>,
    pub(super) state: ScheduleState,
    pub(super) interval: SignedDuration,
    pub(super) expiration: Value,
    /// Whether it was ever started or paused.
    pub(super) is_started: bool,
    /// When its next cycle begins. None while it does not run.
    pub(super) next_run: Option<Timestamp>,
    /// Whether that cycle evaluates everything anew.
    pub(super) is_initial: bool,
    pub(super) last: Value,
    pub(super) last_successful: Value,
    pub(super) last_with_exports: Value,
    pub(super) first_steady: Option<Timestamp>,
    pub(super) last_steady: Option<Timestamp>,
    pub(super) failures: i64,
    pub(super) escrowed: i64,
    pub(super) quarantine: Option<Quarantine>,
    /// What `synchronizedEntryCountByType` counts, and how many.
    pub(super) entry_type: String,
    pub(super) synchronized: i64,
    /// Objects in scope by a scenario's word, beside those assigned in the directory.
    pub(super) entitled: i64,
}

/// What `restart` resets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "flags of an enumeration of Graph")]
pub(super) struct ResetScope {
    pub(super) escrows: bool,
    pub(super) watermark: bool,
    pub(super) quarantine: bool,
    pub(super) force_deletes: bool,
}

impl Job {
    /// A new job: disabled until it is started.
    pub(super) fn new(id: String, template_id: &str) -> Self {
        Self {
            id,
            template_id: template_id.to_owned(),
            settings: json!([{"name": "QuarantineTooManyDeletesThreshold", "value": "500"}]),
            schema: None,
            as_told: None,
            state: ScheduleState::Disabled,
            interval: INTERVAL,
            expiration: Value::Null,
            is_started: false,
            next_run: None,
            is_initial: true,
            last: Value::Null,
            last_successful: Value::Null,
            last_with_exports: Value::Null,
            first_steady: None,
            last_steady: None,
            failures: 0,
            escrowed: 0,
            quarantine: None,
            entry_type: "User to urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".to_owned(),
            synchronized: 0,
            entitled: 0,
        }
    }

    /// The job of a scenario. With a status it stays as told; without, it lives.
    pub(super) fn told(body: &Properties, now: Timestamp, identifiers: &mut Identifiers) -> Self {
        let template_id = text(body, "templateId");
        let id = match text(body, "id") {
            "" => format!("{template_id}.{}", identifiers.guid()),
            id => id.to_owned(),
        };
        let mut job = Self::new(id.clone(), template_id);
        shape::read(&mut job, body, now);
        if body.contains_key("status") {
            let mut body = body.clone();
            body.insert("id".to_owned(), id.into());
            job.as_told = Some(body);
        } else if shape::schedule_state(body) == Some(ScheduleState::Active) || !body.contains_key("schedule") {
            job.start(now);
        }
        job
    }

    /// Whether cycles run.
    pub(super) fn is_living(&self) -> bool {
        self.as_told.is_none()
    }

    /// Lets a job of a scenario live from now on, where its words left it.
    pub(in super::super) fn touch(&mut self, now: Timestamp) {
        if self.as_told.take().is_none() || self.state != ScheduleState::Active {
            return;
        }
        self.next_run = match &mut self.quarantine {
            Some(quarantine) => {
                let next = quarantine.next_attempt.filter(|next| *next > now);
                quarantine.next_attempt = next.or_else(|| Some(next_retry(quarantine.series_began, now)));
                quarantine.next_attempt
            }
            None => Some(self.next_cycle_after(now)),
        };
    }

    /// Lets a job of a scenario live as if it always had: its last cycle is the one that ended last by its schedule, and the
    /// next one may be under way.
    pub(super) fn live_on(&mut self, now: Timestamp) {
        let was_told = self.as_told.is_some();
        self.touch(now);
        let Some(next) = self.next_run.filter(|_| was_told && self.quarantine.is_none()) else { return };
        let length = cycle::length(self);
        let mut began = next.saturating_sub(self.interval).unwrap_or(now);
        while began.saturating_add(length).unwrap_or(now) > now {
            began = began.saturating_sub(self.interval).unwrap_or(now);
        }
        self.next_run = Some(began);
    }

    /// "If the job is in a paused state, it continues processing changes from the point where it was paused. If the
    /// job is in quarantine, the quarantine status is cleared."
    /// <https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-start>
    pub(super) fn start(&mut self, now: Timestamp) {
        self.touch(now);
        if self.state == ScheduleState::Active && self.quarantine.is_none() {
            return;
        }
        self.quarantine = None;
        self.run_from(now);
    }

    /// "All the progress, including job state, is persisted."
    /// <https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-pause>
    pub(super) fn pause(&mut self, now: Timestamp) {
        self.touch(now);
        self.state = ScheduleState::Disabled;
        self.is_started = true;
        self.next_run = None;
    }

    /// Runs again, after forgetting what the scope names.
    /// <https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-restart>
    pub(super) fn restart(&mut self, now: Timestamp, scope: ResetScope) {
        let ResetScope { escrows, watermark, quarantine, force_deletes } = scope;
        self.touch(now);
        let is_forced = force_deletes
            && self.quarantine.as_ref().is_some_and(|state| state.reason == QuarantineReason::TooManyDeletes);
        if quarantine || is_forced || scope == ResetScope::default() {
            self.quarantine = None;
        }
        if escrows {
            self.escrowed = 0;
            self.failures = 0;
        }
        self.is_initial = self.is_initial || watermark;
        self.run_from(now);
    }

    /// Puts the job into quarantine at once.
    pub(in super::super) fn impose(&mut self, now: Timestamp, reason: QuarantineReason) {
        let error = json!({"code": "QuarantineConditionEncountered", "message": null, "tenantActionable": true});
        self.quarantined(now, reason, error);
        if self.state == ScheduleState::Active {
            self.next_run = self.quarantine.as_ref().and_then(|quarantine| quarantine.next_attempt);
        }
    }

    /// Notes that a cycle failed for this reason; whether that is news.
    pub(super) fn failed(&mut self, ended: Timestamp, fault: Fault) -> bool {
        let is_news = self.quarantine.as_ref().is_none_or(|quarantine| quarantine.reason != fault.reason);
        let error = json!({"code": fault.code, "message": fault.message, "tenantActionable": true});
        self.failures = self.failures.saturating_add(1);
        self.quarantined(ended, fault.reason, error);
        self.next_run = self.quarantine.as_ref().and_then(|quarantine| quarantine.next_attempt);
        is_news
    }

    fn quarantined(&mut self, now: Timestamp, reason: QuarantineReason, error: Value) {
        let (series_began, series_count) = match &self.quarantine {
            Some(before) => (before.series_began, before.series_count.saturating_add(1)),
            None => (now, 0),
        };
        let next_attempt = Some(next_retry(series_began, now));
        self.quarantine =
            Some(Quarantine { reason, error, current_began: now, series_began, series_count, next_attempt });
    }

    /// Begins a cycle now and goes on from there.
    pub(super) fn run_from(&mut self, now: Timestamp) {
        self.state = ScheduleState::Active;
        self.is_started = true;
        self.next_run = Some(now);
    }

    /// The first cycle after now, counted from the last one.
    fn next_cycle_after(&self, now: Timestamp) -> Timestamp {
        let began = self.last.get("timeBegan").and_then(Value::as_str).and_then(|time| time.parse::<Timestamp>().ok());
        let Some(began) = began else {
            return now;
        };
        let interval = self.interval.as_secs().max(1);
        let passed = now.duration_since(began).as_secs().max(0);
        let next = SignedDuration::from_secs(interval.saturating_mul(passed / interval + 1));
        began.saturating_add(next).unwrap_or(now).max(now)
    }
}

/// When a quarantine that began then is evaluated next.
fn next_retry(series_began: Timestamp, now: Timestamp) -> Timestamp {
    let day = SignedDuration::from_hours(24);
    let passed = now.duration_since(series_began);
    let next = FIRST_RETRIES.into_iter().find(|retry| *retry > passed);
    let days = i32::try_from(passed.as_hours() / 24 + 1).unwrap_or(i32::MAX);
    series_began.saturating_add(next.unwrap_or_else(|| day.saturating_mul(days))).unwrap_or(Timestamp::MAX)
}
