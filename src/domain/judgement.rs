//! What is believed of one application after a look: each facet by itself, and what of the earlier status is kept.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    belief::{Belief, Doubts, Finding, Outcome, Question},
    certificate, consent,
    decide::Input,
    desired::DesiredApplication,
    drift::{Facet, reason_of},
    observed::{Observation, Observed, ObservedApplication, Reading},
    presence, provisioning,
    ready::{Believed, Note},
    remedy::Context,
    sign_in,
};
use crate::api::{
    Reason, SignIn, WebexAzureIntegrationStatus,
    status::{ApplicationStatus, ConsentStatus, DriftEntry},
};

/// The earlier status, and whether its verdict still counts.
pub struct Earlier<'a> {
    /// It.
    pub status: &'a WebexAzureIntegrationStatus,
    /// Whether it does.
    pub counts: bool,
}

impl Earlier<'_> {
    fn drift(&self, application: &str, facet: Facet) -> Vec<DriftEntry> {
        let of_facet = |entry: &&DriftEntry| {
            entry.application == application && reason_of(entry).and_then(Facet::of) == Some(facet)
        };
        self.status.drift.iter().filter(of_facet).cloned().collect()
    }

    fn belief(&self, application: &DesiredApplication, facet: Facet) -> Option<Belief> {
        let entry = self.entry(application)?;
        if !self.counts {
            return None;
        }
        let drift = self.drift(&application.name, facet);
        if !drift.is_empty() {
            return Some(Belief::Drifted(drift));
        }
        let lives = !matches!(entry.state.as_deref(), None | Some("Unknown" | "SoftDeleted" | "Missing" | "Ambiguous"));
        let was_read = match facet {
            Facet::Presence => lives,
            Facet::SignIn => lives && entry.sign_in_enabled == Some(true),
            Facet::Consent => entry.consent.as_ref().is_some_and(|consent| consent.granted.is_some()),
            Facet::Provisioning => lives && entry.provisioning.as_ref().is_some_and(provisioning::is_known),
            Facet::Certificates => lives && certificate::is_known(entry),
        };
        was_read.then_some(Belief::Good)
    }

    /// The entry of the same application; an entry of the same name with another application ID is not about it.
    fn entry(&self, application: &DesiredApplication) -> Option<&ApplicationStatus> {
        let app_id = application.app_id.to_string();
        self.status.application(&application.name).filter(|entry| entry.app_id.as_ref() == Some(&app_id))
    }
}

