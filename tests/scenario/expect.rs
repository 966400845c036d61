//! What a status has to say. What an expectation does not mention has to be in order: no condition but those that say
//! so, no difference, no link, no role, no deadline.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Deserialize;
use serde_json::{Value, json};
use webex_azure_operator::api::{
    ConditionType, Reason,
    reason::{ConditionStatus, TABLE},
};

use super::story::merge;

/// What a status has to say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    /// `Status Reason` by type; null where the condition is not there.
    #[serde(default)]
    conditions: BTreeMap<String, Option<String>>,
    /// By type: the whole message, or parts of it.
    #[serde(default)]
    messages: BTreeMap<String, Words>,
    /// All differences, in order.
    #[serde(default)]
    drift: Vec<Difference>,
    /// Properties of `status.summary`.
    #[serde(default)]
    summary: Value,
    /// Properties of entries of `status.applications`, by name; null where one is not there.
    #[serde(default)]
    applications: BTreeMap<String, Value>,
    /// Properties of the status itself.
    #[serde(default)]
    status: Value,
    /// Reasons of all events since the last expectation, in order; not looked at if left out.
    #[serde(default)]
    pub events: Option<Vec<String>>,
    /// Whether the status was written since the last expectation; not looked at if left out.
    #[serde(default)]
    pub written: Option<bool>,
    /// Whether `plan` is told here too, beside the end of the history.
    #[serde(default)]
    pub plan: bool,
    /// What is otherwise if a question that nobody outside Microsoft can answer has another answer: merged into this.
    #[serde(default)]
    under: BTreeMap<String, Value>,
}

/// A text.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Words {
    /// All of it.
    Whole(String),
    /// What stands in it.
    Parts(Vec<String>),
}

/// One difference. What is left out of role, link and deadline must not be there.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Difference {
    application: String,
    reason: String,
    action: String,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    before: Option<String>,
    #[serde(default)]
    since: Option<String>,
    #[serde(default)]
    actual: Option<Words>,
    #[serde(default)]
    text: Option<Words>,
    #[serde(default)]
    attribution: Value,
}

impl Expectation {
    /// What a file says, as it is meant under this setting.
    pub fn under(raw: &Value, setting: Option<&str>) -> Value {
        let change = setting.and_then(|setting| raw["under"].get(setting));
        let mut meant = raw.clone();
        if let Some(change) = change {
            merge(&mut meant, change);
        }
        // What is meant under other settings has placeholders that mean nothing under this one.
        meant.as_object_mut().unwrap().remove("under");
        meant
    }

    /// Reads what is meant, in which placeholders may be filled in.
    pub fn read(meant: &Value, file: &str) -> Self {
        serde_json::from_value(meant.clone()).unwrap_or_else(|error| panic!("{file}: {error} in {meant}"))
    }

