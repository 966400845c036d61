//! What an error can and cannot mean. Where only one case was published, that is said, and nothing is made of it.
//!
//! Sources: Cisco documents 220476, 223574 and 223083, help.webex.com heauzeb, the published description of Webex's SCIM
//! interface, and learn.microsoft.com on consent and on provisioning.

use super::{Complaint, Fault};
use crate::domain::text::safe;

/// What an error means, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// In one or two sentences.
    pub summary: String,
    /// What may be behind it.
    pub can: Vec<&'static str>,
    /// What it does not prove.
    pub cannot: Vec<&'static str>,
}

/// What this complaint means.
pub fn meaning(complaint: &Complaint) -> Meaning {
    let (summary, can, cannot) = match complaint.fault {
        Fault::DirectoryRefused => {
            let is_for_domains = complaint.request.as_ref().is_some_and(super::Request::is_for_domains);
            directory_refused(is_for_domains)
        }
        Fault::TenantUnknown => tenant_unknown(),
        Fault::ScimUnauthenticated => scim_unauthenticated(),
        Fault::CalendarUnauthorized => calendar_unauthorized(),
        Fault::Unauthorized => unauthorized(),
        Fault::Unpublished => return unpublished(complaint),
        Fault::Untold => untold(),
    };
    Meaning { summary: summary.to_owned(), can, cannot }
}

type Words = (&'static str, Vec<&'static str>, Vec<&'static str>);

fn directory_refused(is_for_domains: bool) -> Words {
    let deleted = "Somebody deleted the service principal of \"Cisco Webex Identity Integration\" in the tenant, the case that Cisco \
        published for this code.";
    let never = "The organization was never connected with its tenant, so that nobody consented: Cisco published the same code \
        for that too, when domains are added.";
    let mut can = if is_for_domains { vec![never, deleted] } else { vec![deleted, never] };
    can.extend([
        "Its sign-in is switched off, it was deactivated, or Microsoft disabled it.",
        "Its consent was taken away, as a whole or in part.",
        "Consent was given in another tenant than the one that Webex asks for this organization.",
        "The sign-in at Control Hub had ended, or something failed between Webex and Microsoft for a moment.",
    ]);
    (
        "Webex got no access to the directory of this organization's tenant: its request to Microsoft came back as unauthorized.",
        can,
        vec![
            "It does not prove that something was deleted; only the tenant can tell these cases apart.",
            "It does not tell since when: it shows when somebody opened the page.",
            "It says nothing about \"Cisco Webex Identity\", which provisions people and fails in ways of its own.",
        ],
    )
}

fn tenant_unknown() -> Words {
    (
        "Webex does not know which tenant belongs to this organization, so it asked Microsoft nothing.",
        vec![
            "Consent came back to Control Hub before the organization was connected with its tenant, the case that Cisco published: \
             the Entra ID wizard was not set up first.",
            "The set-up was begun by somebody of another organization, such as a partner.",
        ],
        vec![
            "It is not about deleted applications or consent that was taken away: no tenant was asked.",
            "Consenting once more by a bare link does not help, because such a link does not tell Webex the organization.",
        ],
    )
}

fn scim_unauthenticated() -> Words {
    (
        "Somebody sent people or groups to Webex over SCIM, and Webex did not accept the token: it was missing, wrong or had \
         ended. This is the way from Microsoft Entra to Webex, the opposite of reading the directory.",
        vec![
            "The token of the provisioning job ended; in the gallery application \"Cisco Webex\" it lives 365 days.",
            "Whoever made the token lost the role or left.",
            "The job sends to another organization's address, or a script of your own sends a wrong token.",
        ],
        vec![
            "It is not about admin consent: consent lets Webex read Microsoft Entra, not Microsoft Entra write to Webex.",
            "It does not prove that \"Cisco Webex Identity Integration\" is missing.",
        ],
    )
}

fn calendar_unauthorized() -> Words {
    (
        "Hybrid Calendar did not find the mailbox. Despite the word \"unauthorized\", Cisco published this as a matter of \
         mailboxes.",
        vec![
            "The person or workspace has no mailbox in Exchange Online.",
            "The mailbox's domain does not belong to the tenant.",
        ],
        vec!["It is not about consent, and not about the applications that synchronize people."],
    )
}

fn unauthorized() -> Words {
    (
        "Control Hub was refused as unauthorized by the service that connects it with Microsoft Entra. The text does not hold the \
         code of the error; the link in the message shows the details, which do.",
        vec![
            "Most likely 701018: Webex was refused when it asked Microsoft for the directory. Then \"Cisco Webex Identity Integration\" \
             may be deleted, switched off or without consent, or was never set up.",
            "The sign-in at Control Hub had ended: sign out and in, as the message says.",
        ],
        vec!["A 401 is not always consent, and without the code it proves nothing about the tenant."],
    )
}

fn untold() -> Words {
    (
        "The text names a request or an organization, but no error. A tracking ID is Cisco's name for one request: only Cisco can \
         look it up.",
        vec!["Anything; the link in Control Hub's message shows the details, which hold the error's code."],
        vec!["It proves nothing about the tenant."],
    )
}

fn unpublished(complaint: &Complaint) -> Meaning {
    let status = complaint.status.map(|status| format!("status {status}"));
    let code = complaint.code.as_deref().map(|code| format!("code {}", safe(code)));
    let named: Vec<String> = status.into_iter().chain(code).collect();
    let mut can = Vec::new();
    match complaint.status {
        Some(403) => can.push("Whoever was signed in may lack the role in Control Hub."),
        Some(404) => can.push("What was asked for may not be set up in this organization."),
        Some(429) => can.push("Webex was asked too often; it may pass by itself."),
        Some(500..=599) => can.push("A fault at Webex or between Webex and Microsoft; it may pass by itself."),
        _ => can.push("Anything on the way from Control Hub over Webex to the tenant."),
    }
    Meaning {
        summary: format!("Nothing is published about this error ({}).", named.join(", ")),
        can,
        cannot: vec!["It proves nothing about the tenant."],
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn of(text: &str) -> Meaning {
        meaning(&read(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_code_of_the_incident_does_not_prove_a_deletion() {
        let meaning = of("701018");
        assert!(meaning.can[0].contains("deleted"), "{meaning:?}");
        assert!(meaning.can.iter().any(|can| can.contains("never connected")), "{meaning:?}");
        assert!(meaning.cannot[0].contains("does not prove that something was deleted"), "{meaning:?}");
    }

    #[test]
    fn where_domains_are_added_the_likeliest_cause_is_another() {
        let text = "https://identity-b-us.webex.com/extIntegration/azureAD/2fdb923e-1d23-4e1b-a30f-e9cd88845744/v1/Domains 701018";
        assert!(of(text).can[0].contains("never connected"));
    }

    #[test]
    fn a_401_is_not_always_consent() {
        assert!(
            of("Azure AD integration error. The request was unauthorized.").cannot[0].contains("not always consent")
        );
        let scim = of("The request is unauthenticated. The user's credentials are missing or incorrect.");
        assert!(scim.cannot[0].contains("not about admin consent"));
        assert!(
            of("Received error 'Unauthorized' from O365. Admin action is required.").cannot[0]
                .contains("not about consent")
        );
    }
}