/// Judges one application.
pub fn believe<'a>(
    ctx: Context<'a>,
    seen: Option<(&Observed, &ObservedApplication)>,
    earlier: &Earlier<'_>,
    doubts: &mut Doubts,
    input: &Input<'_>,
) -> Believed<'a> {
    let application = ctx.application;
    let entry = earlier.entry(application);
    let last_observed = input.previous.last_observed_time.as_ref().map(|time| time.0);
    let mut settle = |facet: Facet, finding: &Finding| -> Outcome {
        let previous = earlier.belief(application, facet);
        let believed_absent = believed_absent(earlier, entry, application, facet);
        let question =
            Question { application: &application.name, facet, finding, previous, believed_absent, last_observed };
        doubts.settle(question, input.now, input.timing)
    };

    let presence = seen.map(|(_, seen)| presence::judge(ctx, input.now, entry, seen));
    let found = presence.as_ref().map_or(Finding::Unknown, |presence| presence.finding.clone());
    let presence_outcome = settle(Facet::Presence, &found);
    let mut status = ApplicationStatus {
        name: application.name.clone(),
        app_id: Some(application.app_id.to_string()),
        ..ApplicationStatus::default()
    };
    match presence.filter(|_| presence_outcome.is_fresh) {
        Some(presence) => {
            status.service_principal_id = presence.service_principal_id;
            status.superseded_service_principal_id = presence.superseded;
            status.application_object_id = presence.application_object_id;
            status.display_name = presence.display_name;
            status.restore_before = presence.restore_before.map(Time);
        }
        None => keep_presence(&mut status, entry, &presence_outcome.belief),
    }

    let principal = seen.and_then(|(_, seen)| seen.service_principal.known());
    let is_gone = matches!(presence_outcome.belief, Belief::Drifted(_));
    let beyond = |outcome: Outcome| {
        if is_gone { Outcome { belief: Belief::NotApplicable, is_fresh: false, settles_at: None } } else { outcome }
    };
    let mut outcomes = vec![(Facet::Presence, presence_outcome.clone())];
    if application.sign_in == SignIn::Enabled {
        let judged = seen.and_then(|(_, seen)| Some(sign_in::judge(ctx, principal?, &seen.assigned)));
        let finding = judged.filter(|_| !is_gone).unwrap_or(Finding::Unknown);
        outcomes.push((Facet::SignIn, beyond(settle(Facet::SignIn, &finding))));
    }
    if !application.required.is_empty() {
        let earlier_consent = entry.and_then(|entry| entry.consent.as_ref());
        let judged = seen
            .filter(|_| !is_gone && principal.is_some())
            .map(|(observed, seen)| consent::judge(ctx, earlier_consent, earlier.counts, observed, seen));
        let finding = judged.as_ref().map_or(Finding::Unknown, |judged| judged.finding.clone());
        let outcome = beyond(settle(Facet::Consent, &finding));
        status.consent = Some(match judged.filter(|_| outcome.is_fresh) {
            Some(judged) => judged.status,
            None => kept_consent(application, earlier_consent, &outcome.belief),
        });
        outcomes.push((Facet::Consent, outcome));
    }
    let alive = seen.map(|(_, seen)| seen).filter(|_| !is_gone);
    let changes_at = time_bound(ctx, alive, earlier, input, &mut status, &mut |facet, finding| {
        let not_there = Outcome { belief: Belief::NotApplicable, is_fresh: false, settles_at: None };
        let outcome = finding.map_or(not_there, |finding| beyond(settle(facet, finding)));
        outcomes.push((facet, outcome.clone()));
        outcome
    });

    let settles_at = outcomes.iter().filter_map(|(_, outcome)| outcome.settles_at).min();
    let unproved = outcomes.iter().filter(|(_, outcome)| !outcome.is_fresh && outcome.belief == Belief::Good);
    let unproved = unproved.map(|(facet, _)| *facet).collect();
    let facets: Vec<(Facet, Belief)> = outcomes.into_iter().map(|(facet, outcome)| (facet, outcome.belief)).collect();
    status.state = Some(state(&facets).to_owned());
    status.sign_in_enabled =
        facets.iter().find(|(facet, _)| *facet == Facet::SignIn).and_then(|(_, belief)| match belief {
            Belief::Good => Some(true),
            Belief::Drifted(_) => Some(false),
            Belief::Unknown | Belief::Confirming | Belief::NotApplicable => None,
        });
    let notes = notes(ctx, &status, &facets, input.now);
    Believed { ctx, entry: status, facets, unproved, notes, settles_at, changes_at }
}

/// The facets that time alone can change. Tells when the first of them will, if nothing else happens.
fn time_bound(
    ctx: Context<'_>,
    seen: Option<&ObservedApplication>,
    earlier: &Earlier<'_>,
    input: &Input<'_>,
    status: &mut ApplicationStatus,
    settle: Settle<'_>,
) -> Option<Timestamp> {
    let of_provisioning =
        ctx.application.provisioning.then(|| provisioned(ctx, seen, earlier, input, status, settle)).flatten();
    let of_certificates =
        ctx.application.warn_before.and_then(|_| certified(ctx, seen, earlier, input, status, settle));
    of_provisioning.into_iter().chain(of_certificates).min()
}

/// Takes a finding to what is believed; none is for a facet that does not exist there.
type Settle<'a> = &'a mut dyn FnMut(Facet, Option<&Finding>) -> Outcome;

