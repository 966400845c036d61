//! Who really did what, and whether a status blames whoever did.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    monitor::{History, Object},
    oracle,
    truth::Truth,
};

/// Reads may still show what was undone this recently.
const STILL_SHOWN: SignedDuration = SignedDuration::from_secs(90);

/// Something that somebody did to a tenant.
#[derive(Debug)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Who: the name that the audit log tells.
    pub actor: String,
    /// The tenant as it was.
    pub before: Truth,
    /// The tenant as it was then.
    pub after: Truth,
}

/// What a difference in a status is about.
pub struct Charge<'a> {
    entry: &'a Value,
    app_id: &'a str,
    principal: &'a str,
    registration: &'a str,
    named: BTreeSet<&'a str>,
}

impl<'a> Charge<'a> {
    /// Of this entry of the list of differences.
    pub fn of(status: &'a Value, entry: &'a Value) -> Option<Self> {
        let application = oracle::entry(status, entry["application"].as_str()?)?;
        let text = |name: &str| application[name].as_str().unwrap_or_default();
        let list = if entry["reason"] == "ExtraPermissions" { "extra" } else { "missing" };
        let labels = application["consent"][list].as_array().into_iter().flatten().filter_map(Value::as_str);
        Some(Self {
            entry,
            app_id: text("appId"),
            principal: text("servicePrincipalId"),
            registration: text("applicationObjectId"),
            named: labels.filter_map(|label| label.split(' ').next()).collect(),
        })
    }

    fn since(&self) -> Option<Timestamp> {
        self.entry["since"].as_str()?.parse().ok()
    }

    fn is_live(&self, truth: &Truth) -> bool {
        truth.live.get(self.app_id).is_some_and(|live| live.id == self.principal)
    }

    fn held<'t>(&self, truth: &'t Truth) -> BTreeSet<(&'t str, bool)> {
        let theirs = truth.held.iter().filter(|(holder, ..)| *holder == self.principal);
        theirs.map(|(_, value, is_role)| (value.as_str(), *is_role)).collect()
    }

    fn jobs<'t>(&self, truth: &'t Truth, is_meant: impl Fn(&super::truth::Job) -> bool) -> BTreeSet<&'t str> {
        let jobs = truth.jobs.get(self.principal).into_iter().flatten();
        jobs.filter(|job| is_meant(job)).map(|job| job.id.as_str()).collect()
    }

    fn assigned(&self, truth: &Truth) -> usize {
        truth.assigned.iter().filter(|one| one.to == self.principal).count()
    }

    fn is_good(&self, truth: &Truth) -> Option<bool> {
        let live = truth.live.get(self.app_id);
        match self.entry["reason"].as_str()? {
            "ServicePrincipalDisabled" => Some(live.is_some_and(|live| live.is_enabled)),
            "ApplicationDeactivated" => Some(live.is_some_and(|live| !live.is_deactivated)),
            "ServicePrincipalSoftDeleted" | "ServicePrincipalMissing" | "AmbiguousServicePrincipal" => {
                Some(live.is_some())
            }
            _ => None,
        }
    }

    /// Whether this did, or helped to do, what the entry is about, and nobody undid it before it was noticed.
    pub fn is_made_by(&self, deed: &Deed, history: &History) -> bool {
        let Deed { before, after, .. } = deed;
        let left = |gone: fn(&Truth, &Self) -> bool| !gone(before, self) && gone(after, self);
        let made = match self.entry["reason"].as_str().unwrap_or_default() {
            "ServicePrincipalSoftDeleted" | "ServicePrincipalMissing" | "AmbiguousServicePrincipal" => {
                let is_restorable = |truth: &Truth| {
                    truth.deleted.get(self.app_id).is_some_and(|ids| ids.iter().any(|id| id == self.principal))
                };
                (self.is_live(before) && !self.is_live(after)) || (is_restorable(before) && !is_restorable(after))
            }
            "ApplicationSoftDeleted" => {
                let is_there =
                    |truth: &Truth| truth.registrations.get(self.app_id).is_some_and(|id| id == self.registration);
                is_there(before) && !is_there(after)
            }
            "ServicePrincipalDisabled" => {
                left(|truth, charge| truth.live.get(charge.app_id).is_none_or(|live| !live.is_enabled))
            }
            "ApplicationDeactivated" => left(|truth, charge| truth.deactivated.contains(charge.app_id)),
            "AssignmentMissing" => {
                let is_closed =
                    left(|truth, charge| truth.live.get(charge.app_id).is_none_or(|live| live.needs_assignment));
                is_closed || self.assigned(after) < self.assigned(before)
            }
            "ConsentMissing" | "ConsentIncomplete" => {
                // A restore may come without what was granted; of that there is no record.
                let is_there = self.is_live(before) && self.is_live(after);
                let (was, is) = (self.held(before), self.held(after));
                is_there && was.difference(&is).any(|(value, _)| self.named.contains(value))
            }
            "ExtraPermissions" => {
                let (was, is) = (self.held(before), self.held(after));
                // A permission whose name could not be looked up is told by its ID, which the truth does not hold.
                let is_unnamed = self.named.iter().any(|name| uuid::Uuid::try_parse(name).is_ok());
                is.difference(&was).any(|(value, _)| is_unnamed || self.named.contains(value))
            }
            "ProvisioningPaused" => {
                let is_paused = |job: &super::truth::Job| job.code == "Paused" || job.schedule == "Paused";
                let (was, is) = (self.jobs(before, is_paused), self.jobs(after, is_paused));
                let is_left = self.jobs(history.last(), is_paused);
                is.difference(&was).any(|id| is_left.contains(id))
            }
            "ProvisioningDisabled" => {
                let ran = self.jobs(before, |job| job.schedule == "Active");
                let stands = self.jobs(after, |job| job.schedule != "Active");
                let is_left = self.jobs(history.last(), |job| job.schedule != "Active");
                ran.intersection(&stands).any(|id| is_left.contains(id))
            }
            "ProvisioningJobMissing" => {
                !self.jobs(before, |_| true).is_empty() && self.jobs(after, |_| true).is_empty()
            }
            "ProvisioningScopeEmpty" => self.assigned(after) < self.assigned(before),
            _ => false,
        };
        let until = self.since().unwrap_or(deed.at) - STILL_SHOWN;
        made && history.between(deed.at, until).all(|truth| self.is_good(truth) != Some(true))
    }
}

