//! How fast each tenant may be asked: what it said about waiting, and what its own bucket of resource units allows.
//!
//! Microsoft counts resource units by application and tenant. The bucket here begins at the smallest published size and
//! gives way before Microsoft has to: when an answer says that most of the limit is used, or when one is refused.
//! What the token endpoint says does not count here but stays with the credential, so that nobody can stop others by
//! signing in wrongly in their name.
//!
//! <https://learn.microsoft.com/en-us/graph/throttling-limits#identity-and-access-service-limits>

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::{kept::Kept, retry_after};
use crate::{
    api::{AppId, Cloud, TenantId},
    domain::Obstacle,
};

/// Who is asked, as which application: what Microsoft counts by.
pub type BudgetKey = (Cloud, TenantId, AppId);

/// Resource units that a small tenant (less than 50 users) grants within [`WINDOW`].
const UNITS_PER_WINDOW: f64 = 3500.0;

/// The time that limits count by.
const WINDOW: Duration = Duration::from_secs(10);

/// Reads of the audit log within [`WINDOW`]; reports have a limit of their own.
const AUDITS_PER_WINDOW: usize = 5;

/// The smallest part of the bucket that is left to us, whatever the answers say: one look in a while still gets through.
const LEAST_SHARE: f64 = 0.02;

/// How much of the bucket comes back with each window without a warning.
const REGAINED: f64 = 0.1;

/// From this part of the limit on the service begins to tell.
const WARNING: f64 = 0.8;

/// Longest wait within a look; what lasts longer ends the look, so that no slot is held.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Longest time that a request is held back for lack of units; what would have to wait longer ends the look.
const LONGEST_HOLD: Duration = Duration::from_secs(20);

/// After this many looks in a row without an answer a tenant is left alone.
const FAILURES_MAX: u32 = 5;

/// For how long.
const BREAK: Duration = Duration::from_secs(30);

/// What nobody used for this long is forgotten; longer than the longest wait that is honoured.
const FORGET_AFTER: Duration = Duration::from_hours(1);

/// What a request costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Resource units.
    pub units: u32,
    /// Reads of the audit log.
    pub audits: u32,
}

/// The price of a read, as the documentation tells it: lists of permissions cost one more, `$select` makes one less, and
/// nothing is for free. Reads of the audit log have a limit of their own.
pub fn cost_of(url: &str) -> Cost {
    if url.starts_with("/auditLogs/") {
        return Cost { units: 0, audits: 1 };
    }
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let base = if path.ends_with("/appRoleAssignments") || path.ends_with("/oauth2PermissionGrants") { 2 } else { 1 };
    let cheaper = u32::from(query.contains("$select="));
    Cost { units: (base - cheaper.min(base - 1)).max(1), audits: 0 }
}

/// How a tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// The whole bucket is ours.
    Full,
    /// It is asked more slowly.
    Reduced,
    /// It asked to be left alone.
    Paused,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Full, Self::Reduced, Self::Paused];

    /// Its name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Reduced => "reduced",
            Self::Paused => "paused",
        }
    }
}

/// One tenant's.
#[derive(Debug)]
struct Budget {
    pause: Option<(Obstacle, Instant)>,
    /// Units that may be spent now; below zero: promised and not there yet.
    units: f64,
    filled: Instant,
    /// The part of the bucket that is ours at present.
    share: f64,
    /// When the share last went down.
    reduced: Option<Instant>,
    /// When the audit log was read, or will be.
    audits: VecDeque<Instant>,
    /// Until when the audit log asked to be left alone.
    audits_paused: Option<Instant>,
    /// Looks in a row without an answer.
    failures: u32,
}

impl Budget {
    const fn new(now: Instant) -> Self {
        Self {
            pause: None,
            units: UNITS_PER_WINDOW,
            filled: now,
            share: 1.0,
            reduced: None,
            audits: VecDeque::new(),
            audits_paused: None,
            failures: 0,
        }
    }

    fn rate(&self) -> f64 {
        UNITS_PER_WINDOW * self.share / WINDOW.as_secs_f64()
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.duration_since(self.filled).as_secs_f64();
        self.share = self.share_at(now);
        self.filled = now;
        self.units = (self.units + passed * self.rate()).min(UNITS_PER_WINDOW * self.share);
    }

    /// The share after a while without a warning.
    fn share_at(&self, now: Instant) -> f64 {
        let is_quiet = self.reduced.is_some_and(|at| now.duration_since(at) > WINDOW);
        let passed = now.duration_since(self.filled).as_secs_f64();
        let regained = if is_quiet { REGAINED * passed / WINDOW.as_secs_f64() } else { 0.0 };
        (self.share + regained).min(1.0)
    }