fn provisioned(
    ctx: Context<'_>,
    seen: Option<&ObservedApplication>,
    earlier: &Earlier<'_>,
    input: &Input<'_>,
    status: &mut ApplicationStatus,
    settle: Settle<'_>,
) -> Option<Timestamp> {
    let entry = earlier.entry(ctx.application);
    let previous = entry.and_then(|entry| entry.provisioning.as_ref());
    if !provisioning::is_offered(ctx, previous, seen) {
        settle(Facet::Provisioning, None);
        status.provisioning = Some(provisioning::not_offered());
        return None;
    }
    let settling = provisioning::settling_until(entry, seen, input.now);
    let judged = seen.map(|seen| provisioning::judge(ctx, input.now, previous, settling, seen));
    let finding = judged.as_ref().map_or(Finding::Unknown, |judged| judged.finding.clone());
    let outcome = settle(Facet::Provisioning, Some(&finding));
    let Some(judged) = judged.filter(|_| outcome.is_fresh) else {
        status.provisioning = Some(provisioning::kept(previous, settling, &outcome.belief));
        return settling;
    };
    status.provisioning = Some(judged.status);
    let is_complete = matches!(input.observation, Some(Observation::Looked(observed)) if observed.obstacle().is_none());
    if let (false, Some(entry)) = (is_complete, entry) {
        // The time of the last success goes with the time of the last complete look.
        provisioning::carry_over(std::slice::from_mut(status), std::slice::from_ref(entry));
    }
    judged.changes_at
}

fn certified(
    ctx: Context<'_>,
    seen: Option<&ObservedApplication>,
    earlier: &Earlier<'_>,
    input: &Input<'_>,
    status: &mut ApplicationStatus,
    settle: Settle<'_>,
) -> Option<Timestamp> {
    let entry = earlier.entry(ctx.application);
    let had_none = earlier.counts && entry.is_some_and(certificate::has_none);
    let was_checked = entry.is_some_and(|entry| entry.certificate_state.is_some());
    let judged = match seen.map(|seen| (seen, &seen.credentials)) {
        Some((seen, Reading::Known(_))) => {
            let judged = certificate::judge(ctx, input.now, seen);
            if judged.is_none() {
                certificate::set_none(status);
                return None;
            }
            judged
        }
        Some((_, Reading::Unreadable(_) | Reading::Absent | Reading::NotAsked)) | None if had_none => {
            certificate::set_none(status);
            return None;
        }
        Some((_, Reading::Absent | Reading::NotAsked)) | None if !was_checked => return None,
        Some((_, Reading::Unreadable(_) | Reading::Absent | Reading::NotAsked)) | None => None,
    };
    let finding = judged.as_ref().map_or(Finding::Unknown, |judged| judged.finding.clone());
    let outcome = settle(Facet::Certificates, Some(&finding));
    certificate::set(status, entry, judged.as_ref().filter(|_| outcome.is_fresh), &outcome.belief);
    judged.filter(|_| outcome.is_fresh)?.changes_at
}

/// What is told of facets that are in order.
fn notes(ctx: Context<'_>, status: &ApplicationStatus, facets: &[(Facet, Belief)], now: Timestamp) -> Vec<Note> {
    let is_good = |facet: Facet| facets.contains(&(facet, Belief::Good));
    let mut notes = Vec::new();
    if is_good(Facet::Presence) {
        notes.extend(presence::superseded(ctx, status));
    }
    if is_good(Facet::Consent) {
        notes.extend(status.consent.iter().flat_map(|consent| consent::notes(ctx, consent)));
    }
    if is_good(Facet::Provisioning) || facets.contains(&(Facet::Provisioning, Belief::NotApplicable)) {
        notes.extend(status.provisioning.as_ref().and_then(|provisioning| provisioning::note(ctx, provisioning)));
    }
    if is_good(Facet::Certificates) {
        notes.extend(certificate::note(ctx, &status.certificates, now));
    }
    notes
}

