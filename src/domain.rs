//! What should be, what was seen, what differs, what to do about it, and how that is said.
//!
//! Pure: no clock, no HTTP, no Kubernetes client, no logging, nothing asynchronous. Time is an argument. It does not
//! fail on what it sees: a spec that breaks a rule and an answer that could not be read are values with names.

pub mod attribution;
pub mod belief;
pub mod catalog;
pub mod certificate;
pub mod cloud;
pub mod consent;
pub mod decide;
pub mod desired;
pub mod diagnosis;
pub mod drift;
pub mod identity;
pub mod judgement;
pub mod message;
pub mod notice;
pub mod observed;
pub mod obstacle;
pub mod pace;
pub mod permission;
pub mod presence;
pub mod provisioning;
pub mod ready;
pub mod remedy;
pub mod sign_in;
pub mod text;
pub mod timing;

pub use attribution::Attribution;
pub use decide::{Decision, Input, Memory, Recall, decide};
pub use desired::Desired;
pub use notice::Notice;
pub use observed::{Observation, Observed, Reading};
pub use obstacle::Obstacle;
pub use timing::Timing;
