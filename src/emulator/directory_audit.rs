//! `/auditLogs/directoryAudits`: who changed what. Every change of the directory ends here.
//!
//! Activity names are those of the audit activity reference
//! (<https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities>); the modified properties
//! are as seen in public write-ups of tenant logs, where values are JSON inside strings.

use http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Caller, Context, GraphRequest};
use super::directory::{Properties, text};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::identifier::Identifiers;
use super::knob::Knobs;
use super::odata::OrderBy;
use super::permission::{self, Access};
use super::{collection, identifier, schema};

/// All records of a tenant, oldest first.
#[derive(Debug, Default)]
pub(super) struct AuditLog {
    records: Vec<Record>,
}

#[derive(Debug)]
struct Record {
    written: Timestamp,
    visible: Timestamp,
    body: Properties,
}

/// Who keeps a record: `loggedByService` and `category`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) service: &'static str,
    pub(super) category: &'static str,
    /// What ids of its records begin with.
    pub(super) prefix: &'static str,
}

/// The directory itself.
pub(super) const CORE_DIRECTORY: Source =
    Source { service: "Core Directory", category: "ApplicationManagement", prefix: "Directory" };

/// The directory, of what happened to a person.
pub(super) const USER_MANAGEMENT: Source = Source { category: "UserManagement", ..CORE_DIRECTORY };

/// The provisioning service, which "only has one audit category in the logs".
pub(super) const ACCOUNT_PROVISIONING: Source =
    Source { service: "Account Provisioning", category: "ProvisioningManagement", prefix: "Sync" };

/// Something that happened to one object.
#[derive(Debug, Clone)]
pub(super) struct Event<'a> {
    pub(super) activity: &'a str,
    /// `Add`, `Assign`, `Update`, `Delete`, `Unassign`.
    pub(super) operation: &'a str,
    /// `ServicePrincipal` or `Application`.
    pub(super) target_type: &'a str,
    pub(super) target: Target,
    pub(super) changes: Vec<Value>,
}

/// The object an event is about.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) id: String,
    pub(super) display_name: String,
    /// Whose appId the additional details name.
    pub(super) app_id: String,
}

impl Target {
    pub(super) fn of(id: &str, properties: &Properties) -> Self {
        Self {
            id: id.to_owned(),
            display_name: text(properties, "displayName").to_owned(),
            app_id: text(properties, "appId").to_owned(),
        }
    }
}

/// Who did it, when, within which request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp<'a> {
    pub(super) now: Timestamp,
    pub(super) knobs: &'a Knobs,
    pub(super) caller: &'a Caller,
    pub(super) correlation_id: &'a str,
    pub(super) user_agent: &'a str,
}

/// A modified property whose values are JSON texts.
pub(super) fn change(name: &str, old: Option<&Value>, new: Option<&Value>) -> Value {
    json!({
        "displayName": name,
        "oldValue": old.map(Value::to_string),
        "newValue": new.map(Value::to_string),
    })
}

/// A modified property that is new: `"\"value\""`.
pub(super) fn set(name: &str, value: &str) -> Value {
    change(name, None, Some(&value.into()))
}

/// A modified property that is gone.
pub(super) fn unset(name: &str, value: &str) -> Value {
    change(name, Some(&value.into()), None)
}

impl Context<'_> {
    /// Writes one record about a change this request made.
    pub(super) fn record(&mut self, event: Event<'_>) {
        self.record_from(CORE_DIRECTORY, event);
    }

    /// The same, of another category.
    pub(super) fn record_from(&mut self, source: Source, event: Event<'_>) {
        let Self { now, knobs, tenant, identifiers, caller, correlation_id, user_agent, .. } = self;
        let stamp = Stamp { now: *now, knobs, caller, correlation_id, user_agent };
        tenant.audit.append_from(source, stamp, identifiers, event);
    }
}

impl AuditLog {
    /// Adds a record; reads see it after the audit delay.
    pub(super) fn append(&mut self, stamp: Stamp<'_>, identifiers: &mut Identifiers, event: Event<'_>) {
        self.append_from(CORE_DIRECTORY, stamp, identifiers, event);
    }