/// Whether it can be known who made such a difference. What a publisher does is no deed of anybody in the tenant.
fn is_attributable(reason: &str) -> bool {
    !["DisabledByMicrosoft", "ProvisioningQuarantined", "ProvisioningOverdue", "Expired"].contains(&reason)
}

/// Attributions that a write adds and that blame somebody who did not do it.
pub fn slanders(object: &Object, before: &Value, history: &History, deeds: &[Deed]) -> Vec<String> {
    let after = &object.status;
    let told = |entry: &Value| entry["attribution"]["time"].is_string();
    let rows = |status: &Value| status["drift"].as_array().cloned().unwrap_or_default();
    let was_told = |entry: &Value| {
        rows(before).iter().any(|earlier| {
            (&earlier["application"], &earlier["reason"], &earlier["attribution"])
                == (&entry["application"], &entry["reason"], &entry["attribution"])
        })
    };
    let mut wrong = Vec::new();
    for entry in rows(after).iter().filter(|entry| told(entry) && !was_told(entry)) {
        let Some(charge) = Charge::of(after, entry) else { continue };
        let attribution = &entry["attribution"];
        let is_it = |deed: &&Deed| {
            let time: Option<Timestamp> = attribution["time"].as_str().and_then(|time| time.parse().ok());
            time.is_some_and(|time| time.as_second() == deed.at.as_second())
                && attribution["actor"] == deed.actor.as_str()
        };
        if !deeds.iter().filter(is_it).any(|deed| charge.is_made_by(deed, history)) {
            let (application, reason) = (&entry["application"], &entry["reason"]);
            wrong.push(format!(
                "{reason} of {application} is put down to what did not make it: {}",
                attribution["text"]
            ));
        }
    }
    wrong
}

/// Differences that somebody made and that nobody is named for, although the audit log has long told it.
pub fn unnamed(object: &Object, history: &History, deeds: &[Deed]) -> Vec<String> {
    let mut wrong = Vec::new();
    for entry in object.status["drift"].as_array().into_iter().flatten() {
        let reason = entry["reason"].as_str().unwrap_or_default();
        let Some(charge) = Charge::of(&object.status, entry) else { continue };
        let Some(since) = charge.since().filter(|_| is_attributable(reason)) else { continue };
        let from = since - object.interval() - SignedDuration::from_mins(60);
        let culprit =
            deeds.iter().rfind(|deed| from <= deed.at && deed.at <= since && charge.is_made_by(deed, history));
        if let Some(culprit) = culprit.filter(|_| !entry["attribution"]["time"].is_string()) {
            wrong.push(format!(
                "nobody is named for {reason} of {}, which is of {}",
                entry["application"], culprit.actor
            ));
        }
    }
    wrong
}
