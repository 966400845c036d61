//! What is believed of one application after a look: each facet by itself, and what of the earlier status is kept.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    belief::{Belief, Doubts, Finding, Outcome, Question},
    consent,
    decide::Input,
    desired::DesiredApplication,
    drift::{Facet, reason_of},
    observed::{Observed, ObservedApplication},
    presence,
    ready::Believed,
    remedy::{Action, Context},
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
        };
        was_read.then_some(Belief::Good)
    }

    /// The entry of the same application; an entry of the same name with another application ID is not about it.
    fn entry(&self, application: &DesiredApplication) -> Option<&ApplicationStatus> {
        self.status.application(&application.name).filter(|entry| entry.app_id == application.app_id.to_string())
    }
}

/// Judges one application, and tells when a look that is not believed yet can be settled.
pub fn believe<'a>(
    ctx: Context<'a>,
    seen: Option<(&Observed, &ObservedApplication)>,
    earlier: &Earlier<'_>,
    doubts: &mut Doubts,
    input: &Input<'_>,
) -> (Believed<'a>, Option<Timestamp>) {
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
        app_id: application.app_id.to_string(),
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
        let finding =
            principal.filter(|_| !is_gone).map_or(Finding::Unknown, |principal| sign_in::judge(ctx, principal));
        outcomes.push((Facet::SignIn, beyond(settle(Facet::SignIn, &finding))));
    }
    let mut differs_from_published = false;
    if !application.required.is_empty() {
        let earlier_consent = entry.and_then(|entry| entry.consent.as_ref());
        let judged = seen
            .filter(|_| !is_gone && principal.is_some())
            .map(|(observed, seen)| consent::judge(ctx, earlier_consent, observed, seen));
        let finding = judged.as_ref().map_or(Finding::Unknown, |judged| judged.finding.clone());
        let outcome = beyond(settle(Facet::Consent, &finding));
        let (consent, differs) = match judged.filter(|_| outcome.is_fresh) {
            Some(judged) => (judged.status, judged.differs_from_published),
            None => kept_consent(application, earlier_consent, &outcome.belief),
        };
        status.consent = Some(consent);
        differs_from_published = differs;
        outcomes.push((Facet::Consent, outcome));
    }

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
    status.consent_url = consent_url(&facets);
    (Believed { ctx, entry: status, facets, unproved, differs_from_published }, settles_at)
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
        Facet::Presence | Facet::SignIn => BTreeSet::new(),
    }
}

/// The fields of presence as they were: identifiers are kept for good, because restore and audit log need them.
fn keep_presence(status: &mut ApplicationStatus, entry: Option<&ApplicationStatus>, belief: &Belief) {
    let Some(entry) = entry else { return };
    status.service_principal_id.clone_from(&entry.service_principal_id);
    status.superseded_service_principal_id.clone_from(&entry.superseded_service_principal_id);
    status.display_name.clone_from(&entry.display_name);
    if matches!(belief, Belief::Drifted(_)) {
        status.application_object_id.clone_from(&entry.application_object_id);
        status.restore_before.clone_from(&entry.restore_before);
    }
}

/// The permissions as they were, without figures where nothing is known now. The baseline is kept for good.
fn kept_consent(
    application: &DesiredApplication,
    earlier: Option<&ConsentStatus>,
    belief: &Belief,
) -> (ConsentStatus, bool) {
    match (earlier, belief) {
        (Some(earlier), Belief::Good | Belief::Drifted(_)) => {
            let differs = *belief == Belief::Good && !earlier.missing.is_empty();
            (earlier.clone(), differs)
        }
        (earlier, Belief::Good | Belief::Drifted(_) | Belief::Unknown | Belief::Confirming | Belief::NotApplicable) => {
            let baseline = earlier.map(|earlier| earlier.baseline.clone()).unwrap_or_default();
            let required = i64::try_from(application.required.len()).unwrap_or(i64::MAX);
            (ConsentStatus { granted: None, required, missing: Vec::new(), baseline }, false)
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
    let gravest = reasons().filter_map(reason_of).filter(|reason| Facet::of(*reason) != Some(Facet::Consent)).min();
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

fn consent_url(facets: &[(Facet, Belief)]) -> Option<String> {
    let entries = facets.iter().filter_map(|(_, belief)| match belief {
        Belief::Drifted(entries) => Some(entries),
        Belief::Good | Belief::Unknown | Belief::Confirming | Belief::NotApplicable => None,
    });
    entries
        .flatten()
        .filter_map(|entry| entry.remedy.as_ref())
        .find(|remedy| remedy.action == Action::Consent.as_str())
        .and_then(|remedy| remedy.url.clone())
}
