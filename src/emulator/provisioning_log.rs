//! `/auditLogs/provisioning`: what the provisioning service did to single objects.
//! <https://learn.microsoft.com/graph/api/provisioningobjectsummary-list>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Caller, Context, GraphRequest};
use super::directory::{Properties, TenantState, text, to_second};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::identifier::Identifiers;
use super::knob::Knobs;
use super::odata::OrderBy;
use super::permission::{self, Access};
use super::schema::{EntityType, Kind};
use super::{collection, directory_audit};

/// How long one object takes.
const DURATION_MILLISECONDS: i64 = 850;

/// provisioningObjectSummary.
const PROVISIONING_OBJECT_SUMMARY: EntityType = EntityType {
    name: "microsoft.graph.provisioningObjectSummary",
    set: "auditLogs/provisioning",
    resource: "provisioningObjectSummary",
    properties: &[
        ("id", Kind::Text),
        ("activityDateTime", Kind::Moment),
        ("changeId", Kind::Text),
        ("cycleId", Kind::Text),
        ("durationInMilliseconds", Kind::Other),
        ("initiatedBy", Kind::Other),
        ("jobId", Kind::Text),
        ("modifiedProperties", Kind::Other),
        ("provisioningAction", Kind::Text),
        ("provisioningStatusInfo", Kind::Other),
        ("provisioningSteps", Kind::Other),
        ("servicePrincipal", Kind::Other),
        ("sourceIdentity", Kind::Other),
        ("sourceSystem", Kind::Other),
        ("targetIdentity", Kind::Other),
        ("targetSystem", Kind::Other),
        ("tenantId", Kind::Text),
    ],
    filterable: &[
        "id",
        "activityDateTime",
        "changeId",
        "cycleId",
        "jobId",
        "provisioningAction",
        "provisioningStatusInfo/status",
        "servicePrincipal/id",
        "servicePrincipal/displayName",
        "sourceIdentity/id",
        "sourceIdentity/displayName",
        "targetIdentity/id",
        "tenantId",
    ],
    index_only: &[],
};

/// All records of a tenant.
#[derive(Debug, Default)]
pub(super) struct ProvisioningLog {
    records: Vec<(Timestamp, Properties)>,
}

/// An object of the directory that is provisioned.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) id: String,
    /// `User` or `Group`.
    pub(super) kind: String,
}

/// What a job did to one object, or that it could not do anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deed<'a> {
    pub(super) at: Timestamp,
    pub(super) job_id: &'a str,
    pub(super) cycle_id: &'a str,
    /// A `provisioningAction`.
    pub(super) action: &'static str,
    /// A `provisioningResult`.
    pub(super) status: &'static str,
    /// Code and reason.
    pub(super) error: Option<(&'static str, &'static str)>,
    pub(super) subject: Option<&'a Subject>,
    pub(super) initiator: &'a Caller,
}

impl Deed<'_> {
    /// Writes it down, and returns the record.
    pub(super) fn write(
        self,
        tenant: &mut TenantState,
        knobs: &Knobs,
        identifiers: &mut Identifiers,
        principal: &Properties,
    ) -> Properties {
        let Self { at, job_id, cycle_id, action, status, error, subject, initiator } = self;
        let (id, name) = (text(principal, "id"), text(principal, "displayName"));
        let identity = |id: &str| {
            json!({
                "id": id,
                "displayName": "",
                "identityType": subject.map_or("", |subject| subject.kind.as_str()),
                "details": {},
            })
        };
        let source_id = subject.map_or("", |subject| subject.id.as_str());
        let target_id = if subject.is_some() && status == "success" { identifiers.guid() } else { String::new() };
        let body = json!({
            "id": identifiers.guid(),
            "activityDateTime": to_second(at),
            "tenantId": tenant.id,
            "jobId": job_id,
            "cycleId": cycle_id,
            "changeId": identifiers.guid(),
            "provisioningAction": action,
            "durationInMilliseconds": DURATION_MILLISECONDS,
            "provisioningStatusInfo": {"status": status, "errorInformation": error.map(information)},
            "provisioningSteps": steps(self),
            "modifiedProperties": [],
            "servicePrincipal": {"id": id, "displayName": name},
            "sourceSystem": {"id": tenant.id, "displayName": "Microsoft Entra ID", "details": {}},
            "targetSystem": {
                "id": id,
                "displayName": name,
                "details": {
                    "ApplicationId": text(principal, "appId"),
                    "ServicePrincipalId": id,
                    "ServicePrincipalDisplayName": name,
                },
            },
            "initiatedBy": initiated_by(initiator),
            "sourceIdentity": identity(source_id),
            "targetIdentity": identity(&target_id),
        });
        let record = if let Value::Object(record) = body { record } else { Properties::new() };
        let oldest = directory_audit::oldest(at, knobs);
        tenant.provisioning_log.records.retain(|(written, _)| *written >= oldest);
        tenant.provisioning_log.records.push((at, record.clone()));
        record
    }
}

