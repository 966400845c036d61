//! What the status must say, worked out from the written design alone: the truth, the spec and what the status itself
//! is documented to remember (object IDs and the permissions once seen granted). Shares no code with the operator.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    living,
    truth::{Principal, Truth},
};

/// One difference: name of the application in the object, and the reason.
pub type Difference = (String, &'static str);

/// The reasons for a difference with the side of an application that they are about, the gravest first.
const GRAVITY: [(&str, &str); 18] = [
    ("ServicePrincipalSoftDeleted", "presence"),
    ("ApplicationSoftDeleted", "presence"),
    ("ServicePrincipalMissing", "presence"),
    ("AmbiguousServicePrincipal", "presence"),
    ("ServicePrincipalDisabled", "sign-in"),
    ("ApplicationDeactivated", "sign-in"),
    ("DisabledByMicrosoft", "sign-in"),
    ("AssignmentMissing", "sign-in"),
    ("ConsentMissing", "consent"),
    ("ConsentIncomplete", "consent"),
    ("ExtraPermissions", "consent"),
    ("ProvisioningJobMissing", "provisioning"),
    ("ProvisioningPaused", "provisioning"),
    ("ProvisioningQuarantined", "provisioning"),
    ("ProvisioningDisabled", "provisioning"),
    ("ProvisioningScopeEmpty", "provisioning"),
    ("ProvisioningOverdue", "provisioning"),
    ("Expired", "certificates"),
];

/// The conditions that tell about one side of the applications each.
pub const SIDES: [(&str, &str); 5] = [
    ("ServicePrincipalsPresent", "presence"),
    ("SignInEnabled", "sign-in"),
    ("ConsentGranted", "consent"),
    ("ProvisioningHealthy", "provisioning"),
    ("CertificatesCurrent", "certificates"),
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

/// How grave a reason is: the smaller, the graver.
pub fn gravity(reason: &str) -> Option<usize> {
    GRAVITY.iter().position(|(known, _)| *known == reason)
}

/// The side of an application that a reason is about.
pub fn side(reason: &str) -> &'static str {
    gravity(reason).map_or("nothing", |place| GRAVITY[place].1)
}

/// What there is to judge an object by at one moment.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Its spec.
    pub spec: &'a Value,
    /// Its tenant.
    pub truth: &'a Truth,
    /// Its status, for what that is documented to remember.
    pub status: &'a Value,
    /// The time.
    pub now: Timestamp,
}

/// An application that the spec asks for.
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the spec of its own")]
pub struct Wanted {
    /// Its name in the object.
    pub name: String,
    /// Its application ID.
    pub app_id: String,
    /// Whether a provisioning job is required.
    pub provisions: bool,
    /// How long before their end certificates are told of; none where they are not looked at.
    pub warn_before: Option<SignedDuration>,
    must_sign_in: bool,
    required: Vec<(String, String)>,
    is_published_list: bool,
    forbids_extras: bool,
}

/// The applications that a spec asks for and that are known, in the order in which they are reported.
pub fn wanted(scene: Scene<'_>) -> Vec<Wanted> {
    let spec = scene.spec;
    let listed = |list: &Value| -> Vec<(String, String)> {
        let entries = list.as_array().into_iter().flatten();
        entries.map(|entry| (text(entry, "value"), text(entry, "kind"))).collect()
    };
    let warn_before = |entry: &Value| {
        let written = entry["certificates"]["warnBefore"].as_str().unwrap_or("720h");
        written.parse().ok()
    };
    let mut all = Vec::new();
    let integration = &spec["identityIntegration"];
    if integration["check"] != false {
        let written = integration.get("permissions");
        let published = || PUBLISHED.map(|(value, kind)| (value.to_owned(), kind.to_owned())).to_vec();
        all.push(Wanted {
            name: "identity-integration".to_owned(),
            app_id: INTEGRATION.to_owned(),
            provisions: false,
            warn_before: None,
            must_sign_in: true,
            required: written.map_or_else(published, listed),
            is_published_list: written.is_none(),
            forbids_extras: integration["extraPermissions"] == "Drift",
        });
    }
    if let (true, Some(app_id)) = (spec["identity"]["check"] != false, identity(scene)) {
        all.push(Wanted {
            name: "identity".to_owned(),
            app_id,
            provisions: spec["identity"]["provisioning"]["required"] != false,
            warn_before: warn_before(&spec["identity"]),
            must_sign_in: true,
            required: Vec::new(),
            is_published_list: false,
            forbids_extras: false,
        });
    }
    for additional in spec["additionalApplications"].as_array().into_iter().flatten() {
        all.push(Wanted {
            name: text(additional, "name"),
            app_id: text(additional, "appId"),
            provisions: additional["provisioning"]["required"] == true,
            warn_before: warn_before(additional),
            must_sign_in: additional["signIn"] != "Any",
            required: listed(&additional["permissions"]),
            is_published_list: false,
            forbids_extras: additional["extraPermissions"] == "Drift",
        });
    }
    all
}

