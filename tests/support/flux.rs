//! The rules that Flux holds its own controllers to, for objects of any history: ported from fluxcd/pkg,
//! `runtime/conditions/check`, and held against the original by tests/gitops.
//!
//! Declared as negative are `Stalled` and `Reconciling`; `Drifted` informs, as in Flux's `HelmRelease`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use webex_azure_operator::api::WebexAzureIntegrationStatus;

const NEGATIVE: [&str; 2] = ["Stalled", "Reconciling"];

/// The rules that a status breaks after a write, by the numbers that they have there. `Midway` are those for an object
/// that something is going on with, `Settled` those for one that is done.
pub fn broken(generation: i64, status: &WebexAzureIntegrationStatus, phase: Phase) -> Vec<u8> {
    let rules: &[u8] = match phase {
        Phase::Settled => &[1, 2, 3, 4, 5, 6, 7, 8, 9],
        Phase::Midway => &[2, 4, 5, 6, 11],
    };
    rules.iter().copied().filter(|rule| breaks(*rule, generation, status)).collect()
}

/// Which rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is going on.
    Settled,
    /// Something is.
    Midway,
}

impl Phase {
    /// That of an object whose status was just written.
    pub fn of(status: &WebexAzureIntegrationStatus) -> Self {
        if status.condition("Reconciling").is_some() { Self::Midway } else { Self::Settled }
    }
}

fn breaks(rule: u8, generation: i64, status: &WebexAzureIntegrationStatus) -> bool {
    let is = |name: &str, value: &str| status.condition(name).is_some_and(|condition| condition.status == value);
    let there = |name: &str| status.condition(name).is_some();
    let of = |condition: &Condition| condition.observed_generation.unwrap_or_default();
    let root = status.observed_generation.unwrap_or_default();
    let (stalled, reconciling) = (is("Stalled", "True"), is("Reconciling", "True"));
    let is_ready = is("Ready", "True") && stalled == reconciling;
    match rule {
        1 => is("Ready", "True") && NEGATIVE.iter().any(|name| is(name, "True")),
        2 => !there("Ready"),
        3 => there("Ready") && reconciling && !is("Ready", "False"),
        4 => there("Ready") && stalled && !is("Ready", "False"),
        5 => there("Reconciling") && there("Stalled"),
        6 => root > generation,
        7 => root < generation && is_ready,
        8 => is_ready && status.conditions.iter().any(|condition| of(condition) < generation),
        9 => is_ready && status.conditions.iter().any(|condition| of(condition) != root),
        11 => !is("Ready", "True") && !is("Ready", "False") && !reconciling,
        other => unreachable!("Flux has no rule {other}"),
    }
}
