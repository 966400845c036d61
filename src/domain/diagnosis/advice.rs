//! What is left to a person: where no tenant was looked at, where the tenant is not to blame, and what Cisco support
//! needs.

use super::{Complaint, Fault};
use crate::{api::validation::IDENTITY_INTEGRATION_APP_ID, domain::desired::Desired};

/// What to do where no tenant was looked at.
pub fn without_tenant(complaint: &Complaint) -> Vec<String> {
    let organization = complaint.organization.map_or_else(
        || "spec.organizationId, the organization's ID of Control Hub > Account,".to_owned(),
        |id| format!("spec.organizationId: {id}"),
    );
    vec![
        by_hand(complaint.fault),
        format!(
            "To have the tenant looked at, declare the integration (README, Declaring an integration) with {organization} and give \
             the file: webex-azure-operator diagnose FILE -f OBJECTS.yaml."
        ),
    ]
}

fn by_hand(fault: Fault) -> String {
    match fault {
        Fault::DirectoryRefused | Fault::Unauthorized | Fault::Unpublished | Fault::Untold => format!(
            "By hand: Entra admin center > Enterprise applications, search for application ID {IDENTITY_INTEGRATION_APP_ID}. If it is \
             there, look at Properties > Enabled for users to sign-in and at Permissions. If it is not, it may have been deleted, \
             and can be restored for 30 days; do not consent before that is clear, because consent creates a new service \
             principal, which blocks the restore."
        ),
        Fault::TenantUnknown => connect("this organization", "its tenant"),
        Fault::ScimUnauthenticated => RENEW_TOKEN.to_owned(),
        Fault::CalendarUnauthorized => CHECK_MAILBOX.to_owned(),
    }
}

const RENEW_TOKEN: &str = "Renew the token that is presented to Webex: Entra admin center > Enterprise applications > the application \
    that provisions people > Provisioning > Admin Credentials > Test Connection; where the wizard set it up, Control Hub > \
    Organization Settings > Directory Synchronization. Nobody but Webex can tell whether a token is good: Microsoft Graph does not \
    show it.";

const CHECK_MAILBOX: &str = "Check that the person or workspace has a mailbox in Exchange Online, and that its domain belongs to the \
    tenant.";

fn connect(organization: &str, tenant: &str) -> String {
    format!(
        "Connect the organization with its tenant first: Control Hub > Organization Settings > Directory Synchronization, signed in as \
         full administrator of {organization} and not as partner, and consent with an account of {tenant} that is Privileged Role \
         Administrator there."
    )
}

/// What is left to do where the tenant is not to blame.
pub(super) fn by_fault(complaint: &Complaint, desired: &Desired) -> String {
    let organization = complaint
        .organization
        .or(desired.organization)
        .map_or_else(|| "the organization".to_owned(), |id| format!("organization {id}"));
    let tenant = format!("tenant {}", desired.tenant);
    match complaint.fault {
        Fault::DirectoryRefused | Fault::Unauthorized | Fault::Unpublished | Fault::Untold => format!(
            "Sign out of Control Hub and in again as full administrator of {organization}, open the page once more, and check there \
             under Organization Settings > Directory Synchronization that it is connected with {tenant}."
        ),
        Fault::TenantUnknown => format!("The error does not come from the tenant. {}", connect(&organization, &tenant)),
        Fault::ScimUnauthenticated => RENEW_TOKEN.to_owned(),
        Fault::CalendarUnauthorized => format!("The error is not about what is declared. {CHECK_MAILBOX}"),
    }
}

/// What Cisco support needs, in the order in which it is asked for; a value that the text does not hold is named as such.
pub fn for_support(complaint: &Complaint) -> Vec<(&'static str, Option<String>)> {
    let Complaint { status, code, organization, tracking_id, client_request_id, request, time, build, .. } = complaint;
    let error: Vec<String> = status.iter().map(ToString::to_string).chain(code.clone()).collect();
    let mut lines = vec![
        ("tracking ID", tracking_id.as_ref().map(ToString::to_string)),
        ("time", time.map(|time| time.to_string())),
        ("organization", organization.map(|id| id.to_string())),
        ("client-request-id", client_request_id.map(|id| id.to_string())),
    ];
    let further = [
        ("error", (!error.is_empty()).then(|| error.join("/"))),
        ("request", request.as_ref().map(ToString::to_string)),
        ("build", build.clone()),
    ];
    lines.extend(further.into_iter().filter(|(_, value)| value.is_some()));
    lines
}
