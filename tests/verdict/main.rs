//! The verdict: from what was declared, published and seen to what is said. Literal in, literal out; no cluster, no
//! clock, no HTTP. Expectations come from the table "from facets to Ready" and its rules, not from the code.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken fixture ends the test")]

mod advice;
mod attribution;
mod certificate;
mod consent;
mod deactivation;
mod fixture;
#[path = "../support/flux.rs"]
mod flux;
mod grant_change;
mod identity;
mod notice;
mod presence;
mod property;
mod provisioning;
mod ready;
mod sign_in;
mod wording;
