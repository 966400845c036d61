//! What each condition says, for the documents.

use super::ConditionType;

/// What there is to know about a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConditionWords {
    /// What it says when it is True.
    pub says: &'static str,
    /// Whether True is good, bad or neither.
    pub polarity: &'static str,
    /// When it is written at all.
    pub present: &'static str,
}

/// The words of this condition.
pub const fn words(condition: ConditionType) -> ConditionWords {
    let (says, polarity, present) = match condition {
        ConditionType::Reconciling => (
            "Something is still going on; nobody has to do anything. Never together with `Stalled`.",
            "True is neither good nor bad",
            "only while it is True",
        ),
        ConditionType::Stalled => (
            "Nothing gets better until a person acts. It repeats the reason of `Ready`. Looking goes on: when the person has acted, the \
             next look clears it.",
            "True is bad",
            "only while it is True",
        ),
        ConditionType::Ready => (
            "Everything required is as declared. When it is not True, it gives the reason of whatever decided: the spec, the gravest \
             difference, or what kept the tenant from being read.",
            "True is good",
            "always",
        ),
        ConditionType::Suspended => (
            "`spec.suspend` is set; the other conditions tell what was last known.",
            "True is neither good nor bad",
            "only while it is True",
        ),
        ConditionType::Observed => (
            "The tenant could be read. False: a person is needed for that; Unknown: it may pass by itself.",
            "True is good",
            "always after the first look",
        ),
        ConditionType::Drifted => (
            "The tenant differs from the declaration, whether that is tolerated or not. Informational; the same as in Flux's HelmRelease.",
            "True is bad",
            "always after the first look",
        ),
        ConditionType::ServicePrincipalsPresent => {
            ("Each checked application has its service principal.", "True is good", "always after the first look")
        }
        ConditionType::SignInEnabled => (
            "Each checked application may sign in.",
            "True is good",
            "where `signIn` is required of an application, which it is unless said otherwise",
        ),
        ConditionType::ConsentGranted => (
            "Each required permission is granted for the whole tenant; what single users granted does not count.",
            "True is good",
            "where permissions are required",
        ),
        ConditionType::ProvisioningHealthy => (
            "Each required provisioning job runs and succeeds.",
            "True is good",
            "where a provisioning job is required",
        ),
        ConditionType::CertificatesCurrent => (
            "No certificate or client secret of an application has expired.",
            "True is good",
            "where an application has any",
        ),
    };
    ConditionWords { says, polarity, present }
}
