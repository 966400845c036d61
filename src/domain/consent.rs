//! Whether an application holds the permissions that it needs.
//!
//! Application permissions are compared by the ID of the app role, delegated ones by value: trimmed, case-sensitive, as
//! a set, and only where granted for the whole organization.

mod held;

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    belief::{Evidence, Finding},
    desired::{DesiredApplication, PermissionList, RequiredPermission},
    drift::{Drift, Facet},
    message,
    observed::{ConsentType, Observed, ObservedApplication},
    ready::Note,
    remedy::Context,
    text,
};
use crate::api::{ExtraPermissions, PermissionKind, Reason, status::ConsentStatus};

/// Most entries of `consent.baseline`: the largest list of required permissions, twice over.
const BASELINE_MAX: usize = 128;

/// What a look tells about the permissions of one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The finding.
    pub finding: Finding,
    /// How it is written to the status.
    pub status: ConsentStatus,
}

/// Judges the permissions of a live service principal. What is published counts for what was granted before only as long
/// as the same list was required.
pub fn judge(
    ctx: Context<'_>,
    previous: Option<&ConsentStatus>,
    is_same_list: bool,
    observed: &Observed,
    seen: &ObservedApplication,
) -> Consent {
    let required = &ctx.application.required;
    let answers: Vec<(String, Option<bool>)> =
        required.iter().map(|permission| (permission.label(), is_granted(permission, observed, seen))).collect();
    let with = |wanted: Option<bool>| -> Vec<String> {
        answers.iter().filter(|(_, answer)| *answer == wanted).map(|(label, _)| label.clone()).collect()
    };
    let (granted, missing, unknown) = (with(Some(true)), with(Some(false)), with(None));
    let earlier: BTreeSet<String> =
        previous.map(|consent| consent.baseline.iter().cloned().collect()).unwrap_or_default();
    let baseline: BTreeSet<String> = earlier.iter().chain(&granted).take(BASELINE_MAX).cloned().collect();
    let told: &[String] = previous.map_or(&[], |consent| consent.extra.as_slice());
    let extra = held::extra(required, told, observed, seen);

    let nothing_granted = granted.is_empty() && unknown.is_empty() && !missing.is_empty();
    let lost_some = missing.iter().any(|label| earlier.contains(label));
    let counts = ctx.application.list == PermissionList::Spec || nothing_granted || lost_some;
    let status = ConsentStatus {
        granted: unknown.is_empty().then_some(i64::try_from(granted.len()).unwrap_or(i64::MAX)),
        required: i64::try_from(answers.len()).unwrap_or(i64::MAX),
        extra: extra.clone().unwrap_or_else(|| previous.map(|consent| consent.extra.clone()).unwrap_or_default()),
        baseline: baseline.into_iter().collect(),
        before: match (previous, &extra) {
            (Some(earlier), Some(extra)) if is_same_list && unknown.is_empty() => {
                before(earlier, required, &granted, extra)
            }
            (earlier, _) => earlier.map(|earlier| earlier.before.clone()).unwrap_or_default(),
        },
        missing,
    };
    let mut drifts = Vec::new();
    if !status.missing.is_empty() && counts {
        drifts.push(incomplete(ctx, &status, nothing_granted, &own_consents(required, &status, observed, seen)));
    }
    if ctx.application.extra == ExtraPermissions::Drift && !status.extra.is_empty() {
        drifts.push(beyond(ctx, &status.extra));
    }
    let finding = if !drifts.is_empty() {
        let lacking = if counts { status.missing.iter().cloned().collect() } else { BTreeSet::new() };
        let evidence = if lacking.is_empty() { Evidence::Explicit } else { Evidence::Absence(lacking) };
        Finding::Drifted { drifts, evidence }
    } else if unknown.is_empty() && (extra.is_some() || ctx.application.extra == ExtraPermissions::Ignore) {
        Finding::Good
    } else {
        Finding::Unknown
    };
    Consent { finding, status }
}

/// What is told of permissions that are in order.
pub fn notes(ctx: Context<'_>, consent: &ConsentStatus) -> Vec<Note> {
    let note = |reason, sentence| Note { facet: Facet::Consent, reason, sentence };
    let differs = (!consent.missing.is_empty())
        .then(|| note(Reason::ConsentDiffersFromPublished, message::differs_from_published(ctx, &consent.missing)));
    let vanished = vanished(ctx.application, consent);
    let vanished = (!vanished.is_empty()).then(|| note(Reason::Granted, message::vanished(ctx, &vanished)));
    differs.into_iter().chain(vanished).collect()
}

