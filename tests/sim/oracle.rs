//! What the status must say, worked out from the written design alone: the truth, the spec and what the status itself
//! is documented to remember (object IDs and the permissions once seen granted). Shares no code with the operator.

use std::collections::BTreeMap;

use serde_json::Value;

use super::truth::Truth;

/// One difference: name of the application in the object, and the reason.
pub type Difference = (String, &'static str);

/// The reasons for a difference, the gravest first.
const GRAVITY: [&str; 9] = [
    "ServicePrincipalSoftDeleted",
    "ApplicationSoftDeleted",
    "ServicePrincipalMissing",
    "AmbiguousServicePrincipal",
    "ServicePrincipalDisabled",
    "ApplicationDeactivated",
    "DisabledByMicrosoft",
    "ConsentMissing",
    "ConsentIncomplete",
];

/// The permissions published in 2023 for the integration.
const PUBLISHED: [(&str, &str); 8] = [
    ("User.Read", "Delegated"),
    ("AuditLog.Read.All", "Application"),
    ("Application.ReadWrite.OwnedBy", "Application"),
    ("GroupMember.Read.All", "Application"),
    ("Domain.Read.All", "Application"),
    ("Group.Read.All", "Either"),
    ("Place.Read.All", "Either"),
    ("User.Read.All", "Either"),
];

/// The one application whose consent link may be shown.
pub const INTEGRATION: &str = "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae";

/// The side of an application that a reason is about.
pub fn side(reason: &str) -> &'static str {
    match GRAVITY.iter().position(|known| *known == reason) {
        Some(0..=3) => "presence",
        Some(4..=6) => "sign-in",
        Some(_) => "consent",
        None => "nothing",
    }
}

/// An application that the spec asks for.
pub struct Wanted {
    /// Its name in the object.
    pub name: String,
    /// Its application ID.
    pub app_id: String,
    must_sign_in: bool,
    required: Vec<(String, String)>,
    is_published_list: bool,
}

/// The applications that a spec asks for, in the order in which they are reported.
pub fn wanted(spec: &Value) -> Vec<Wanted> {
    let listed = |list: &Value| -> Vec<(String, String)> {
        let entries = list.as_array().into_iter().flatten();
        entries.map(|entry| (text(entry, "value"), text(entry, "kind"))).collect()
    };
    let mut all = Vec::new();
    let integration = &spec["identityIntegration"];
    if integration["check"] != false {
        let written = integration.get("permissions");
        let published = || PUBLISHED.map(|(value, kind)| (value.to_owned(), kind.to_owned())).to_vec();
        all.push(Wanted {
            name: "identity-integration".to_owned(),
            app_id: INTEGRATION.to_owned(),
            must_sign_in: true,
            required: written.map_or_else(published, listed),
            is_published_list: written.is_none(),
        });
    }
    if spec["identity"]["check"] != false {
        all.push(Wanted {
            name: "identity".to_owned(),
            app_id: text(&spec["identity"], "appId"),
            must_sign_in: true,
            required: Vec::new(),
            is_published_list: false,
        });
    }
    for additional in spec["additionalApplications"].as_array().into_iter().flatten() {
        all.push(Wanted {
            name: text(additional, "name"),
            app_id: text(additional, "appId"),
            must_sign_in: additional["signIn"] != "Any",
            required: listed(&additional["permissions"]),
            is_published_list: false,
        });
    }
    all
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// How a permission is written in a status.
pub fn label(value: &str, kind: &str) -> String {
    match kind {
        "Application" => format!("{value} (application)"),
        "Delegated" => format!("{value} (delegated)"),
        _ => value.to_owned(),
    }
}

fn is_granted(truth: &Truth, principal: &str, (value, kind): &(String, String)) -> bool {
    let (role, scope) = (truth.holds_role(principal, value), truth.holds_scope(principal, value));
    match kind.as_str() {
        "Application" => role,
        "Delegated" => scope,
        _ => role || scope,
    }
}

impl Wanted {
    /// The required permissions that are granted, as labels, and those that are not.
    pub fn permissions(&self, truth: &Truth) -> (Vec<String>, Vec<String>) {
        let Some(principal) = truth.live.get(&self.app_id) else { return (Vec::new(), Vec::new()) };
        let (granted, missing): (Vec<_>, Vec<_>) =
            self.required.iter().partition(|permission| is_granted(truth, &principal.id, permission));
        let labels = |list: Vec<&(String, String)>| list.iter().map(|(value, kind)| label(value, kind)).collect();
        (labels(granted), labels(missing))
    }

    fn differences(&self, truth: &Truth, status: &Value) -> Vec<&'static str> {
        let entry =
            status["applications"].as_array().into_iter().flatten().find(|entry| entry["name"] == self.name.as_str());
        let Some(principal) = truth.live.get(&self.app_id) else {
            let deleted = truth.deleted.get(&self.app_id).map_or(&[][..], Vec::as_slice);
            let remembered = entry.and_then(|entry| entry["servicePrincipalId"].as_str()).unwrap_or_default();
            return vec![match deleted {
                _ if truth.deleted_registrations.contains_key(&self.app_id) => "ApplicationSoftDeleted",
                [] => "ServicePrincipalMissing",
                [_] => "ServicePrincipalSoftDeleted",
                several if several.iter().any(|id| id == remembered) => "ServicePrincipalSoftDeleted",
                _ => "AmbiguousServicePrincipal",
            }];
        };
        let mut found = Vec::new();
        if self.must_sign_in && !principal.is_enabled {
            found.push("ServicePrincipalDisabled");
        }
        if self.must_sign_in && principal.is_deactivated {
            found.push("ApplicationDeactivated");
        }
        let (granted, missing) = self.permissions(truth);
        let baseline = entry.map(|entry| &entry["consent"]["baseline"]).and_then(Value::as_array);
        let was_seen =
            |label: &String| baseline.is_some_and(|baseline| baseline.iter().any(|seen| seen == label.as_str()));
        match (missing.is_empty(), granted.is_empty()) {
            (false, true) => found.push("ConsentMissing"),
            (false, false) if !self.is_published_list || missing.iter().any(was_seen) => {
                found.push("ConsentIncomplete");
            }
            (true, _) | (false, false) => {}
        }
        found
    }
}