    /// Settings under which something else is expected.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        self.under.keys().map(String::as_str)
    }

    /// What is wrong with this status.
    pub fn complaints(&self, status: &Value) -> Vec<String> {
        let mut found = broken_promises(status);
        self.check_conditions(status, &mut found);
        self.check_messages(status, &mut found);
        self.check_drift(status, &mut found);
        differing("summary", &self.summary, &status["summary"], &mut found);
        differing("status", &self.status, status, &mut found);
        for (name, expected) in &self.applications {
            let entries = status["applications"].as_array().cloned().unwrap_or_default();
            let entry = entries.into_iter().find(|entry| entry["name"] == **name).unwrap_or_default();
            differing(&format!("applications.{name}"), expected, &entry, &mut found);
        }
        found
    }

    fn check_conditions(&self, status: &Value, found: &mut Vec<String>) {
        for name in self.conditions.keys() {
            assert!(ConditionType::ALL.iter().any(|known| known.as_str() == name), "no condition is called {name}");
        }
        for condition in ConditionType::ALL {
            let expected = self.expected(condition);
            let said = said(status, condition);
            let is_right = match &expected {
                Asked::Is(wanted) => said.as_ref() == Some(wanted),
                Asked::NotThere => said.is_none(),
                Asked::IfAnyInOrder(good) => said.as_ref().is_none_or(|said| said == good),
            };
            if !is_right {
                found.push(format!("{condition} says {said:?}, not {expected:?}"));
            }
        }
    }

    fn expected(&self, condition: ConditionType) -> Asked {
        match self.conditions.get(condition.as_str()) {
            Some(Some(wanted)) => return Asked::Is(wanted.clone()),
            Some(None) => return Asked::NotThere,
            None => {}
        }
        let failing = self.conditions.get("Ready").and_then(|ready| ready.as_deref()?.strip_prefix("False "));
        match condition {
            ConditionType::Stalled => failing.map_or(Asked::NotThere, |reason| Asked::Is(format!("True {reason}"))),
            ConditionType::Reconciling | ConditionType::Suspended => Asked::NotThere,
            ConditionType::Drifted if !self.drift.is_empty() => Asked::Is("True DriftDetected".to_owned()),
            ConditionType::Drifted => Asked::Is("False NoDriftDetected".to_owned()),
            // The only one that is not written where there is nothing to be told about.
            ConditionType::CertificatesCurrent => Asked::IfAnyInOrder(good(condition)),
            ConditionType::Ready
            | ConditionType::Observed
            | ConditionType::ServicePrincipalsPresent
            | ConditionType::SignInEnabled
            | ConditionType::ConsentGranted
            | ConditionType::ProvisioningHealthy => Asked::Is(good(condition)),
        }
    }

    fn check_messages(&self, status: &Value, found: &mut Vec<String>) {
        for (name, words) in &self.messages {
            match condition(status, name) {
                Some(condition) => words.check(name, condition["message"].as_str().unwrap_or_default(), found),
                None => found.push(format!("{name} is not there, so it has no message")),
            }
        }
    }

    fn check_drift(&self, status: &Value, found: &mut Vec<String>) {
        let entries = status["drift"].as_array().cloned().unwrap_or_default();
        if entries.len() != self.drift.len() {
            found.push(format!("{} differences, not {}: {}", entries.len(), self.drift.len(), json!(entries)));
        }
        for (number, (expected, entry)) in self.drift.iter().zip(&entries).enumerate() {
            expected.check(&format!("drift {number}"), entry, found);
        }
    }
}

impl Difference {
    fn check(&self, place: &str, entry: &Value, found: &mut Vec<String>) {
        let Self { application, reason, action, role, url, before, since, actual, text, attribution } = self;
        let mut same = |what: &str, expected: Option<&str>, said: &Value| {
            if said.as_str() != expected {
                found.push(format!("{place}: {what} is {said}, not {expected:?}"));
            }
        };
        let remedy = &entry["remedy"];
        same("application", Some(application), &entry["application"]);
        same("reason", Some(reason), &entry["reason"]);
        same("action", Some(action), &remedy["action"]);
        same("role", role.as_deref(), &remedy["role"]);
        same("url", url.as_deref(), &remedy["url"]);
        same("before", before.as_deref(), &remedy["before"]);
        if since.is_some() {
            same("since", since.as_deref(), &entry["since"]);
        }
        differing(&format!("{place}: attribution"), attribution, &entry["attribution"], found);
        for (what, words, said) in [("actual", actual, &entry["actual"]), ("text", text, &remedy["text"])] {
            if let Some(words) = words {
                words.check(&format!("{place}: {what}"), said.as_str().unwrap_or_default(), found);
            }
        }
    }
}

impl Words {
    fn check(&self, place: &str, said: &str, found: &mut Vec<String>) {
        let missing: Vec<&str> = match self {
            Self::Whole(whole) if said == whole => vec![],
            Self::Whole(whole) => vec![whole],
            Self::Parts(parts) => parts.iter().filter(|part| !said.contains(*part)).map(String::as_str).collect(),
        };
        if !missing.is_empty() {
            found.push(format!("{place} says {said:?}, which is not {missing:?}"));
        }
    }
}

/// What is asked of a condition.
#[derive(Debug)]
enum Asked {
    Is(String),
    NotThere,
    IfAnyInOrder(String),
}

/// The first thing that the table lets a condition say when it is True.
fn good(condition: ConditionType) -> String {
    let row = TABLE.iter().find(|row| row.condition == condition && row.status == ConditionStatus::True).unwrap();
    format!("True {}", row.reason)
}

fn condition<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == *name)
}