    /// Adds a record that another service than the directory keeps.
    pub(super) fn append_from(
        &mut self,
        source: Source,
        stamp: Stamp<'_>,
        identifiers: &mut Identifiers,
        event: Event<'_>,
    ) {
        let Source { service, category, prefix } = source;
        let Stamp { now, knobs, caller, correlation_id, user_agent } = stamp;
        let Event { activity, operation, target_type, target, changes } = event;
        let draw = identifiers.next();
        let id = format!("{prefix}_{correlation_id}_{}_{:08}", letters(draw), draw % 100_000_000);
        let body = json!({
            "id": id,
            "category": category,
            "correlationId": correlation_id,
            "result": "success",
            "resultReason": "",
            "activityDisplayName": activity,
            "activityDateTime": precise(now),
            "loggedByService": service,
            "operationType": operation,
            "initiatedBy": initiator(caller),
            "targetResources": [{
                "id": target.id,
                "displayName": target.display_name,
                "type": target_type,
                "userPrincipalName": null,
                "groupType": null,
                "modifiedProperties": changes,
            }],
            "additionalDetails": [
                {"key": "User-Agent", "value": user_agent},
                {"key": "AppId", "value": target.app_id},
            ],
        });
        let half = u64::try_from(knobs.audit_delay.as_millis()).unwrap_or(0) / 2;
        let delay = half + if half == 0 { 0 } else { identifier::hash(draw, &[b"audit"]) % (half + 1) };
        let visible = now
            .saturating_add(SignedDuration::from_millis(i64::try_from(delay).unwrap_or(i64::MAX)))
            .unwrap_or(Timestamp::MAX);
        let oldest = oldest(now, knobs);
        self.records.retain(|record| record.written >= oldest);
        self.records.push(Record { written: now, visible, body: object(body) });
    }

    /// Adds a record of a scenario, as it stands.
    pub(super) fn import(&mut self, body: Properties) {
        let written = text(&body, "activityDateTime").parse().unwrap_or(Timestamp::UNIX_EPOCH);
        self.records.push(Record { written, visible: written, body });
    }

    fn visible(&self, now: Timestamp, knobs: &Knobs) -> Vec<Properties> {
        let oldest = oldest(now, knobs);
        let seen = self.records.iter().filter(|record| record.visible <= now && record.written >= oldest);
        seen.map(|record| record.body.clone()).collect()
    }
}

/// The operations on audit records.
pub(super) const ROUTES: &[Route] =
    &[Route::get("auditlogs/directoryaudits", list), Route::get("auditlogs/directoryaudits/{}", get)];

fn list(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    let rows = readable(context)?;
    let mut request = request.clone();
    let newest_first = OrderBy { property: "activityDateTime".to_owned(), descending: true };
    request.query.order_by.get_or_insert(newest_first);
    collection::page(context, &request, &schema::DIRECTORY_AUDIT, rows)
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let id = named.key(0).value;
    let mut rows = readable(context)?;
    rows.retain(|row| text(row, "id") == id);
    let row = rows.pop().ok_or_else(|| Refusal::not_found(id))?;
    collection::single(context, request, &schema::DIRECTORY_AUDIT, row)
}

/// The records this caller may read and the delay has let through.
fn readable(context: &Context<'_>) -> Result<Vec<Properties>, Refusal> {
    permission::require(context, Access::ReadAudits)?;
    require_licence(context)?;
    Ok(context.tenant.audit.visible(context.now, context.knobs))
}

/// Refuses a tenant whose licence does not cover the logs.
pub(super) fn require_licence(context: &Context<'_>) -> Result<(), Refusal> {
    if context.knobs.audit_licensed {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "Tenant is not a B2C tenant and doesn't have premium license",
    ))
}

/// The age at which records are gone.
pub(super) fn oldest(now: Timestamp, knobs: &Knobs) -> Timestamp {
    let kept = SignedDuration::from_hours(24 * i64::from(knobs.audit_retention_days));
    now.saturating_sub(kept).unwrap_or(Timestamp::MIN)
}

fn initiator(caller: &Caller) -> Value {
    match caller {
        Caller::Person(person) => json!({
            "app": null,
            "user": {
                "id": person.id,
                "displayName": null,
                "userPrincipalName": person.user_principal_name,
                "ipAddress": "192.0.2.10",
                "userType": null,
                "homeTenantId": null,
                "homeTenantName": null,
            },
        }),
        Caller::Application { app_id, principal_id, display_name, .. } => json!({
            "user": null,
            "app": {
                "appId": app_id,
                "displayName": display_name,
                "servicePrincipalId": principal_id,
                "servicePrincipalName": null,
            },
        }),
        Caller::Service => json!({
            "user": null,
            "app": {
                "appId": null,
                "displayName": "Microsoft Entra ID (emulated)",
                "servicePrincipalId": null,
                "servicePrincipalName": null,
            },
        }),
    }
}

/// Seven digits below the second: `2026-11-20T22:43:59.1234567Z`.
fn precise(now: Timestamp) -> String {
    let whole = now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    format!("{whole}.{:07}Z", now.subsec_nanosecond() / 100)
}

/// Five letters and digits, as in the documented ids.
fn letters(draw: u64) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    (0..5)
        .filter_map(|place| ALPHABET.get(usize::try_from((draw >> (place * 5)) & 31).unwrap_or(0)))
        .map(|byte| char::from(*byte))
        .collect()
}

fn object(value: Value) -> Properties {
    if let Value::Object(properties) = value { properties } else { Properties::new() }
}