/// The permissions as they were granted before that last changed.
fn before(
    earlier: &ConsentStatus,
    required: &[RequiredPermission],
    granted: &[String],
    extra: &[String],
) -> Vec<String> {
    let now: BTreeSet<&String> = granted.iter().chain(extra).collect();
    let then = held_then(earlier, required);
    if then.is_empty() || now == then.iter().collect() { earlier.before.clone() } else { then }
}

/// Everything that was granted when this was written; nothing if that was not known.
pub fn held_then(earlier: &ConsentStatus, required: &[RequiredPermission]) -> Vec<String> {
    if earlier.granted.is_none() {
        return Vec::new();
    }
    let labels = required.iter().map(RequiredPermission::label);
    let held: BTreeSet<String> =
        labels.filter(|label| !earlier.missing.contains(label)).chain(earlier.extra.iter().cloned()).collect();
    held.into_iter().take(BASELINE_MAX).collect()
}

/// What was granted before that last changed, is no longer, and is not told as missing.
pub fn vanished(application: &DesiredApplication, consent: &ConsentStatus) -> Vec<String> {
    let required: Vec<String> = application.required.iter().map(RequiredPermission::label).collect();
    let is_gone = |label: &&String| !required.contains(label) && !consent.extra.contains(label);
    consent.before.iter().filter(is_gone).cloned().collect()
}

fn incomplete(ctx: Context<'_>, status: &ConsentStatus, nothing_granted: bool, own: &[String]) -> Drift {
    let (title, app_id, tenant) = (ctx.title(), ctx.application.app_id, ctx.desired.tenant);
    let listed = text::listed(&status.missing, 10);
    let (reason, mut actual) = if nothing_granted {
        let actual = format!(
            "{title} (appId {app_id}) holds none of its {} permissions in tenant {tenant}: {listed}.",
            status.required
        );
        (Reason::ConsentMissing, actual)
    } else {
        let actual = format!(
            "{title} (appId {app_id}) lacks {} of its {} permissions in tenant {tenant}: {listed}.",
            status.missing.len(),
            status.required
        );
        (Reason::ConsentIncomplete, actual)
    };
    if !own.is_empty() {
        let own = text::listed(own, 5);
        let _ =
            write!(actual, " Single users granted {own} for themselves, which does not count for the organization.");
    }
    let vanished = vanished(ctx.application, status);
    if !vanished.is_empty() {
        let _ = write!(actual, " Also gone since the last change: {}.", text::listed(&vanished, 5));
    }
    Drift {
        application: ctx.application.name.clone(),
        reason,
        expected: "every required permission is granted for the whole organization",
        actual,
        since: None,
        remedy: ctx.consent(!status.extra.is_empty()),
    }
}

fn beyond(ctx: Context<'_>, extra: &[String]) -> Drift {
    let actual = format!(
        "{} (appId {}) holds {} beyond what is declared in tenant {}: {}.",
        ctx.title(),
        ctx.application.app_id,
        if extra.len() == 1 { "1 permission".to_owned() } else { format!("{} permissions", extra.len()) },
        ctx.desired.tenant,
        text::listed(extra, 10)
    );
    Drift {
        application: ctx.application.name.clone(),
        reason: Reason::ExtraPermissions,
        expected: "no permission beyond the list is granted",
        actual,
        since: None,
        remedy: ctx.review_permissions(),
    }
}

/// Missing delegated permissions that single users granted for themselves.
fn own_consents(
    required: &[RequiredPermission],
    status: &ConsentStatus,
    observed: &Observed,
    seen: &ObservedApplication,
) -> Vec<String> {
    let missing = required.iter().filter(|permission| status.missing.contains(&permission.label()));
    let of_single_users = missing.filter(|permission| {
        permission.kind != PermissionKind::Application
            && held::scope(permission, observed, seen, ConsentType::OnePrincipal) == Some(true)
    });
    of_single_users.map(RequiredPermission::label).collect()
}

/// Whether this permission is granted; none if what was read does not tell.
fn is_granted(permission: &RequiredPermission, observed: &Observed, seen: &ObservedApplication) -> Option<bool> {
    let application = || held::app_role(permission, observed, seen);
    let delegated = || held::scope(permission, observed, seen, ConsentType::AllPrincipals);
    match permission.kind {
        PermissionKind::Application => application(),
        PermissionKind::Delegated => delegated(),
        PermissionKind::Either => match (application(), delegated()) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            (None, _) | (_, None) => None,
        },
    }
}