fn information((code, reason): (&str, &str)) -> Value {
    json!({
        "errorCode": code,
        "reason": reason,
        "additionalDetails": null,
        "errorCategory": "nonServiceFailure",
        "recommendedAction": null,
    })
}

/// The steps of the documented examples: import, match, export.
fn steps(deed: Deed<'_>) -> Value {
    let Deed { action, status, error, subject, .. } = deed;
    let step = |name: &str, kind: &str, status: &str, description: String| {
        json!({
            "name": name,
            "provisioningStepType": kind,
            "status": status,
            "description": description,
            "details": {},
        })
    };
    let Some(Subject { id, kind }) = subject else {
        let reason = error.map_or("", |(_, reason)| reason).to_owned();
        return json!([step("CredentialValidation", "export", status, reason)]);
    };
    let suffix = match action {
        "create" => "Add",
        "delete" => "Delete",
        _ => "Update",
    };
    let imported = format!("Received {kind} '{id}' change of type ({suffix}) from Microsoft Entra ID");
    let mut export = step(&format!("EntryExport{suffix}"), "export", status, format!("{kind} '{id}': {action}"));
    if let Some(export) = export.as_object_mut() {
        export.insert("details".to_owned(), json!({ "ReportableIdentifier": id }));
    }
    json!([
        step(&format!("EntryImport{suffix}"), "import", "success", imported),
        step(
            &format!("EntrySynchronization{suffix}"),
            "matching",
            "success",
            format!("Determined which {kind} of the target matches '{id}'")
        ),
        export,
    ])
}

fn initiated_by(caller: &Caller) -> Value {
    match caller {
        Caller::Application { principal_id, display_name, .. } => {
            json!({"id": principal_id, "displayName": display_name, "initiatorType": "application"})
        }
        Caller::Person(person) => {
            json!({"id": person.id, "displayName": person.display_name, "initiatorType": "user"})
        }
        Caller::Service => {
            json!({"id": "", "displayName": "Azure AD Provisioning Service", "initiatorType": "system"})
        }
    }
}

/// The operations on the log.
pub(super) const ROUTES: &[Route] = &[Route::get("auditlogs/provisioning", list)];

fn list(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadProvisioningLog)?;
    directory_audit::require_licence(context)?;
    let oldest = directory_audit::oldest(context.now, context.knobs);
    let delay: SignedDuration = context.knobs.audit_delay;
    let newest = context.now.saturating_sub(delay).unwrap_or(Timestamp::MIN);
    let records = context.tenant.provisioning_log.records.iter();
    let rows = records.filter(|(at, _)| *at >= oldest && *at <= newest).map(|(_, record)| record.clone()).collect();
    let mut request = request.clone();
    let newest_first = OrderBy { property: "activityDateTime".to_owned(), descending: true };
    request.query.order_by.get_or_insert(newest_first);
    collection::page(context, &request, &PROVISIONING_OBJECT_SUMMARY, rows)
}