    /// At most once per window: the answers to what was under way all say the same.
    fn reduce(&mut self, factor: f64, now: Instant) {
        if self.reduced.is_some_and(|at| now.duration_since(at) < WINDOW) {
            return;
        }
        self.reduced = Some(now);
        self.share = (self.share * factor).max(LEAST_SHARE);
        self.units = self.units.min(UNITS_PER_WINDOW * self.share);
    }

    /// How long until this fits.
    fn wait_for(&self, cost: Cost, now: Instant) -> Duration {
        let lacking = f64::from(cost.units) - self.units;
        let for_units = if lacking > 0.0 { Duration::from_secs_f64(lacking / self.rate()) } else { Duration::ZERO };
        let mut audits = self.audits.clone();
        for_units.max(note_audits(&mut audits, cost.audits, now))
    }

    fn spend(&mut self, cost: Cost, now: Instant) {
        self.units -= f64::from(cost.units);
        note_audits(&mut self.audits, cost.audits, now);
    }

    fn pause_left(&self, now: Instant) -> Option<(&Obstacle, Duration)> {
        let (obstacle, until) = self.pause.as_ref()?;
        let left = until.saturating_duration_since(now);
        (!left.is_zero()).then_some((obstacle, left))
    }

    fn standing(&self, now: Instant) -> Standing {
        if self.pause_left(now).is_some() {
            Standing::Paused
        } else if self.share_at(now) < 1.0 {
            Standing::Reduced
        } else {
            Standing::Full
        }
    }
}

/// Notes this many reads of the audit log at the first times at which they may be made, and tells how long until the last.
fn note_audits(audits: &mut VecDeque<Instant>, count: u32, now: Instant) -> Duration {
    audits.retain(|at| now.duration_since(*at) < WINDOW);
    let mut wait = Duration::ZERO;
    for _ in 0..count {
        let at = match audits.len().checked_sub(AUDITS_PER_WINDOW).and_then(|first| audits.get(first)) {
            Some(earlier) => (*earlier + WINDOW).max(now),
            None => now,
        };
        wait = at.duration_since(now);
        audits.push_back(at);
    }
    wait
}

/// All tenants'.
#[derive(Debug)]
pub struct Budgets(Mutex<Kept<BudgetKey, Budget>>);

impl Default for Budgets {
    fn default() -> Self {
        Self(Mutex::new(Kept::new(FORGET_AFTER)))
    }
}

impl Budgets {
    fn lock(&self) -> MutexGuard<'_, Kept<BudgetKey, Budget>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left of the wait that the tenant asked for, and why it did.
    pub fn pause(&self, key: &BudgetKey, now: Instant) -> Option<(Obstacle, Duration)> {
        let mut all = self.lock();
        let (obstacle, left) = all.get(key, now)?.pause_left(now)?;
        Some((retry_after::with_left(obstacle, left), left))
    }

    /// Takes what a request costs, and tells how long to wait before it is sent; what would have to wait too long takes
    /// nothing and is told so.
    pub fn take(&self, key: &BudgetKey, cost: Cost, now: Instant) -> Result<Duration, Obstacle> {
        let mut all = self.lock();
        let budget = all.entry(key, now, || Budget::new(now));
        budget.fill(now);
        let wait = budget.wait_for(cost, now);
        if wait > LONGEST_HOLD {
            return Err(retry_after::with_left(&Obstacle::throttled(None), wait));
        }
        budget.spend(cost, now);
        Ok(wait)
    }

    /// Takes reads of the audit log, as many of these as can be made without waiting, and tells how many that is.
    pub fn take_audits(&self, key: &BudgetKey, wanted: u32, now: Instant) -> u32 {
        let mut all = self.lock();
        let budget = all.entry(key, now, || Budget::new(now));
        if budget.audits_paused.is_some_and(|until| until > now) {
            return 0;
        }
        let one = |audits: &mut VecDeque<Instant>| {
            let mut after = audits.clone();
            let is_free = note_audits(&mut after, 1, now).is_zero();
            if is_free {
                *audits = after;
            }
            is_free
        };
        (0..wanted).map_while(|_| one(&mut budget.audits).then_some(1)).sum()
    }

    /// Leaves the audit log alone for as long as the obstacle says, and nothing else.
    pub fn mind_audits(&self, key: &BudgetKey, obstacle: &Obstacle, now: Instant) {
        let Some(seconds) = obstacle.wait_seconds else { return };
        let until = now + Duration::from_secs(seconds.into());
        let mut all = self.lock();
        let budget = all.entry(key, now, || Budget::new(now));
        budget.audits_paused = budget.audits_paused.max(Some(until));
    }