/// The entry of an application in a status.
pub fn entry<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    status["applications"].as_array().into_iter().flatten().find(|entry| entry["name"] == name)
}

/// The application that is "Cisco Webex Identity": the pinned one, the remembered one while it can come back, else the
/// only one that is proved.
pub fn identity(scene: Scene<'_>) -> Option<String> {
    let Scene { spec, truth, status, now: _ } = scene;
    if let Some(pinned) = spec["identity"]["appId"].as_str() {
        return Some(pinned.to_owned());
    }
    let mut proved = truth.proved.iter();
    let only = proved.next().filter(|_| proved.next().is_none()).cloned();
    let remembered = entry(status, "identity").and_then(|entry| entry["appId"].as_str()).map(str::to_owned);
    let is_around = |app_id: &String| {
        truth.live.contains_key(app_id)
            || truth.deleted.contains_key(app_id)
            || truth.deleted_registrations.contains_key(app_id)
    };
    match remembered {
        Some(remembered) if is_around(&remembered) => Some(remembered),
        remembered => only.or(remembered),
    }
}

/// Whether "Cisco Webex Identity" is asked for and nothing proves which application that is.
pub fn is_unsettled(scene: Scene<'_>) -> bool {
    scene.spec["identity"]["check"] != false && identity(scene).is_none()
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

    /// Everything that is held for everyone and not on the list.
    fn extras(&self, truth: &Truth, principal: &Principal) -> Vec<String> {
        const OPENID: [&str; 4] = ["email", "offline_access", "openid", "profile"];
        let held = truth.held.iter().filter(|(holder, ..)| *holder == principal.id);
        let extra = held.filter(|(_, value, is_role)| {
            let kind = if *is_role { "Application" } else { "Delegated" };
            let is_listed = |(known, of): &(String, String)| known == value && (of == kind || of == "Either");
            !self.required.iter().any(is_listed) && (*is_role || !OPENID.contains(&value.as_str()))
        });
        extra.map(|(_, value, is_role)| label(value, if *is_role { "Application" } else { "Delegated" })).collect()
    }

    fn differences(&self, scene: Scene<'_>) -> Vec<&'static str> {
        let Scene { truth, status, now, spec: _ } = scene;
        let entry = entry(status, &self.name).filter(|entry| entry["appId"] == self.app_id.as_str());
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
        // The switches are told first: nobody is let in by an assignment while they are off.
        let is_assigned = truth.assigned.iter().any(|one| one.to == principal.id);
        if self.must_sign_in && found.is_empty() && principal.needs_assignment && !is_assigned {
            found.push("AssignmentMissing");
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
        if self.forbids_extras && !self.required.is_empty() && !self.extras(truth, principal).is_empty() {
            found.push("ExtraPermissions");
        }
        if self.provisions {
            found.extend(living::provisioning(truth, principal, entry, now));
        }
        if self.warn_before.is_some() && living::certificates(principal, now) == living::Certificates::Expired {
            found.push("Expired");
        }
        found
    }
}

/// All differences between the truth and the spec, in the order of the status.
pub fn differences(scene: Scene<'_>) -> Vec<Difference> {
    let mut all: Vec<Difference> = Vec::new();
    for wanted in wanted(scene) {
        all.extend(wanted.differences(scene).into_iter().map(|reason| (wanted.name.clone(), reason)));
    }
    all.sort_by_key(|(_, reason)| gravity(reason));
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
    /// These differences, and that nothing proves which application is "Cisco Webex Identity".
    NotProved(Vec<Difference>),
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
pub fn mismatches(expected: &Expected, scene: Scene<'_>) -> Vec<String> {
    let Scene { spec, status, .. } = scene;
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
        Expected::Differences(differences) | Expected::NotProved(differences) => {
            let fails = spec["driftPolicy"] != "Warn";
            let is_unsettled = matches!(expected, Expected::NotProved(_));
            let worst = differences.first().map(|(_, reason)| *reason).filter(|_| fails);
            let worst = worst.or(is_unsettled.then_some("IdentityNotProved"));
            must("Observed", Some(("True", "ObservationComplete")));
            must("Ready", Some(worst.map_or(("True", "InSync"), |reason| ("False", reason))));
            must("Stalled", worst.map(|reason| ("True", reason)));
            must("Reconciling", None);
            must("Suspended", None);
            must(
                "Drifted",
                Some(match (differences.is_empty(), is_unsettled) {
                    (false, _) => ("True", "DriftDetected"),
                    (true, true) => ("Unknown", "NotObserved"),
                    (true, false) => ("False", "NoDriftDetected"),
                }),
            );
            facets(scene, differences, &mut must);
            wrong.extend(figures(scene, differences));
        }
    }
    wrong
}

/// The condition of each side of the applications.
fn facets(scene: Scene<'_>, differences: &[Difference], must: &mut impl FnMut(&str, Option<(&str, &str)>)) {
    let Scene { truth, status, now, spec } = scene;
    let wanted = wanted(scene);
    let is_unsettled = is_unsettled(scene);
    let gravest = |of: &str| differences.iter().map(|(_, reason)| *reason).find(|reason| side(reason) == of);
    let is_absent = |wanted: &&Wanted| !truth.live.contains_key(&wanted.app_id);
    must(
        "ServicePrincipalsPresent",
        Some(match gravest("presence") {
            Some(reason) => ("False", reason),
            None if is_unsettled => ("Unknown", "IdentityNotProved"),
            None => ("True", "Present"),
        }),
    );
    let mut facet = |of: &str, concerned: Vec<&Wanted>, is_sought: bool, good: &str| {
        let condition = SIDES.iter().find(|(_, side)| *side == of).map_or("", |(condition, _)| *condition);
        let want = match gravest(of) {
            _ if concerned.is_empty() && !is_sought => None,
            Some(reason) => Some(("False", reason)),
            None if is_sought || concerned.iter().any(is_absent) => Some(("Unknown", "NotObserved")),
            None => Some(("True", good)),
        };
        must(condition, want);
    };
    facet("sign-in", wanted.iter().filter(|wanted| wanted.must_sign_in).collect(), is_unsettled, "Enabled");
    let is_short = wanted.iter().any(|wanted| !wanted.permissions(truth).1.is_empty());
    let good = if is_short { "ConsentDiffersFromPublished" } else { "Granted" };
    facet("consent", wanted.iter().filter(|wanted| !wanted.required.is_empty()).collect(), false, good);

    let provisioning: Vec<&Wanted> = wanted.iter().filter(|wanted| wanted.provisions).collect();
    let is_sought = is_unsettled && spec["identity"]["provisioning"]["required"] != false;
    let settles = |wanted: &&Wanted| {
        let principal = truth.live.get(&wanted.app_id);
        principal.is_some_and(|principal| living::is_settling(truth, principal, entry(status, &wanted.name), now))
    };
    let good = if provisioning.iter().any(settles) { "Settling" } else { "Healthy" };
    facet("provisioning", provisioning, is_sought, good);

    // Of a service principal that is gone the status tells whether it had certificates when it was there.
    let had_some = |wanted: &Wanted| {
        let state = entry(status, &wanted.name).and_then(|entry| entry["certificateState"].as_str());
        state.is_some_and(|state| state != "None")
    };
    let has_some = |wanted: &&Wanted| match truth.live.get(&wanted.app_id) {
        Some(principal) => !principal.credentials.is_empty(),
        None => had_some(wanted),
    };
    let certified: Vec<&Wanted> =
        wanted.iter().filter(|wanted| wanted.warn_before.is_some()).filter(has_some).collect();
    let ends_soon = |wanted: &&Wanted| {
        let principal = truth.live.get(&wanted.app_id);
        principal
            .zip(wanted.warn_before)
            .is_some_and(|(principal, warn_before)| living::ends_soon(principal, warn_before, now))
    };
    let good = if certified.iter().any(ends_soon) { "ExpiringSoon" } else { "Current" };
    facet("certificates", certified, false, good);
}

/// The figures and lists of the status.
fn figures(scene: Scene<'_>, differences: &[Difference]) -> Vec<String> {
    let Scene { truth, status, .. } = scene;
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
    let wanted = wanted(scene);
    for wanted in &wanted {
        let Some(entry) = entry(status, &wanted.name) else {
            wrong.push(format!("{} has no entry", wanted.name));
            continue;
        };
        if entry["appId"] != wanted.app_id.as_str() {
            wrong.push(format!("{} has another appId than {}", wanted.name, wanted.app_id));
        }
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
    let declared = wanted.len() + usize::from(is_unsettled(scene));
    let applications = format!("{}/{declared}", wanted.iter().filter(is_there).count());
    if status["summary"]["applications"] != applications.as_str() {
        wrong.push(format!("summary.applications is {}, not {applications}", status["summary"]["applications"]));
    }
    wrong
}
