//! `provisionOnDemand`: one object at once.
//! <https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-provisionondemand>

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::context::{Context, GraphRequest};
use super::super::directory::{Properties, text_of, to_second};
use super::super::error::Refusal;
use super::super::graph::Named;
use super::super::permission::Access;
use super::super::provisioning_log::{Deed, Subject};
use super::{Synchronization, job, parameter_invalid, principal, schema, synchronization};

/// "The rate limit for this API is 5 requests per 10 seconds."
const REQUESTS: usize = 5;
const WINDOW: SignedDuration = SignedDuration::from_secs(10);

/// What became of an object.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    /// `result` of the answer.
    result: &'static str,
    action: &'static str,
    /// `status` in the log.
    status: &'static str,
    error: Option<(&'static str, &'static str)>,
}

/// Provisions the objects of a body; the answer tells of the last one.
pub(super) fn provision_on_demand(
    context: &mut Context<'_>,
    request: &GraphRequest,
    named: &Named<'_>,
) -> Result<Answer, Refusal> {
    let (id, row) = principal(context, named, Access::WriteSynchronization)?;
    let job_id = job(context, &id, named)?.id.clone();
    let now = context.now;
    admit(synchronization(context, &id), now)?;
    let subjects = subjects(context, &id, named, request.object()?)?;
    let cycle_id = context.identifiers.guid();
    let mut answer = Value::Null;
    for subject in &subjects {
        let verdict = verdict(synchronization(context, &id), subject);
        let Context { now, knobs, tenant, identifiers, caller, .. } = context;
        let deed = Deed {
            at: *now,
            job_id: &job_id,
            cycle_id: &cycle_id,
            action: verdict.action,
            status: verdict.status,
            error: verdict.error,
            subject: Some(subject),
            initiator: caller,
        };
        let record = deed.write(tenant, knobs, identifiers, &row);
        answer = pair(*now, verdict, &record);
    }
    if let Some(body) = answer.as_object_mut() {
        let url = format!("{}/v1.0/$metadata#microsoft.graph.stringKeyStringValuePair", context.public_url);
        body.insert("@odata.context".to_owned(), url.into());
    }
    Ok(Answer::graph(StatusCode::OK, answer))
}

/// Counts a request, or refuses it.
fn admit(synchronization: &mut Synchronization, now: Timestamp) -> Result<(), Refusal> {
    synchronization.on_demand.retain(|asked| now.duration_since(*asked) < WINDOW);
    if synchronization.on_demand.len() < REQUESTS {
        synchronization.on_demand.push(now);
        return Ok(());
    }
    let oldest = synchronization.on_demand.first().map_or(WINDOW, |asked| WINDOW - now.duration_since(*asked));
    let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "Please retry again later.");
    Err(Refusal { headers: vec![("retry-after", oldest.as_secs().max(1).to_string())], ..refusal })
}

/// The objects of a body, checked.
fn subjects(
    context: &mut Context<'_>,
    id: &str,
    named: &Named<'_>,
    body: &Properties,
) -> Result<Vec<Subject>, Refusal> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).filter(|list| !list.is_empty()).cloned();
    let parameters = list(body.get("parameters"));
    let parameters = parameters.ok_or_else(|| parameter_invalid("A collection 'parameters' is required."))?;
    let job = job(context, id, named)?;
    let mut found = Vec::new();
    for parameter in &parameters {
        let rule_id = text_of(parameter, "ruleId");
        if !schema::has_rule(job, rule_id) {
            // Words as reported in microsoft-graph-docs-contrib issue 4247.
            return Err(parameter_invalid(format!(
                "The request identified this synchronization job: {}.  The request also identified this synchronization rule: {rule_id}.  However, the job does not include the rule.",
                job.id
            )));
        }
        let subjects = list(parameter.get("subjects"));
        for subject in subjects.ok_or_else(|| parameter_invalid("A collection 'subjects' is required."))? {
            let (id, kind) = (text_of(&subject, "objectId").to_owned(), text_of(&subject, "objectTypeName").to_owned());
            if id.is_empty() || kind.is_empty() {
                return Err(parameter_invalid("Each subject needs an 'objectId' and an 'objectTypeName'."));
            }
            found.push(Subject { id, kind });
        }
    }
    Ok(found)
}

fn verdict(synchronization: &mut Synchronization, subject: &Subject) -> Verdict {
    if let Some(fault) = synchronization.fault() {
        let error = Some((fault.code, fault.message));
        return Verdict { result: "Failure", action: "other", status: "failure", error };
    }
    let skipped = |error| Verdict { result: "Skipped", action: "other", status: "skipped", error: Some(error) };
    if synchronization.scope_is_empty {
        return skipped(("NotEffectivelyEntitled", "The object is not assigned to the application."));
    }
    if !synchronization.provisioned.insert(subject.id.clone()) {
        let message = "The state of the user in both the source and target systems already match.";
        return skipped(("RedundantExport", message));
    }
    Verdict { result: "Success", action: "create", status: "success", error: None }
}

/// The answer: two JSON texts, laid out as in the documented example.
fn pair(now: Timestamp, verdict: Verdict, record: &Properties) -> Value {
    let Verdict { result, action, error, .. } = verdict;
    let details =
        error.map_or_else(|| json!({}), |(code, message)| json!({"errorCode": code, "errorMessage": message}));
    let member = |name: &str| record.get(name).cloned().unwrap_or_default();
    let is_failure = result == "Failure";
    let value = json!({
        "action": if action == "create" { "Create" } else { "Other" },
        "changeId": member("changeId"),
        "startTime": to_second(now),
        "endTime": to_second(now),
        "modifiedProperties": [],
        "provisioningSteps": member("provisioningSteps"),
        "statusInfo": {
            "status": result,
            "errorCode": error.filter(|_| is_failure).map(|(code, _)| code),
            "reason": error.filter(|_| is_failure).map(|(_, reason)| reason),
            "additionalDetails": null,
            "errorCategory": null,
            "recommendedAction": null,
        },
        "sourceIdentity": member("sourceIdentity"),
        "targetIdentity": member("targetIdentity"),
    });
    json!({"key": json!({"result": result, "details": details}).to_string(), "value": value.to_string()})
}