    /// A look at the tenant got no answer, or a server error. After several in a row, of whichever object, the tenant is
    /// left alone for a while, so that its trouble is not made worse and holds no slots.
    pub fn failed(&self, key: &BudgetKey, obstacle: &Obstacle, now: Instant) {
        let mut all = self.lock();
        let budget = all.entry(key, now, || Budget::new(now));
        budget.failures = budget.failures.saturating_add(1);
        if budget.failures >= FAILURES_MAX && budget.pause_left(now).is_none() {
            budget.pause = Some((obstacle.clone(), now + BREAK));
        }
    }

    /// A look at the tenant was answered.
    pub fn worked(&self, key: &BudgetKey, now: Instant) {
        if let Some(budget) = self.lock().get(key, now) {
            budget.failures = 0;
        }
    }

    /// Settles what a request really cost, as its answer tells.
    pub fn settle(&self, key: &BudgetKey, expected: u32, told: u32, now: Instant) {
        let mut all = self.lock();
        all.entry(key, now, || Budget::new(now)).units -= f64::from(told) - f64::from(expected);
    }

    /// Minds what an answer, or an item of one, says about the tenant's limits.
    pub fn learn(&self, key: &BudgetKey, headers: &HeaderMap, is_refusal: bool, now: Instant) {
        let percentage = number(headers, "x-ms-throttle-limit-percentage");
        if !is_refusal && percentage.is_none_or(|used| used < WARNING) {
            return;
        }
        let mut all = self.lock();
        let budget = all.entry(key, now, || Budget::new(now));
        budget.fill(now);
        let is_over = is_refusal || percentage.is_some_and(|used| used >= 1.0);
        budget.reduce(if is_over { 0.5 } else { 0.7 }, now);
    }

    /// Leaves the tenant alone for as long as the obstacle says; a shorter wait does not end a longer one.
    pub fn mind(&self, key: &BudgetKey, obstacle: &Obstacle, now: Instant) {
        let Some(seconds) = obstacle.wait_seconds else { return };
        let until = now + Duration::from_secs(seconds.into());
        let mut all = self.lock();
        let budget = all.entry(key, now, || Budget::new(now));
        if budget.pause.as_ref().is_none_or(|(_, earlier)| *earlier < until) {
            budget.pause = Some((obstacle.clone(), until));
        }
    }

    /// How many tenants stand how.
    pub fn standings(&self, now: Instant) -> [(Standing, usize); 3] {
        let all = self.lock();
        let standings: Vec<Standing> = all.values().map(|budget| budget.standing(now)).collect();
        Standing::ALL.map(|standing| (standing, standings.iter().filter(|own| **own == standing).count()))
    }
}

/// Whether the answer says that the tenant's limit is reached.
pub fn is_refusal(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
}

