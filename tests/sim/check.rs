//! What must hold of every status that is written, whatever happened before.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    monitor::{History, LOOK, Object, by_name},
    oracle::{self, Scene},
    truth::Truth,
};

/// A property that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its name in the list of properties.
    pub property: &'static str,
    /// What was seen.
    pub text: String,
}

fn broken(property: &'static str, text: impl Into<String>) -> Violation {
    Violation { property, text: text.into() }
}

/// How often the time of the last look may be written by itself.
const HEARTBEAT: SignedDuration = SignedDuration::from_hours(1);

/// The longest that a look may take when requests hang; rule 5 of the faults.
const HANGING_LOOK: SignedDuration = SignedDuration::from_secs(150);

/// Judges a status that was just stored over an earlier one.
pub fn written(
    object: &Object,
    before: &Value,
    after: &Value,
    history: &History,
    lag: SignedDuration,
    now: Timestamp,
) -> Vec<Violation> {
    let mut found = Vec::new();
    found.extend(quiet(before, after));
    found.extend(generations(object, before, after));
    found.extend(shape(after));
    found.extend(transitions(before, after, now));
    found.extend(suspension(object, before, after));
    found.extend(claims(object, before, after, history, lag, now));
    found.extend(links(object, after));
    found.extend(identity(object, before, after, history, lag, now));
    found.extend(settling(before, after, history, now));
    found.extend(obstacles(object, before, after, now));
    found.extend(flapping(object, history, lag, now));
    found
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// A status without the times that move by themselves: of the last look, and of the cycles of provisioning jobs.
pub fn without_time(status: &Value) -> Value {
    let mut status = status.clone();
    if let Some(fields) = status.as_object_mut() {
        fields.remove("lastObservedTime");
    }
    for application in status["applications"].as_array_mut().into_iter().flatten() {
        let Some(provisioning) = application.get_mut("provisioning").and_then(Value::as_object_mut) else { continue };
        provisioning.remove("lastSuccessTime");
        if let Some(quarantine) = provisioning.get_mut("quarantine").and_then(Value::as_object_mut) {
            quarantine.remove("nextAttempt");
        }
    }
    status
}

/// A status without who made the differences, and without what follows from that.
pub fn without_attribution(status: &Value) -> Value {
    let mut status = without_time(status);
    let mut remove = |list: &str, names: &[&str]| {
        for row in status[list].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            for name in names {
                row.remove(*name);
            }
        }
    };
    remove("drift", &["attribution", "remedy"]);
    remove("conditions", &["message"]);
    remove("applications", &["consentURL"]);
    status
}

/// No write when nothing changed, but the heartbeat.
fn quiet(before: &Value, after: &Value) -> Option<Violation> {
    if without_time(before) != without_time(after) {
        return None;
    }
    let times = (time(&before["lastObservedTime"]), time(&after["lastObservedTime"]));
    let is_heartbeat = matches!(times, (Some(before), Some(after)) if after >= before + HEARTBEAT);
    (!is_heartbeat).then(|| {
        broken(
            "no write without a change",
            format!("only times changed, and lastObservedTime from {:?} to {:?}", times.0, times.1),
        )
    })
}

/// S6: no verdict of an older generation over a newer one.
fn generations(object: &Object, before: &Value, after: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    let (old, new) = (before["observedGeneration"].as_i64(), after["observedGeneration"].as_i64());
    if new < old {
        found.push(broken("S6", format!("observedGeneration went from {old:?} to {new:?}")));
    }
    if new != Some(object.generation) {
        found.push(broken(
            "S6",
            format!("a verdict on generation {new:?} was stored for generation {}", object.generation),
        ));
    }
    for (condition, row) in by_name(&after["conditions"], "type") {
        if row["observedGeneration"].as_i64() != new {
            found.push(broken(
                "S6",
                format!("{condition} speaks of generation {}, the status of {new:?}", row["observedGeneration"]),
            ));
        }
    }
    found
}

