//! The table of remedies: what each means, who can, and for which reasons it is given.

use super::{action_anchor, link, table};
use crate::{api::Reason, domain::remedy::Action};

/// What a remedy asks for, who can do it, and the reasons for which it is given.
struct Words {
    what: &'static str,
    who: &'static str,
    reasons: &'static [Reason],
}

const CLOUD_APPLICATION_ADMINISTRATOR: &str = "Cloud Application Administrator";
const PRIVILEGED_ROLE_ADMINISTRATOR: &str = "Privileged Role Administrator";

const fn words(action: Action) -> Words {
    let (what, who, reasons): (_, _, &[Reason]) = match action {
        Action::Restore => (
            "Restore the deleted service principal, before anything else.",
            CLOUD_APPLICATION_ADMINISTRATOR,
            &[Reason::ServicePrincipalSoftDeleted],
        ),
        Action::RestoreApplication => (
            "Restore the deleted registration, then look at its service principal again.",
            CLOUD_APPLICATION_ADMINISTRATOR,
            &[Reason::ApplicationSoftDeleted],
        ),
        Action::Consent => (
            "Grant admin consent on the link, which is given for known Webex applications only.",
            PRIVILEGED_ROLE_ADMINISTRATOR,
            &[Reason::ServicePrincipalMissing, Reason::ConsentMissing, Reason::ConsentIncomplete],
        ),
        Action::EnableSignIn => (
            "Ask who switched sign-in off and why, then switch it on.",
            CLOUD_APPLICATION_ADMINISTRATOR,
            &[Reason::ServicePrincipalDisabled],
        ),
        Action::Reactivate => (
            "Ask why the registration was deactivated, then activate it.",
            CLOUD_APPLICATION_ADMINISTRATOR,
            &[Reason::ApplicationDeactivated],
        ),
        Action::SetUpAgain => (
            "Set the application up again, as it was first: the wizard in Control Hub for Cisco Webex Identity.",
            "full administrator of Control Hub",
            &[Reason::ServicePrincipalMissing, Reason::ProvisioningJobMissing],
        ),
        Action::ContactPublisher => (
            "Open a case with Cisco, and with Microsoft where Microsoft disabled it.",
            "nobody in the tenant",
            &[Reason::ApplicationDeactivated, Reason::DisabledByMicrosoft],
        ),
        Action::Assign => (
            "Assign users and groups again, or let everybody in.",
            CLOUD_APPLICATION_ADMINISTRATOR,
            &[Reason::AssignmentMissing, Reason::ProvisioningScopeEmpty],
        ),
        Action::SetPermissions => (
            "Write down which permissions are required: a consent that is newer than the loss did not bring them, so Cisco no longer asks for them.",
            "whoever may edit the object",
            &[Reason::ConsentMissing, Reason::ConsentIncomplete],
        ),
        Action::ReviewPermissions => (
            "Look through what was granted; add what is needed to the declaration, and revoke the rest.",
            PRIVILEGED_ROLE_ADMINISTRATOR,
            &[Reason::ExtraPermissions],
        ),
        Action::StartProvisioning => (
            "Start the provisioning job, after asking why it does not run.",
            CLOUD_APPLICATION_ADMINISTRATOR,
            &[Reason::ProvisioningPaused, Reason::ProvisioningDisabled],
        ),
        Action::MendProvisioning => (
            "Mend what keeps provisioning from succeeding; by Microsoft's reason, and never by waving deletions through.",
            CLOUD_APPLICATION_ADMINISTRATOR,
            &[Reason::ProvisioningQuarantined, Reason::ProvisioningOverdue],
        ),
        Action::RenewCertificate => (
            "Replace the certificate or client secret, on both sides.",
            CLOUD_APPLICATION_ADMINISTRATOR,
            &[Reason::Expired],
        ),
        Action::Investigate => (
            "Find out more before anything is done; the text says what.",
            CLOUD_APPLICATION_ADMINISTRATOR,
            &[Reason::AmbiguousServicePrincipal],
        ),
    };
    Words { what, who, reasons }
}

/// The section.
pub fn table_of_remedies() -> String {
    let mut text = String::from(
        "## Remedies\n\nEach difference in `status.drift` carries one: `action` for machines, `role`, `url` and `before` where there are any, and `text` for people.\nThe operator changes nothing in a tenant by itself.\n\n",
    );
    let rows = Action::ALL.map(|action| {
        let Words { what, who, reasons } = words(action);
        let reasons: Vec<String> = reasons.iter().map(|reason| link(*reason)).collect();
        vec![
            format!("<a id=\"{}\"></a>`{}`", action_anchor(action), action.as_str()),
            what.to_owned(),
            who.to_owned(),
            reasons.join(", "),
        ]
    });
    text.push_str(&table(&["action", "what", "who can", "given for"], rows));
    text
}