fn believed_absent(
    earlier: &Earlier<'_>,
    entry: Option<&ApplicationStatus>,
    application: &DesiredApplication,
    facet: Facet,
) -> BTreeSet<String> {
    let drift = earlier.drift(&application.name, facet);
    if drift.is_empty() || !earlier.counts {
        return BTreeSet::new();
    }
    match facet {
        Facet::Presence if drift.iter().any(|entry| reason_of(entry) == Some(Reason::ServicePrincipalMissing)) => {
            BTreeSet::from(["service principal".to_owned()])
        }
        Facet::Consent => entry
            .and_then(|entry| entry.consent.as_ref())
            .map(|consent| consent.missing.iter().cloned().collect())
            .unwrap_or_default(),
        Facet::Provisioning if drift.iter().any(|entry| reason_of(entry) == Some(Reason::ProvisioningJobMissing)) => {
            BTreeSet::from([provisioning::JOB.to_owned()])
        }
        Facet::Provisioning if drift.iter().any(|entry| reason_of(entry) == Some(Reason::ProvisioningScopeEmpty)) => {
            BTreeSet::from([provisioning::SCOPE.to_owned()])
        }
        Facet::SignIn if drift.iter().any(|entry| reason_of(entry) == Some(Reason::AssignmentMissing)) => {
            BTreeSet::from([sign_in::ASSIGNMENT.to_owned()])
        }
        Facet::Presence | Facet::SignIn | Facet::Provisioning | Facet::Certificates => BTreeSet::new(),
    }
}

/// The fields of presence as they were: identifiers are kept for good, because restore and audit log need them.
fn keep_presence(status: &mut ApplicationStatus, entry: Option<&ApplicationStatus>, belief: &Belief) {
    let Some(entry) = entry else { return };
    status.service_principal_id.clone_from(&entry.service_principal_id);
    status.superseded_service_principal_id.clone_from(&entry.superseded_service_principal_id);
    status.display_name.clone_from(&entry.display_name);
    status.application_object_id.clone_from(&entry.application_object_id);
    if matches!(belief, Belief::Drifted(_)) {
        status.restore_before.clone_from(&entry.restore_before);
    }
}

/// The permissions as they were, without figures where nothing is known now. The baseline is kept for good.
fn kept_consent(application: &DesiredApplication, earlier: Option<&ConsentStatus>, belief: &Belief) -> ConsentStatus {
    match (earlier, belief) {
        (Some(earlier), Belief::Good | Belief::Drifted(_)) => earlier.clone(),
        (earlier, Belief::Good | Belief::Drifted(_) | Belief::Unknown | Belief::Confirming | Belief::NotApplicable) => {
            let required = i64::try_from(application.required.len()).unwrap_or(i64::MAX);
            let mut kept = earlier.cloned().unwrap_or_default();
            let held = consent::held_then(&kept, &application.required);
            if *belief == Belief::NotApplicable && !held.is_empty() {
                // What it held goes with it; whoever brings it back is told what did not come back.
                kept.before = held;
            }
            ConsentStatus { granted: None, required, missing: Vec::new(), extra: Vec::new(), ..kept }
        }
    }
}

fn state(facets: &[(Facet, Belief)]) -> &'static str {
    let reasons = || {
        facets.iter().flat_map(|(_, belief)| match belief {
            Belief::Drifted(entries) => entries.as_slice(),
            Belief::Good | Belief::Unknown | Belief::Confirming | Belief::NotApplicable => &[],
        })
    };
    let of_life = |reason: &Reason| matches!(Facet::of(*reason), Some(Facet::Presence | Facet::SignIn));
    let gravest = reasons().filter_map(reason_of).filter(of_life).min();
    let of_presence = facets.iter().find(|(facet, _)| *facet == Facet::Presence).map(|(_, belief)| belief);
    match gravest {
        Some(Reason::ServicePrincipalSoftDeleted | Reason::ApplicationSoftDeleted) => "SoftDeleted",
        Some(Reason::ServicePrincipalMissing) => "Missing",
        Some(Reason::AmbiguousServicePrincipal) => "Ambiguous",
        Some(Reason::ServicePrincipalDisabled) => "Disabled",
        Some(Reason::ApplicationDeactivated) => "Deactivated",
        Some(Reason::DisabledByMicrosoft) => "DisabledByMicrosoft",
        _ if of_presence == Some(&Belief::Good) => "Present",
        _ => "Unknown",
    }
}