/// All differences between the truth and the spec, in the order of the status.
pub fn differences(spec: &Value, truth: &Truth, status: &Value) -> Vec<Difference> {
    let mut all: Vec<Difference> = Vec::new();
    for wanted in wanted(spec) {
        all.extend(wanted.differences(truth, status).into_iter().map(|reason| (wanted.name.clone(), reason)));
    }
    all.sort_by_key(|(_, reason)| GRAVITY.iter().position(|known| known == reason));
    all
}

/// What an object has to say once everything has stood still for long enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// What was last known, and `Suspended`.
    Suspended,
    /// The spec breaks a rule.
    InvalidSpec,
    /// The tenant cannot be read, for this reason.
    Obstacle(&'static str),
    /// These differences.
    Differences(Vec<Difference>),
}

/// The conditions of a status by type: status and reason.
pub fn conditions(status: &Value) -> BTreeMap<&str, (&str, &str)> {
    let rows = status["conditions"].as_array().into_iter().flatten();
    let field = |row: &'_ Value, name: &str| row[name].as_str().map(str::len).map_or(0, |length| length);
    rows.filter(|row| field(row, "type") > 0)
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default();
            (text("type"), (text("status"), text("reason")))
        })
        .collect()
}

/// What stands in the status although it should not, or the other way round; empty if all is well.
pub fn mismatches(expected: &Expected, spec: &Value, truth: &Truth, status: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let conditions = conditions(status);
    let mut must = |condition: &str, want: Option<(&str, &str)>| {
        let have = conditions.get(condition).copied();
        if have != want {
            wrong.push(format!("{condition} is {have:?}, not {want:?}"));
        }
    };
    match expected {
        Expected::Suspended => {
            must("Suspended", Some(("True", "SuspendedByUser")));
            must("Stalled", None);
            must("Reconciling", None);
        }
        Expected::InvalidSpec => {
            must("Ready", Some(("False", "InvalidSpec")));
            must("Stalled", Some(("True", "InvalidSpec")));
            must("Reconciling", None);
        }
        Expected::Obstacle(reason) => {
            must("Ready", Some(("False", reason)));
            must("Stalled", Some(("True", reason)));
            must("Observed", Some(("False", reason)));
            must("Reconciling", None);
            must("Suspended", None);
        }
        Expected::Differences(differences) => {
            let fails = spec["driftPolicy"] != "Warn";
            let worst = differences.first().map(|(_, reason)| *reason).filter(|_| fails);
            must("Observed", Some(("True", "ObservationComplete")));
            must("Ready", Some(worst.map_or(("True", "InSync"), |reason| ("False", reason))));
            must("Stalled", worst.map(|reason| ("True", reason)));
            must("Reconciling", None);
            must("Suspended", None);
            let is_drifted = !differences.is_empty();
            must("Drifted", Some(if is_drifted { ("True", "DriftDetected") } else { ("False", "NoDriftDetected") }));
            facets(spec, truth, differences, &mut must);
            wrong.extend(figures(spec, truth, differences, status));
        }
    }
    wrong
}

