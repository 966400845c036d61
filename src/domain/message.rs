//! The sentences of the conditions. The first sentence is enough by itself; nothing in them changes from look to look.

use jiff::Timestamp;

use super::{
    desired::{Desired, DesiredApplication, Role},
    drift::{Facet, reason_of},
    remedy::Context,
    text,
};
use crate::api::{Reason, status::DriftEntry, validation::Violation};

/// What a difference breaks, for whoever has to decide how urgent it is.
pub fn effect(desired: &Desired, application: Option<&DesiredApplication>, reason: Option<Reason>) -> String {
    let webex = desired.organization.map_or_else(|| "Webex".to_owned(), |id| format!("Webex organization {id}"));
    let lacks_consent = reason == Some(Reason::ConsentIncomplete);
    match (reason.and_then(Facet::of), reason) {
        (_, Some(Reason::ExtraPermissions)) => {
            return "Nothing fails because of that; the application may do more in the tenant than was declared."
                .to_owned();
        }
        (Some(Facet::Provisioning), Some(reason)) => return effect_of_provisioning(&webex, reason),
        (Some(Facet::Certificates), _) => {
            return format!("What relies on it fails: single sign-on or provisioning to {webex}.");
        }
        (Some(Facet::Presence | Facet::SignIn | Facet::Consent | Facet::Provisioning) | None, _) => {}
    }
    match application.map(|application| application.role) {
        Some(Role::IdentityIntegration) if lacks_consent => {
            format!(
                "{webex} reads the directory with what is left; synchronization fails as unauthorized where it needs more."
            )
        }
        Some(Role::IdentityIntegration) => {
            format!(
                "{webex} cannot read the directory; Control Hub only says \"The request was unauthorized\", and people who leave keep their access to Webex."
            )
        }
        Some(Role::Identity) => {
            format!(
                "Provisioning to {webex} stands still; people who leave keep their access to Webex and newcomers get none."
            )
        }
        Some(Role::Additional) | None => format!("What {webex} does through this application fails."),
    }
}

/// What provisioning that does not run breaks.
fn effect_of_provisioning(webex: &str, reason: Reason) -> String {
    if reason == Reason::ProvisioningScopeEmpty {
        return format!("Nobody is provisioned to {webex}; newcomers get no access, and people may lose theirs.");
    }
    let how = if reason == Reason::ProvisioningQuarantined { "hardly moves" } else { "stands still" };
    format!("Provisioning to {webex} {how}; people who leave keep their access to Webex and newcomers get none.")
}