/// S6: which conditions go together, and their order.
fn shape(after: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    let rows = after["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let place = |condition: &str| rows.iter().position(|row| row["type"] == condition);
    let conditions = oracle::conditions(after);
    let types: BTreeSet<&str> = conditions.keys().copied().collect();
    if types.len() != rows.len() {
        found.push(broken("S6", "a condition is there twice"));
    }
    let Some(ready) = place("Ready") else {
        found.push(broken("S6", "there is no Ready"));
        return found;
    };
    if place("Stalled").is_some() && place("Reconciling").is_some() {
        found.push(broken("S6", "Stalled and Reconciling together"));
    }
    if ["Stalled", "Reconciling"].iter().filter_map(|condition| place(condition)).any(|place| place > ready) {
        found.push(broken("S6", "Ready comes before Stalled or Reconciling"));
    }
    let is_suspended = place("Suspended").is_some();
    match (conditions["Ready"], conditions.get("Stalled"), conditions.get("Reconciling")) {
        (("False", reason), Some(("True", same)), None) if reason == *same => {}
        (("Unknown", _), None, Some(("True", _))) | (("True", _), None, None) => {}
        (_, None, None) if is_suspended => {}
        together => {
            found.push(broken("S6", format!("Ready, Stalled and Reconciling do not go together: {together:?}")));
        }
    }
    for row in rows {
        let length = row["message"].as_str().unwrap_or_default().len();
        if length == 0 || length > 1024 {
            found.push(broken("S6", format!("the message of {} has {length} bytes", row["type"])));
        }
    }
    let entries = after["drift"].as_array().map_or(0, Vec::len);
    let is_drifted = conditions.get("Drifted").is_some_and(|(status, _)| *status == "True");
    if !is_suspended && conditions["Ready"].1 != "InvalidSpec" && is_drifted != (entries > 0) {
        found.push(broken("S6", format!("Drifted={is_drifted} with {entries} entries in drift")));
    }
    found
}

/// A condition's time moves with its status and only with it.
fn transitions(before: &Value, after: &Value, now: Timestamp) -> Vec<Violation> {
    let mut found = Vec::new();
    let earlier = by_name(&before["conditions"], "type");
    for (condition, row) in by_name(&after["conditions"], "type") {
        let at = time(&row["lastTransitionTime"]);
        let same = earlier.get(condition).filter(|earlier| earlier["status"] == row["status"]);
        if same.is_some_and(|same| same["lastTransitionTime"] != row["lastTransitionTime"]) {
            found.push(broken("S6", format!("the time of {condition} moved and its status did not")));
        }
        if same.is_none() && at.is_none_or(|at| at > now || at < now - SignedDuration::from_mins(3)) {
            found.push(broken("S6", format!("{condition} changed now and is dated {at:?}")));
        }
    }
    let times = (time(&before["lastObservedTime"]), time(&after["lastObservedTime"]));
    if times.1 < times.0 || times.1.is_some_and(|at| at > now) {
        found.push(broken("S6", format!("lastObservedTime went from {:?} to {:?}", times.0, times.1)));
    }
    found
}

/// A suspended object says so and keeps what was known.
fn suspension(object: &Object, before: &Value, after: &Value) -> Option<Violation> {
    let (was, is) = (oracle::conditions(before), oracle::conditions(after));
    if object.spec["suspend"] != true {
        return is.contains_key("Suspended").then(|| broken("suspend", "Suspended is there and spec.suspend is false"));
    }
    let kept = was.get("Ready").is_none_or(|ready| is.get("Ready") == Some(ready));
    (!is.contains_key("Suspended") || !kept).then(|| {
        broken("suspend", format!("Ready went from {:?} to {:?} while suspended", was.get("Ready"), is.get("Ready")))
    })
}

/// S4: whatever is newly claimed was true at some instant that this look could still see.
///
/// A look reads what was true at most the replication lag ago, and is written down at most a look's time later. An
/// absence needs two such looks, of which the second alone has to show it within the same bound. So no claim is
/// excused by more than the lag and one look.
fn claims(
    object: &Object,
    before: &Value,
    after: &Value,
    history: &History,
    lag: SignedDuration,
    now: Timestamp,
) -> Vec<Violation> {
    let mut found = Vec::new();
    // While requests hang, a look lasts until its deadlines end it.
    let look = if now < object.hit + HANGING_LOOK { HANGING_LOOK } else { LOOK };
    let from = now - lag - look;
    let entries = |status: &Value| -> BTreeSet<(String, String)> {
        let rows = status["drift"].as_array().cloned().unwrap_or_default();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        rows.iter().map(|row| (text(row, "application"), text(row, "reason"))).collect()
    };
    for (application, reason) in entries(after).difference(&entries(before)) {
        // Certificates are remembered for six hours.
        let from = if reason == "Expired" { from - SignedDuration::from_hours(6) } else { from };
        let was_true = mixtures(history, from).any(|truth| {
            let scene = Scene { spec: &object.spec, truth: &truth, status: after, now };
            let real = oracle::differences(scene);
            real.iter().any(|(of, real)| of == application && (real == reason || are_both_consent(real, reason)))
        });
        if !was_true {
            found.push(broken("S4", format!("{application} is said to be {reason}, and was not since {from}")));
        }
    }
    let baselines = |status: &Value| -> BTreeSet<(String, String)> {
        let mut all = BTreeSet::new();
        for (name, entry) in by_name(&status["applications"], "name") {
            let labels = entry["consent"]["baseline"].as_array().cloned().unwrap_or_default();
            all.extend(labels.iter().filter_map(Value::as_str).map(|label| (name.to_owned(), label.to_owned())));
        }
        all
    };
    for (application, label) in baselines(after).difference(&baselines(before)) {
        let was_granted = history.since(from).any(|truth| {
            let scene = Scene { spec: &object.spec, truth, status: after, now };
            let wanted = oracle::wanted(scene).into_iter().find(|wanted| wanted.name == *application);
            wanted.is_some_and(|wanted| wanted.permissions(truth).0.contains(label))
        });
        if !was_granted {
            found.push(broken("S4", format!("{application} is said to have held {label}, and did not since {from}")));
        }
    }
    found
}

/// An application that is found to be "Cisco Webex Identity" was proved to be it.
fn identity(
    object: &Object,
    before: &Value,
    after: &Value,
    history: &History,
    lag: SignedDuration,
    now: Timestamp,
) -> Option<Violation> {
    let of = |status: &Value| oracle::entry(status, "identity")?["appId"].as_str().map(str::to_owned);
    let found = of(after).filter(|_| !object.spec["identity"]["appId"].is_string())?;
    if of(before).as_ref() == Some(&found) {
        return None;
    }
    let from = now - lag - HANGING_LOOK;
    let was_proved = history.since(from).any(|truth| truth.proved.contains(&found));
    (!was_proved).then(|| broken("proof", format!("{found} is taken for Identity, and was not proved since {from}")))
}

/// Only what came back is given time, and as long as it has time nothing is alarmed that may pass by itself.
fn settling(before: &Value, after: &Value, history: &History, now: Timestamp) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, entry) in by_name(&after["applications"], "name") {
        let Some(until) = time(&entry["provisioning"]["settlingUntil"]) else { continue };
        let id = entry["servicePrincipalId"].as_str().unwrap_or_default();
        let was_gone = history.since(Timestamp::MIN).any(|truth| truth.live.values().all(|live| live.id != id));
        if !was_gone || until > now + SignedDuration::from_hours(24) {
            found.push(broken("Settling", format!("{name} is given time until {until}, and never was gone")));
        }
        let alarms = |status: &Value| -> BTreeSet<String> {
            let rows = status["drift"].as_array().cloned().unwrap_or_default();
            let theirs = rows.iter().filter(|row| row["application"] == name);
            theirs.map(|row| row["reason"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let passing = ["ProvisioningJobMissing", "ProvisioningScopeEmpty", "ProvisioningOverdue"];
        let is_alarmed = alarms(after).difference(&alarms(before)).any(|reason| passing.contains(&reason.as_str()));
        if is_alarmed && now < until {
            found.push(broken("Settling", format!("{name} has time until {until} and is alarmed")));
        }
    }
    found
}

/// What a reader may have seen since then: objects lag one by one, so it may see a principal as it was at one instant
/// and a registration as it was at another.
fn mixtures(history: &History, from: Timestamp) -> impl Iterator<Item = Truth> {
    history.since(from).flat_map(move |one| {
        history.since(from).map(move |other| Truth {
            assigned: other.assigned.clone(),
            registrations: other.registrations.clone(),
            deleted_registrations: other.deleted_registrations.clone(),
            ..one.clone()
        })
    })
}

/// Each assignment and each grant lags by itself too: of several that changed, a reader may see any.
fn are_both_consent(real: &str, claimed: &str) -> bool {
    let is_loss = |reason: &str| ["ConsentMissing", "ConsentIncomplete"].contains(&reason);
    is_loss(real) && is_loss(claimed)
}

/// How many differences a write tells for the first time; each may be told by one event.
pub fn news(before: &Value, after: &Value) -> usize {
    let entries = |status: &Value| -> BTreeSet<(String, String)> {
        let rows = status["drift"].as_array().cloned().unwrap_or_default();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        rows.iter().map(|row| (text(row, "application"), text(row, "reason"))).collect()
    };
    entries(after).difference(&entries(before)).count()
}

/// Whoever consented in vain is not told to consent again, and nobody else is told that consent is in vain.
pub fn advice(object: &Object, consents: &[Timestamp], told: Timestamp) -> Vec<String> {
    let mut wrong = Vec::new();
    for entry in object.status["drift"].as_array().into_iter().flatten() {
        let is_about_consent = ["ConsentMissing", "ConsentIncomplete"].iter().any(|reason| entry["reason"] == *reason);
        let application = oracle::entry(&object.status, "identity-integration");
        let is_superseding = application.is_some_and(|entry| entry["supersededServicePrincipalId"].is_string());
        if !is_about_consent || entry["application"] != "identity-integration" || is_superseding {
            continue;
        }
        let Some(since) = time(&entry["since"]) else { continue };
        let shown = |at: &&Timestamp| **at > since && **at + SignedDuration::from_mins(10) < told - object.interval();
        let is_set = entry["remedy"]["action"] == "SetPermissions";
        if consents.iter().any(|at| shown(&at)) && !is_set {
            wrong.push(format!("consent was given since {since} and is advised again"));
        }
        if is_set && consents.iter().all(|at| *at <= since - object.interval() - SignedDuration::from_mins(70)) {
            wrong.push(format!("nobody consented since {since} and consent is said to be in vain"));
        }
    }
    wrong
}

/// A consent link is of the object's own tenant and of a catalogued application.
fn links(object: &Object, after: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    let tenant = object.spec["tenantId"].as_str().unwrap_or_default();
    for (name, entry) in by_name(&after["applications"], "name") {
        let Some(link) = entry["consentURL"].as_str() else { continue };
        let is_ours = link.contains(&format!("/{tenant}/adminconsent?client_id={}", oracle::INTEGRATION));
        if name != "identity-integration" || !is_ours {
            found.push(broken("I8", format!("{name} has the consent link {link}")));
        }
    }
    found
}

/// Whoever is told that a credential does not work was right to be told: it did not at some instant of this look.
fn obstacles(object: &Object, before: &Value, after: &Value, now: Timestamp) -> Option<Violation> {
    let (was, is) = (oracle::conditions(before).get("Observed").copied(), *oracle::conditions(after).get("Observed")?);
    if is.0 != "False" || was == Some(is) {
        return None;
    }
    let from = now - HANGING_LOOK;
    let first = object.secret_states.iter().rposition(|(at, _)| *at <= from).unwrap_or(0);
    let mut states = object.secret_states.iter().skip(first);
    let was_so = states.any(|(_, state)| state.obstacle() == Some(is.1));
    (!was_so).then(|| {
        broken("S4", format!("the tenant is said to be unreadable because of {}, and was not since {from}", is.1))
    })
}

/// The conditions that turned from True to False or back by this write.
pub fn flips(object: &Object, before: &Value) -> Vec<String> {
    if before["observedGeneration"] != object.status["observedGeneration"] {
        return Vec::new();
    }
    let (was, is) = (oracle::conditions(before), oracle::conditions(&object.status));
    let turned = |condition: &&str| {
        let status = |all: &std::collections::BTreeMap<&str, (&str, &str)>| {
            all.get(*condition).map(|(status, _)| (*status).to_owned())
        };
        matches!(
            (status(&was).as_deref(), status(&is).as_deref()),
            (Some("True"), Some("False")) | (Some("False"), Some("True"))
        )
    };
    oracle::SIDES.iter().map(|(condition, _)| *condition).filter(turned).map(str::to_owned).collect()
}

/// G24: a condition turns back within the confirmation window only if the tenant did.
///
/// The tenant's own turns count from what the first of the two looks could still see; if the tenant was already then as
/// the condition turned first, that turn was a late one and counts too.
fn flapping(object: &Object, history: &History, lag: SignedDuration, now: Timestamp) -> Option<Violation> {
    let (_, condition) = object.flips.last().filter(|(at, _)| *at == now)?;
    let recent = |(at, of): &&(Timestamp, String)| of == condition && *at > now - SignedDuration::from_secs(60);
    let turns: Vec<&(Timestamp, String)> = object.flips.iter().filter(recent).collect();
    let (first, _) = turns.first()?;
    let (_, facet) = oracle::SIDES.iter().find(|(of, _)| of == condition)?;
    let is_bad = |truth: &Truth| {
        let scene = Scene { spec: &object.spec, truth, status: &object.status, now };
        oracle::differences(scene).iter().any(|(_, reason)| oracle::side(reason) == *facet)
    };
    let real: Vec<bool> = history.since(*first - lag - LOOK).map(is_bad).collect();
    let real_turns = real.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let is_bad_now =
        oracle::conditions(&object.status).get(condition.as_str()).is_some_and(|(status, _)| *status == "False");
    let turned_first_to_bad = is_bad_now == (turns.len() % 2 == 1);
    let was_late = real.first() == Some(&turned_first_to_bad);
    let excused = real_turns + usize::from(was_late);
    (turns.len() > excused.max(1)).then(|| {
        broken(
            "G24",
            format!(
                "{condition} turned {} times in a minute, the tenant {real_turns} times since {}",
                turns.len(),
                *first - lag - LOOK
            ),
        )
    })
}