fn said(status: &Value, of: ConditionType) -> Option<String> {
    let condition = condition(status, of.as_str())?;
    Some(format!("{} {}", condition["status"].as_str()?, condition["reason"].as_str()?))
}

/// The properties that are not as expected; null stands for one that is not there.
fn differing(place: &str, expected: &Value, found_there: &Value, found: &mut Vec<String>) {
    match expected {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, expected) in fields {
                let place = format!("{place}.{name}");
                match (expected, &found_there[name]) {
                    (Value::Null, Value::Null) => {}
                    (Value::Null, there) => found.push(format!("{place} is {there} and should not be there")),
                    (expected, there) => differing(&place, expected, there, found),
                }
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) if expected == found_there => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            found.push(format!("{place} is {found_there}, not {expected}"));
        }
    }
}

/// What every status promises, whatever it speaks of.
fn broken_promises(status: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let types: Vec<&str> = status["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|condition| condition["type"].as_str())
        .collect();
    let in_order: Vec<&str> =
        ConditionType::ALL.map(ConditionType::as_str).into_iter().filter(|name| types.contains(name)).collect();
    if types != in_order {
        found.push(format!("the conditions are in the order {types:?}"));
    }
    if types.contains(&"Stalled") && types.contains(&"Reconciling") {
        found.push("it is Stalled and Reconciling at once".to_owned());
    }
    for of in ConditionType::ALL {
        let Some(condition) = condition(status, of.as_str()) else { continue };
        let text = |name: &str| condition[name].as_str().unwrap_or_default();
        let message = text("message");
        if message.is_empty() || message.len() > 1024 || !message.ends_with(['.', '…']) {
            found.push(format!("{of}: the message is no sentence of at most 1,024 bytes: {message:?}"));
        }
        if condition["observedGeneration"] != status["observedGeneration"] {
            found.push(format!("{of} speaks of another generation"));
        }
        if !is_in_table(of, text("status"), text("reason")) {
            found.push(format!("{of}: the table of reasons has no {} {}", text("status"), text("reason")));
        }
    }
    let (ready, stalled) = (condition(status, "Ready"), condition(status, "Stalled"));
    if let (Some(ready), Some(stalled)) = (ready, stalled)
        && (ready["reason"] != stalled["reason"] || !is_brief_of(status, ready, stalled))
    {
        found.push("Ready and Stalled do not say the same".to_owned());
    }
    let is_drifted = said(status, ConditionType::Drifted).is_some_and(|said| said.starts_with("True"));
    if is_drifted != status["drift"].as_array().is_some_and(|drift| !drift.is_empty()) {
        found.push("Drifted and status.drift do not say the same".to_owned());
    }
    found
}

/// Whether Stalled says the same as Ready, or of a difference what it is and where it is mended.
fn is_brief_of(status: &Value, ready: &Value, stalled: &Value) -> bool {
    let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned();
    let (ready, stalled, first) = (text(&ready["message"]), text(&stalled["message"]), &status["drift"][0]);
    let (actual, url) = (text(&first["actual"]), text(&first["remedy"]["url"]));
    let is_brief = !actual.is_empty() && ready.starts_with(&actual) && stalled.starts_with(&actual);
    ready == stalled || (is_brief && stalled.contains(&url))
}

/// Whether the table of reasons lets the condition say this. Ready and Stalled repeat what another one says.
fn is_in_table(of: ConditionType, status: &str, reason: &str) -> bool {
    let is_row = |row: &webex_azure_operator::api::reason::Row| {
        let is_same = row.status.as_str() == status && row.reason.as_str() == reason;
        let is_reason = row.reason.as_str() == reason;
        let decides = row.status == ConditionStatus::False || row.person_needed;
        let repeats = (of == ConditionType::Ready && status == "False" && is_reason && decides)
            || (of == ConditionType::Stalled && status == "True" && is_reason && row.person_needed);
        (is_same && row.condition == of) || repeats
    };
    Reason::from_name(reason).is_some() && TABLE.iter().any(is_row)
}

/// Complaints as a text.
pub fn listed(complaints: &[String]) -> String {
    complaints.iter().fold(String::new(), |mut text, complaint| {
        let _ = write!(text, "\n  - {complaint}");
        text
    })
}
