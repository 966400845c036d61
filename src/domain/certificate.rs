//! Whether the certificates and client secrets of a service principal are current.
//!
//! Old ones stay where they are when a new one is made, so that not each of them counts: of the certificates the one
//! that sign-in answers are signed with, where that is known, else of each kind the one that ends last.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    belief::{Belief, Evidence, Finding},
    drift::{Drift, Facet},
    message,
    observed::{ObservedApplication, PrincipalCredential, PrincipalCredentialKind, ServicePrincipal},
    ready::Note,
    remedy::Context,
    text,
    timing::{later, whole_second},
};
use crate::api::{
    Reason,
    status::{ApplicationStatus, CertificateStatus},
};

/// Most entries in the status; those that ended first are left out.
const LISTED_MAX: usize = 20;

/// Every kind there is.
const KINDS: [PrincipalCredentialKind; 2] =
    [PrincipalCredentialKind::Certificate, PrincipalCredentialKind::ClientSecret];

/// What a look tells about the certificates and client secrets of one application.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificates {
    /// The finding.
    pub finding: Finding,
    /// How they are written to the status.
    pub status: Vec<CertificateStatus>,
    /// When time alone will change the finding or what is told.
    pub changes_at: Option<Timestamp>,
}

/// Judges the certificates and client secrets of a live service principal; none if it has none.
pub fn judge(ctx: Context<'_>, now: Timestamp, seen: &ObservedApplication) -> Option<Certificates> {
    let unknown = Certificates { finding: Finding::Unknown, status: Vec::new(), changes_at: None };
    let (Some(principal), Some(credentials)) = (seen.service_principal.known(), seen.credentials.known()) else {
        return Some(unknown);
    };
    if credentials.is_empty() {
        return None;
    }
    let status = listed(principal, credentials);
    let governing = governing(&status);
    let expired: Vec<&CertificateStatus> =
        governing.iter().copied().filter(|certificate| certificate.not_after.0 <= now).collect();
    let finding = if KINDS.iter().any(|kind| is_open(*kind, principal, credentials, &expired)) {
        Finding::Unknown
    } else if expired.is_empty() {
        Finding::Good
    } else {
        Finding::Drifted { drifts: vec![drift(ctx, principal, &expired)], evidence: Evidence::Explicit }
    };
    let warn_before = warn_before(ctx);
    let turns = governing.iter().flat_map(|certificate| {
        let end = certificate.not_after.0;
        [later(end, -warn_before), end]
    });
    let changes_at = turns.filter(|at| *at > now).min();
    Some(Certificates { finding, status, changes_at })
}

fn warn_before(ctx: Context<'_>) -> SignedDuration {
    ctx.application.warn_before.unwrap_or(SignedDuration::ZERO)
}

/// Whether one of the kind does not tell when it ends, and might be the one that counts in place of one that has ended.
fn is_open(
    kind: PrincipalCredentialKind,
    principal: &ServicePrincipal,
    credentials: &[PrincipalCredential],
    expired: &[&CertificateStatus],
) -> bool {
    let mut of_kind = credentials.iter().filter(|credential| credential.kind == kind);
    let has_active = credentials.iter().any(|credential| is_active(principal, credential));
    if kind == PrincipalCredentialKind::Certificate && has_active {
        return credentials
            .iter()
            .filter(|credential| is_active(principal, credential))
            .all(|credential| credential.not_after.is_none());
    }
    let is_any_dated = of_kind.clone().any(|credential| credential.not_after.is_some());
    let has_ended = expired.iter().any(|certificate| certificate.kind == name(kind));
    of_kind.any(|credential| credential.not_after.is_none()) && (has_ended || !is_any_dated)
}

fn name(kind: PrincipalCredentialKind) -> &'static str {
    match kind {
        PrincipalCredentialKind::Certificate => "Certificate",
        PrincipalCredentialKind::ClientSecret => "ClientSecret",
    }
}

fn is_active(principal: &ServicePrincipal, credential: &PrincipalCredential) -> bool {
    credential.kind == PrincipalCredentialKind::Certificate
        && credential.thumbprint.is_some()
        && credential.thumbprint == principal.signing_thumbprint
}

/// The entries of the status, the one that ends first in front. A signing certificate is listed twice by Microsoft Graph,
/// for signing and for checking, and once here.
fn listed(principal: &ServicePrincipal, credentials: &[PrincipalCredential]) -> Vec<CertificateStatus> {
    let mut listed: Vec<CertificateStatus> = credentials
        .iter()
        .filter_map(|credential| {
            let thumbprint = credential.thumbprint.as_deref().map(text::brief);
            Some(CertificateStatus {
                kind: name(credential.kind).to_owned(),
                key_id: thumbprint.is_none().then(|| text::brief(&credential.key_id)),
                thumbprint,
                not_after: Time(whole_second(credential.not_after?)),
                active: is_active(principal, credential).then_some(true),
            })
        })
        .collect();
    let key = |entry: &CertificateStatus| {
        (entry.not_after.0, entry.kind.clone(), entry.thumbprint.clone(), entry.key_id.clone())
    };
    listed.sort_by_key(key);
    listed.dedup();
    let counts: Vec<CertificateStatus> = governing(&listed).into_iter().cloned().collect();
    let mut spare = listed.len().saturating_sub(LISTED_MAX);
    listed.retain(|entry| {
        let is_left_out = spare > 0 && !counts.contains(entry);
        spare -= usize::from(is_left_out);
        !is_left_out
    });
    listed
}