/// The condition of each side of the applications.
fn facets(spec: &Value, truth: &Truth, differences: &[Difference], must: &mut impl FnMut(&str, Option<(&str, &str)>)) {
    let wanted = wanted(spec);
    let gravest = |of: &str| differences.iter().map(|(_, reason)| *reason).find(|reason| side(reason) == of);
    let is_absent = |wanted: &&Wanted| !truth.live.contains_key(&wanted.app_id);
    must("ServicePrincipalsPresent", Some(gravest("presence").map_or(("True", "Present"), |reason| ("False", reason))));
    let mut facet = |condition: &str, of: &str, concerned: Vec<&Wanted>, good: &str| {
        let want = match gravest(of) {
            _ if concerned.is_empty() => None,
            Some(reason) => Some(("False", reason)),
            None if concerned.iter().any(is_absent) => Some(("Unknown", "NotObserved")),
            None => Some(("True", good)),
        };
        must(condition, want);
    };
    facet("SignInEnabled", "sign-in", wanted.iter().filter(|wanted| wanted.must_sign_in).collect(), "Enabled");
    let is_short = wanted.iter().any(|wanted| !wanted.permissions(truth).1.is_empty());
    let good = if is_short { "ConsentDiffersFromPublished" } else { "Granted" };
    facet("ConsentGranted", "consent", wanted.iter().filter(|wanted| !wanted.required.is_empty()).collect(), good);
}

/// The figures and lists of the status.
fn figures(spec: &Value, truth: &Truth, differences: &[Difference], status: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let listed: Vec<(String, String)> = status["drift"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| (text(entry, "application"), text(entry, "reason")))
        .collect();
    let expected: Vec<(String, String)> =
        differences.iter().map(|(application, reason)| (application.clone(), (*reason).to_owned())).collect();
    if listed != expected {
        wrong.push(format!("drift lists {listed:?}, not {expected:?}"));
    }
    let wanted = wanted(spec);
    let entries = status["applications"].as_array().map_or(&[][..], Vec::as_slice);
    for (wanted, entry) in wanted.iter().zip(entries) {
        let Some(principal) = truth.live.get(&wanted.app_id) else { continue };
        if entry["servicePrincipalId"] != principal.id.as_str() {
            wrong.push(format!("{} has another servicePrincipalId than {}", wanted.name, principal.id));
        }
        let (granted, mut missing) = wanted.permissions(truth);
        missing.sort();
        let mut shown: Vec<String> = entry["consent"]["missing"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        shown.sort();
        if shown != missing {
            wrong.push(format!("{} is said to miss {shown:?}, not {missing:?}", wanted.name));
        }
        let baseline = entry["consent"]["baseline"].as_array().cloned().unwrap_or_default();
        for label in granted.iter().filter(|label| !baseline.iter().any(|seen| seen == label.as_str())) {
            wrong.push(format!("{} holds {label} and it is not in the baseline", wanted.name));
        }
    }
    let is_there = |wanted: &&Wanted| {
        truth
            .live
            .get(&wanted.app_id)
            .is_some_and(|principal| !wanted.must_sign_in || (principal.is_enabled && !principal.is_deactivated))
    };
    let applications = format!("{}/{}", wanted.iter().filter(is_there).count(), wanted.len());
    if status["summary"]["applications"] != applications.as_str() {
        wrong.push(format!("summary.applications is {}, not {applications}", status["summary"]["applications"]));
    }
    wrong
}