/// The cost that an answer tells.
pub fn told_cost(headers: &HeaderMap) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    number(headers, "x-ms-resource-unit").map(|units| units.clamp(0.0, 10_000.0) as u32)
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    let value: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::Reason, clock::Clock};

    const KEY: BudgetKey = (Cloud::Global, TenantId::from_u128(1), AppId::from_u128(2));

    fn look() -> Cost {
        Cost { units: 7, audits: 0 }
    }

    fn percentage(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-throttle-limit-percentage", value.parse().unwrap());
        headers
    }

    #[test]
    fn prices_are_those_of_the_documentation() {
        for (url, units) in [
            ("/servicePrincipals(appId='x')?$select=id", 1),
            ("/servicePrincipals(appId='x')", 1),
            ("/servicePrincipals(appId='x')/appRoleAssignments?$select=id", 1),
            ("/servicePrincipals(appId='x')/appRoleAssignments", 2),
            ("/servicePrincipals(appId='x')/oauth2PermissionGrants?$select=scope", 1),
            ("/directory/deletedItems/microsoft.graph.servicePrincipal?$filter=a", 1),
        ] {
            assert_eq!(cost_of(url), Cost { units, audits: 0 }, "{url}");
        }
        assert_eq!(cost_of("/auditLogs/directoryAudits?$filter=a"), Cost { units: 0, audits: 1 });
    }

    #[test]
    fn a_bucket_of_the_smallest_published_size_is_never_overdrawn() {
        let (budgets, begin) = (Budgets::default(), Clock::system().instant());
        // Looks as fast as the budget lets them, for a minute: in no ten seconds more than the limit and one bucket.
        let mut now = begin;
        let mut sent: Vec<(Instant, u32)> = Vec::new();
        while now < begin + Duration::from_mins(1) {
            now += budgets.take(&KEY, look(), now).unwrap();
            sent.push((now, 7));
        }
        let spent: u32 = sent.iter().map(|(_, units)| units).sum();
        assert!((20_000..=24_600).contains(&spent), "{spent}");
        let late: u32 =
            sent.iter().filter(|(at, _)| *at >= begin + Duration::from_secs(50)).map(|(_, units)| units).sum();
        assert!((3_300..=3_510).contains(&late), "{late}");
    }

    #[test]
    fn a_warning_slows_down_a_refusal_more_and_quiet_brings_it_back() {
        let (budgets, begin) = (Budgets::default(), Clock::system().instant());
        let wait = |now| budgets.take(&KEY, Cost { units: 3500, audits: 0 }, now).unwrap();
        budgets.learn(&KEY, &percentage("0.5"), false, begin);
        assert_eq!(budgets.standings(begin), [(Standing::Full, 0), (Standing::Reduced, 0), (Standing::Paused, 0)]);
        assert_eq!(wait(begin), Duration::ZERO);
        budgets.learn(&KEY, &percentage("0.8"), false, begin);
        assert_eq!(budgets.standings(begin)[1], (Standing::Reduced, 1));
        // Only once for all answers of that window.
        budgets.learn(&KEY, &percentage("1.8"), false, begin);
        assert!((14.2..14.4).contains(&wait(begin).as_secs_f64()));
        let later = begin + Duration::from_mins(1);
        budgets.learn(&KEY, &HeaderMap::new(), true, later);
        assert_eq!(budgets.standings(later)[1], (Standing::Reduced, 1));
        let healed = later + Duration::from_mins(10);
        assert_eq!(wait(healed), Duration::ZERO);
        assert_eq!(budgets.standings(healed)[0], (Standing::Full, 1));
    }

    #[test]
    fn the_audit_log_is_read_five_times_in_ten_seconds_at_most() {
        let (budgets, begin) = (Budgets::default(), Clock::system().instant());
        let one = Cost { units: 0, audits: 1 };
        let waits: Vec<u64> = (0..12).map(|_| budgets.take(&KEY, one, begin).unwrap().as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 10, 10, 10, 10, 10, 20, 20]);
        for _ in 0..3 {
            budgets.take(&KEY, one, begin).unwrap();
        }
        for _ in 0..3 {
            let told = budgets.take(&KEY, one, begin).unwrap_err();
            assert_eq!((told.reason, told.wait_seconds), (Reason::Throttled, Some(30)), "and it takes nothing");
        }
        let other = (Cloud::Global, TenantId::from_u128(9), AppId::from_u128(2));
        assert_eq!(budgets.take(&other, one, begin), Ok(Duration::ZERO));
        assert_eq!(budgets.take(&KEY, one, begin + Duration::from_mins(1)), Ok(Duration::ZERO));
    }

    #[test]
    fn what_costs_more_than_expected_is_paid_for_later() {
        let (budgets, now) = (Budgets::default(), Clock::system().instant());
        let units = |units| Cost { units, audits: 0 };
        assert_eq!(budgets.take(&KEY, units(3000), now), Ok(Duration::ZERO));
        budgets.settle(&KEY, 3000, 3400, now);
        assert_eq!(budgets.take(&KEY, units(100), now), Ok(Duration::ZERO));
        assert_eq!(budgets.take(&KEY, units(350), now), Ok(Duration::from_secs(1)));
        assert!(budgets.take(&KEY, units(350 * 20), now).is_err(), "no look is held back for longer than 20 seconds");
    }

    #[test]
    fn g07_a_tenant_that_fails_five_times_in_a_row_is_left_alone_for_a_while() {
        let (budgets, now) = (Budgets::default(), Clock::system().instant());
        let obstacle = Obstacle::graph_unavailable(503, None);
        for _ in 0..4 {
            budgets.failed(&KEY, &obstacle, now);
        }
        assert_eq!(budgets.pause(&KEY, now), None);
        budgets.worked(&KEY, now);
        for _ in 0..4 {
            budgets.failed(&KEY, &obstacle, now);
        }
        assert_eq!(budgets.pause(&KEY, now), None, "counted anew after an answer");
        budgets.failed(&KEY, &obstacle, now);
        let (told, left) = budgets.pause(&KEY, now).unwrap();
        assert_eq!((told.reason, told.wait_seconds, left), (Reason::GraphUnavailable, Some(30), BREAK));
        let later = now + BREAK;
        assert_eq!(budgets.pause(&KEY, later), None);
        budgets.failed(&KEY, &obstacle, later);
        assert!(budgets.pause(&KEY, later).is_some(), "one look tries, and its failure is enough");
    }

    #[test]
    fn numbers_that_are_none_are_not_minded() {
        for value in ["", "NaN", "inf", "much", "-1"] {
            let (budgets, now) = (Budgets::default(), Clock::system().instant());
            budgets.learn(&KEY, &percentage(value), false, now);
            assert_eq!(budgets.standings(now).map(|(_, count)| count), [0, 0, 0], "{value}");
        }
    }
}