/// Those that count, of a sorted list: the active certificate, else the certificate that ends last, and the client
/// secret that ends last.
fn governing(listed: &[CertificateStatus]) -> Vec<&CertificateStatus> {
    let of_kind = |kind: PrincipalCredentialKind| listed.iter().filter(move |entry| entry.kind == name(kind));
    let active = of_kind(PrincipalCredentialKind::Certificate).rfind(|entry| entry.active == Some(true));
    let certificate = active.or_else(|| of_kind(PrincipalCredentialKind::Certificate).next_back());
    certificate.into_iter().chain(of_kind(PrincipalCredentialKind::ClientSecret).next_back()).collect()
}

/// As a sentence names it.
fn named(certificate: &CertificateStatus) -> String {
    let what = match (certificate.kind == name(PrincipalCredentialKind::Certificate), certificate.active) {
        (true, Some(true)) => "active signing certificate",
        (true, Some(false) | None) => "certificate",
        (false, _) => "client secret",
    };
    match (&certificate.thumbprint, &certificate.key_id) {
        (Some(thumbprint), _) => format!("{what} {thumbprint}"),
        (None, Some(key_id)) => format!("{what} with key ID {key_id}"),
        (None, None) => what.to_owned(),
    }
}

fn drift(ctx: Context<'_>, principal: &ServicePrincipal, expired: &[&CertificateStatus]) -> Drift {
    let sentences: Vec<String> = expired
        .iter()
        .map(|certificate| format!("the {} ended at {}", named(certificate), certificate.not_after.0))
        .collect();
    let actual = format!(
        "{} (appId {}, object ID {}) in tenant {} uses what has expired: {}.",
        ctx.title(),
        ctx.application.app_id,
        principal.id,
        ctx.desired.tenant,
        sentences.join(", ")
    );
    let has = |kind: PrincipalCredentialKind| expired.iter().any(|certificate| certificate.kind == name(kind));
    Drift {
        application: ctx.application.name.clone(),
        reason: Reason::Expired,
        expected: "certificates and client secrets are current",
        actual,
        since: expired.iter().map(|certificate| certificate.not_after.0).min(),
        remedy: ctx
            .renew_certificate(has(PrincipalCredentialKind::Certificate), has(PrincipalCredentialKind::ClientSecret)),
    }
}

/// What `certificateState` says of those that count.
const CURRENT: &str = "Current";
const EXPIRED: &str = "Expired";
const NONE: &str = "None";
const UNKNOWN: &str = "Unknown";

/// Whether the entry tells how they are.
pub fn is_known(entry: &ApplicationStatus) -> bool {
    entry.certificate_state.as_deref().is_some_and(|state| [CURRENT, EXPIRED].contains(&state))
}

/// Whether the entry tells that there are none.
pub fn has_none(entry: &ApplicationStatus) -> bool {
    entry.certificate_state.as_deref() == Some(NONE)
}

/// There are none.
pub fn set_none(entry: &mut ApplicationStatus) {
    entry.certificate_state = Some(NONE.to_owned());
    entry.certificates = Vec::new();
}

/// Writes what is believed: by this look, or as it was where this look could not tell.
pub fn set(
    entry: &mut ApplicationStatus,
    previous: Option<&ApplicationStatus>,
    fresh: Option<&Certificates>,
    belief: &Belief,
) {
    let state = match belief {
        Belief::Good => CURRENT,
        Belief::Drifted(_) => EXPIRED,
        Belief::Unknown | Belief::Confirming | Belief::NotApplicable => UNKNOWN,
    };
    entry.certificate_state = Some(state.to_owned());
    let kept = previous.filter(|_| state != UNKNOWN).map(|previous| previous.certificates.clone());
    entry.certificates = fresh.map(|fresh| fresh.status.clone()).or(kept).unwrap_or_default();
}

/// What is told of certificates and client secrets that are in order: which of those that count end soon.
pub fn note(ctx: Context<'_>, status: &[CertificateStatus], now: Timestamp) -> Option<Note> {
    let warn_before = warn_before(ctx);
    let soon: Vec<String> = governing(status)
        .into_iter()
        .filter(|certificate| now < certificate.not_after.0 && later(certificate.not_after.0, -warn_before) <= now)
        .map(|certificate| format!("the {} ends at {}", named(certificate), certificate.not_after.0))
        .collect();
    let sentence = (!soon.is_empty()).then(|| message::expiring_soon(ctx, &soon))?;
    Some(Note { facet: Facet::Certificates, reason: Reason::ExpiringSoon, sentence })
}