/// A difference in full: what, by whom, what it breaks, what to do.
pub fn in_full(desired: &Desired, entry: &DriftEntry) -> String {
    let effect = effect(desired, desired.application(&entry.application), reason_of(entry));
    let actor = entry.attribution.as_ref().filter(|attribution| attribution.time.is_some());
    let with = |actor: Option<&str>| {
        let remedy = entry.remedy.as_ref().map(|remedy| remedy.text.as_str());
        let parts = [Some(entry.actual.as_str()), actor, Some(effect.as_str()), remedy];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    // Where it would cost the end of the remedy, who did it stands in status.drift alone.
    let full = with(actor.map(|attribution| attribution.text.as_str()));
    if full.len() > text::MESSAGE_MAX { with(None) } else { full }
}

/// The message of `Stalled` while something drifts: what it is and what to do, with the link. What it breaks and who did
/// it stand in `Ready`, so that nobody reads all of it twice.
pub fn stalled_drifted(drift: &[DriftEntry]) -> String {
    let Some(first) = drift.first() else {
        return String::new();
    };
    let remedy = first.remedy.as_ref().map_or("", |remedy| first_sentence(&remedy.text));
    text::capped(format!("{} {remedy}", first.actual).trim_end().to_owned())
}

/// The text up to the first stop that ends a sentence.
fn first_sentence(text: &str) -> &str {
    text.split_inclusive(". ").next().unwrap_or(text).trim_end()
}

/// The message of `Ready` while something drifts: the gravest difference in full.
pub fn ready_drifted(desired: &Desired, drift: &[DriftEntry]) -> String {
    let Some(first) = drift.first() else {
        return String::new();
    };
    let full = in_full(desired, first);
    text::capped(match drift.len() - 1 {
        0 => full,
        1 => format!("{full} One more difference is listed in status.drift."),
        more => format!("{full} {more} more differences are listed in status.drift."),
    })
}

/// The message of a facet's condition while something drifts there: every difference in one sentence.
pub fn facet_drifted(drift: &[&DriftEntry]) -> String {
    let sentences: Vec<&str> = drift.iter().map(|entry| entry.actual.as_str()).collect();
    text::capped(sentences.join(" "))
}

/// The message of `Ready` while everything is in order.
pub fn in_sync(desired: &Desired) -> String {
    let counted =
        |count: usize, one: &str, many: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {many}") };
    let applications = counted(desired.applications.len(), "application", "applications");
    let permissions: usize = desired.applications.iter().map(|application| application.required.len()).sum();
    let granted = match permissions {
        0 => String::new(),
        count => format!(", {} granted", counted(count, "permission", "permissions")),
    };
    format!("Tenant {} is as declared: {applications} in order{granted}.", desired.tenant)
}

/// The message of `Ready` while drift is tolerated.
pub fn tolerated(drift_count: usize) -> String {
    let differences = if drift_count == 1 { "1 difference".to_owned() } else { format!("{drift_count} differences") };
    format!(
        "The tenant shows {differences}, which spec.driftPolicy Warn tolerates; see the condition Drifted and status.drift."
    )
}

/// The message of `Drifted` while something drifts.
pub fn drifted(drift: &[DriftEntry]) -> String {
    let mut kinds: Vec<String> =
        drift.iter().map(|entry| format!("{} ({})", entry.reason, entry.application)).collect();
    kinds.dedup();
    text::capped(format!("The tenant differs from the declaration: {}.", text::listed(&kinds, 10)))
}

/// What the presence condition says of a recreated service principal: the earlier one, and what went with it.
pub fn superseded(ctx: Context<'_>, present: &str, earlier: &str, lost: &[String]) -> String {
    let mut sentence = format!(
        "The service principal of {} was recreated as {present}; the earlier one, {earlier}, is superseded and cannot be restored \
         while the present one exists.",
        ctx.title()
    );
    if !lost.is_empty() {
        sentence.push_str(" Permissions that the earlier one held and this one lacks: ");
        sentence.push_str(&text::listed(lost, 10));
        sentence.push('.');
    }
    sentence
}

/// What the consent condition says of permissions that the preset lists and this tenant never granted.
pub fn differs_from_published(ctx: Context<'_>, missing: &[String]) -> String {
    format!(
        "{} was never seen with {} here, which the list published by Cisco in 2023 names; Cisco may have changed its list since. \
         Nothing that was granted is missing. To require these, write the list into spec.identityIntegration.permissions.",
        ctx.title(),
        text::listed(missing, 10)
    )
}

/// What the consent condition says of permissions that nobody requires and that went when the grants last changed.
pub fn vanished(ctx: Context<'_>, vanished: &[String]) -> String {
    format!(
        "{} held more before its permissions last changed; gone since then: {}. None of these is required.",
        ctx.title(),
        text::listed(vanished, 10)
    )
}

/// What the provisioning condition says of a service principal that came back.
pub fn settling(ctx: Context<'_>, until: Timestamp) -> String {
    format!(
        "The service principal of {} came back not long ago; its provisioning has until {until} to run again, because that \
         takes up to a day.",
        ctx.title()
    )
}

/// What the provisioning condition says of a job that has only just begun.
pub fn first_cycle(ctx: Context<'_>) -> String {
    format!("The provisioning job of {} has not finished its first cycle yet.", ctx.title())
}

/// What the provisioning condition says of a last cycle that did not go well.
pub fn last_cycle(ctx: Context<'_>, state: &str) -> String {
    let how = if state == "Failed" { "failed" } else { "could not provision some people or groups" };
    format!(
        "The last cycle of the provisioning job of {} {how}; see Entra admin center > Enterprise applications > {} > \
         Provisioning > View provisioning logs.",
        ctx.title(),
        ctx.application.app_id
    )
}

/// What the provisioning condition says of jobs that do not count.
pub fn other_jobs(ctx: Context<'_>, templates: &[String]) -> String {
    format!("{} has other provisioning jobs, which are not looked at: {}.", ctx.title(), templates.join(", "))
}

/// What the provisioning condition says where jobs cannot be read at all.
pub fn provisioning_not_offered(ctx: Context<'_>) -> String {
    format!(
        "The cloud of tenant {} does not let the provisioning job of {} be read, so that nothing is known of it. Look at it \
         under Entra admin center > Enterprise applications > {} > Provisioning.",
        ctx.desired.tenant,
        ctx.title(),
        ctx.application.app_id
    )
}

/// What the condition of certificates says of those that end soon.
pub fn expiring_soon(ctx: Context<'_>, which: &[String]) -> String {
    let them = if which.len() == 1 { "it" } else { "them" };
    format!(
        "{} (appId {}) in tenant {} uses what ends soon: {}. Renew {them} before that; what relies on {them} fails afterwards.",
        ctx.title(),
        ctx.application.app_id,
        ctx.desired.tenant,
        which.join(", ")
    )
}

/// The message of `Ready` and `Stalled` while the spec breaks rules.
pub fn invalid_spec(violations: &[Violation]) -> String {
    let listed: Vec<String> = violations.iter().take(10).map(ToString::to_string).collect();
    text::capped(format!("The spec breaks a rule, so the tenant is not looked at: {}.", listed.join("; ")))
}

/// The message of `Ready` and `Stalled` after a mistake of ours.
pub const INTERNAL_ERROR: &str = "The operator failed on this object because of a mistake of its own, and tries again. \
    Other objects are not affected. Please report it with the operator's log of this object.";
