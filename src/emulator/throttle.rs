//! The published limits: what a request costs, and the buckets it is taken from. Knows no tenant's objects.
//! <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>
//!
//! A bucket runs dry at an even pace. Levels are counted in units times milliseconds of the bucket's period, which
//! keeps every number whole.

use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::context::GraphRequest;
use super::error::Refusal;
use super::is_read;
use super::knob::Knobs;

/// Above this much of a limit, in hundredths, answers say how much is used.
const TOLD_ABOVE: u64 = 80;

/// How many users a tenant has: "S - under 50 users, M - between 50 and 500 users, and L - above 500 users".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TenantSize {
    /// Under 50.
    S,
    /// Between 50 and 500.
    M,
    /// Above 500.
    L,
}

impl TenantSize {
    /// Resource units in ten seconds of an application in this tenant.
    fn resource_units(self) -> u64 {
        match self {
            Self::S => 3_500,
            Self::M => 5_000,
            Self::L => 8_000,
        }
    }
}

/// What a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) units: u64,
    writes: u64,
    /// It goes to the reports of identity and access, which have a limit of their own and no other.
    is_report: bool,
}

impl Cost {
    /// The price by the published table; "any requests not listed have a base cost of 1".
    pub(super) fn of(request: &GraphRequest) -> Self {
        let mut names: Vec<String> = Vec::new();
        for segment in &request.segments {
            names.push(segment.name.to_ascii_lowercase());
            if segment.key.is_some() {
                names.push("{}".to_owned());
            }
        }
        let names: Vec<&str> = names.iter().map(|name| name.trim_end_matches("()")).collect();
        let is_by_ids = request.method == Method::POST && names == ["directoryobjects", "getbyids"];
        let is_listed = match names.as_slice() {
            ["applications" | "oauth2permissiongrants"] | ["serviceprincipals", _, "approleassignments"] => true,
            ["oauth2permissiongrants", id] => *id != "delta",
            _ => false,
        };
        let base: i64 = match (is_by_ids, is_listed && request.method == Method::GET) {
            (true, _) => 3,
            (_, true) => 2,
            (false, false) => 1,
        };
        let query = &request.query;
        let units = base - i64::from(query.select.is_some()) + i64::from(query.expand.is_some())
            - i64::from(query.top.is_some_and(|top| top < 20));
        Self {
            units: u64::try_from(units.max(1)).unwrap_or(1),
            writes: u64::from(!is_read(&request.method) && !is_by_ids),
            is_report: names.first() == Some(&"auditlogs"),
        }
    }
}

/// Whose requests a bucket counts, as `x-ms-throttle-scope` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    TenantApplication,
    Application,
    Tenant,
}

/// One published limit.
struct Limit {
    scope: Scope,
    /// `Read`, `Write` or `ReadWrite`
    kind: &'static str,
    reason: &'static str,
    capacity: u64,
    period_milliseconds: u64,
    cost: u64,
}

/// Scope, kind, reason, application, tenant.
type Name = (Scope, &'static str, &'static str, String, String);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: u64,
    at: Timestamp,
}

/// All buckets of the service.
#[derive(Debug, Default)]
pub(super) struct Meter {
    buckets: BTreeMap<Name, Bucket>,
}

impl Meter {
    /// Takes a request's cost from every bucket that counts it, or from none if one lacks it. Gives how much of the
    /// fullest limit is used, in hundredths, if that is worth saying.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        knobs: &Knobs,
        app_id: &str,
        tenant_id: &str,
        cost: Cost,
    ) -> Result<Option<u64>, Refusal> {
        let Some(percentage) = knobs.limit_percentage else {
            return Ok(None);
        };
        let mut next = Vec::new();
        let mut used = 0;
        for limit in limits(knobs.tenant_size, cost) {
            let capacity = (limit.capacity * u64::from(percentage) / 100).max(1);
            let name = limit.name(app_id, tenant_id);
            let bucket = self.buckets.get(&name).copied().unwrap_or(Bucket { level: 0, at: now });
            let elapsed = now.duration_since(bucket.at).as_millis().max(0);
            let drained = u64::try_from(elapsed).unwrap_or(u64::MAX).saturating_mul(capacity);
            let full = capacity * limit.period_milliseconds;
            let level = bucket.level.saturating_sub(drained) + limit.cost * limit.period_milliseconds;
            if level > full {
                let seconds = (level - full).div_ceil(capacity).div_ceil(1000).max(1);
                return Err(limit.refusal(app_id, tenant_id, seconds));
            }
            used = used.max(level * 100 / full);
            next.push((name, Bucket { level, at: now.max(bucket.at) }));
        }
        self.buckets.extend(next);
        Ok((used > TOLD_ABOVE).then_some(used))
    }
}

impl Limit {
    fn name(&self, app_id: &str, tenant_id: &str) -> Name {
        let app_id = if self.scope == Scope::Tenant { "" } else { app_id };
        let tenant_id = if self.scope == Scope::Application { "" } else { tenant_id };
        (self.scope, self.kind, self.reason, app_id.to_ascii_lowercase(), tenant_id.to_owned())
    }

    fn refusal(&self, app_id: &str, tenant_id: &str, seconds: u64) -> Refusal {
        let Self { scope, kind, reason, .. } = self;
        let scope = match scope {
            Scope::TenantApplication => "Tenant_Application",
            Scope::Application => "Application",
            Scope::Tenant => "Tenant",
        };
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        Refusal::throttled_for(Some(seconds), format!("{scope}/{kind}/{app_id}/{tenant_id}"), reason)
    }
}

/// The limits that count a request. Of the reports' and of the global limit no page says how
/// `x-ms-throttle-information` names them: "can have any value".
fn limits(size: TenantSize, cost: Cost) -> Vec<Limit> {
    let Cost { units, writes, is_report } = cost;
    let limit = |scope, kind, reason, capacity, seconds: u64, cost| Limit {
        scope,
        kind,
        reason,
        capacity,
        period_milliseconds: seconds * 1000,
        cost,
    };
    let (both, units_reason, writes_reason) = ("ReadWrite", "ResourceUnitLimitExceeded", "WriteLimitExceeded");
    let requests_reason = "RequestLimitExceeded";
    let mut limits = vec![limit(Scope::Application, both, requests_reason, 2_000, 1, 1)];
    if is_report {
        limits.push(limit(Scope::TenantApplication, both, requests_reason, 5, 10, 1));
        return limits;
    }
    limits.push(limit(Scope::TenantApplication, both, units_reason, size.resource_units(), 10, units));
    limits.push(limit(Scope::Application, both, units_reason, 150_000, 20, units));
    if writes > 0 {
        limits.push(limit(Scope::TenantApplication, "Write", writes_reason, 3_000, 150, writes));
        limits.push(limit(Scope::Application, "Write", writes_reason, 70_000, 300, writes));
        limits.push(limit(Scope::Tenant, "Write", writes_reason, 18_000, 300, writes));
    }
    limits
}
