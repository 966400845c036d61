//! What a person does about a difference: which role, where, until when, in which order.

mod assignment;
mod certificate;
mod provisioning;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    catalog,
    cloud::Endpoints,
    desired::{Desired, DesiredApplication, Role},
};
use crate::api::{AppId, ObjectId, status::RemedyStatus};

/// What a person does about a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// The kind of remedy.
    pub action: Action,
    /// Microsoft Entra role that suffices.
    pub role: Option<&'static str>,
    /// Where to do it.
    pub url: Option<String>,
    /// Until when it can be done.
    pub before: Option<Timestamp>,
    /// The whole instruction.
    pub text: String,
}

/// The kind of a remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Restore the service principal.
    Restore,
    /// Restore the registration of the application.
    RestoreApplication,
    /// Grant admin consent.
    Consent,
    /// Switch sign-in on.
    EnableSignIn,
    /// Reactivate the application.
    Reactivate,
    /// Set the application up again.
    SetUpAgain,
    /// Ask whoever published the application.
    ContactPublisher,
    /// Assign people to the application, or let everyone in.
    Assign,
    /// Write down which permissions are required, because Cisco asks for others now.
    SetPermissions,
    /// Look through what was granted, and take away what nobody needs.
    ReviewPermissions,
    /// Start provisioning.
    StartProvisioning,
    /// Mend what keeps provisioning from succeeding.
    MendProvisioning,
    /// Replace a certificate or client secret.
    RenewCertificate,
    /// Find out more before anything is done.
    Investigate,
}

impl Action {
    /// Every kind there is.
    pub const ALL: [Self; 14] = [
        Self::Restore,
        Self::RestoreApplication,
        Self::Consent,
        Self::EnableSignIn,
        Self::Reactivate,
        Self::SetUpAgain,
        Self::ContactPublisher,
        Self::Assign,
        Self::SetPermissions,
        Self::ReviewPermissions,
        Self::StartProvisioning,
        Self::MendProvisioning,
        Self::RenewCertificate,
        Self::Investigate,
    ];

    /// The name in `status.drift[].remedy.action`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restore => "Restore",
            Self::RestoreApplication => "RestoreApplication",
            Self::Consent => "Consent",
            Self::EnableSignIn => "EnableSignIn",
            Self::Reactivate => "Reactivate",
            Self::SetUpAgain => "SetUpAgain",
            Self::ContactPublisher => "ContactPublisher",
            Self::Assign => "Assign",
            Self::SetPermissions => "SetPermissions",
            Self::ReviewPermissions => "ReviewPermissions",
            Self::StartProvisioning => "StartProvisioning",
            Self::MendProvisioning => "MendProvisioning",
            Self::RenewCertificate => "RenewCertificate",
            Self::Investigate => "Investigate",
        }
    }
}

impl Remedy {
    /// As it is written to the status.
    pub fn status(&self) -> RemedyStatus {
        let Self { action, role, url, before, text } = self;
        RemedyStatus {
            action: action.as_str().to_owned(),
            role: role.map(str::to_owned),
            url: url.clone(),
            before: before.map(Time),
            text: text.clone(),
        }
    }
}

/// Suffices to restore and to switch sign-in on.
/// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/restore-application>
const CLOUD_APPLICATION_ADMINISTRATOR: &str = "Cloud Application Administrator";

/// Needed to consent, because application permissions of Microsoft Graph are asked for.
/// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/grant-admin-consent>
const PRIVILEGED_ROLE_ADMINISTRATOR: &str = "Privileged Role Administrator";

/// What the words of a remedy depend on.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What should be.
    pub desired: &'a Desired,
    /// The application in question.
    pub application: &'a DesiredApplication,
    /// Where links lead.
    pub endpoints: &'a Endpoints,
    /// Applications for which the process allows consent links, besides the catalog's.
    pub linkable: &'a [AppId],
}

/// An application as messages name it.
pub fn title(role: Role, name: &str) -> String {
    match role {
        Role::IdentityIntegration => "\"Cisco Webex Identity Integration\"".to_owned(),
        Role::Identity => "\"Cisco Webex Identity\"".to_owned(),
        Role::Additional => format!("\"{name}\""),
    }
}

impl Context<'_> {
    /// The application as messages name it.
    pub fn title(&self) -> String {
        title(self.application.role, &self.application.name)
    }

    /// Restore a deleted service principal, before anything else. No page of the Entra admin center restores one
    /// (<https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/restore-application> has no portal steps),
    /// hence a command; and no link, because what the command calls is not for a browser.
    pub fn restore(&self, object: ObjectId, before: Option<Timestamp>) -> Remedy {
        let url = self.endpoints.restore_url(object);
        Remedy {
            action: Action::Restore,
            role: Some(CLOUD_APPLICATION_ADMINISTRATOR),
            before,
            text: format!(
                "Restore it first, as {CLOUD_APPLICATION_ADMINISTRATOR} (Azure Cloud Shell will do): az rest --method POST --url {url} \
                 - it keeps its object ID and configuration. Do not grant consent before that: consent creates a new service \
                 principal, which blocks the restore."
            ),
            url: None,
        }
    }

    /// Restore the registration, which its service principal depends on.
    pub fn restore_application(&self, before: Option<Timestamp>) -> Remedy {
        Remedy {
            action: Action::RestoreApplication,
            role: Some(CLOUD_APPLICATION_ADMINISTRATOR),
            url: None,
            before,
            text: format!(
                "Restore the registration as {CLOUD_APPLICATION_ADMINISTRATOR}: Entra admin center > App registrations > Deleted \
                 applications > Restore app registration. Its service principal is looked at again afterwards; it may have to \
                 be restored too."
            ),
        }
    }

    /// Several deleted service principals; only a person can tell which one was in use.
    pub fn choose(&self) -> Remedy {
        Remedy {
            action: Action::Investigate,
            role: Some(CLOUD_APPLICATION_ADMINISTRATOR),
            url: None,
            before: None,
            text: format!(
                "Find out which one was in use (Entra admin center > Audit logs, activity Remove service principal), then restore \
                 that one as {CLOUD_APPLICATION_ADMINISTRATOR}: az rest --method POST --url {}/v1.0/directory/deletedItems/OBJECT-ID/restore. \
                 Do not grant consent before that.",
                self.endpoints.graph
            ),
        }
    }

    /// Bring back an application that cannot be restored.
    pub fn bring_back(&self) -> Remedy {
        let app_id = self.application.app_id;
        let is_linked = catalog::may_link(self.desired.cloud, app_id, self.linkable);
        let text = match self.application.role {
            Role::IdentityIntegration | Role::Additional if is_linked => return self.consent(false),
            Role::Identity => {
                "Consent does not bring it back: set the integration up again in Control Hub > Organization Settings > \
                 Directory Synchronization, as full administrator, then put the new Application ID into spec.identity.appId."
                    .to_owned()
            }
            Role::IdentityIntegration | Role::Additional => format!(
                "Add it to the tenant again the way it was set up first, or take it out of the declaration if it is no longer \
                 wanted. No consent link is given, because {app_id} is not a known Webex application."
            ),
        };
        Remedy { action: Action::SetUpAgain, role: None, url: None, before: None, text }
    }

    /// Grant admin consent, by a link where one may be given. It may take away what the application holds beyond what it
    /// asks for today.
    /// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/grant-admin-consent>
    pub fn consent(&self, holds_more: bool) -> Remedy {
        let app_id = self.application.app_id;
        if !catalog::may_link(self.desired.cloud, app_id, self.linkable) {
            return Remedy {
                action: Action::Consent,
                role: Some(PRIVILEGED_ROLE_ADMINISTRATOR),
                url: None,
                before: None,
                text: format!(
                    "{app_id} is not a known Webex application, so no consent link is given. If it is yours: as \
                     {PRIVILEGED_ROLE_ADMINISTRATOR}, Entra admin center > Enterprise applications > {app_id} > Permissions > Grant \
                     admin consent."
                ),
            };
        }
        let url = self.endpoints.consent_url(self.desired.tenant, app_id);
        Remedy {
            action: Action::Consent,
            role: Some(PRIVILEGED_ROLE_ADMINISTRATOR),
            before: None,
            text: format!(
                "Grant admin consent as {PRIVILEGED_ROLE_ADMINISTRATOR} (activate the role first where it is managed) at {url} - then \
                 sign out and in at Control Hub and check the synchronization. A request in the consent workflow must be approved \
                 and then granted.{}",
                if holds_more {
                    " Consent may revoke permissions beyond what the application asks for today; the status keeps their list."
                } else {
                    ""
                }
            ),
            url: Some(url),
        }
    }

    /// The application was consented to again, and what is missing did not come with it.
    pub fn set_permissions(&self) -> Remedy {
        let list = match self.application.role {
            Role::IdentityIntegration => "spec.identityIntegration.permissions".to_owned(),
            Role::Identity | Role::Additional => {
                format!("permissions of {} in spec.additionalApplications", self.application.name)
            }
        };
        Remedy {
            action: Action::SetPermissions,
            role: None,
            url: None,
            before: None,
            text: format!(
                "Consent was given again since and did not bring it back, so its publisher no longer asks for it; consenting once \
                 more changes nothing. If synchronization works, write the permissions that are needed into {list}."
            ),
        }
    }

    /// Look through what was granted beyond the declaration.
    /// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/manage-application-permissions>
    pub fn review_permissions(&self) -> Remedy {
        Remedy {
            action: Action::ReviewPermissions,
            role: Some(CLOUD_APPLICATION_ADMINISTRATOR),
            url: None,
            before: None,
            text: format!(
                "Ask who granted them and why. Either add them to the declared permissions, or revoke them as \
                 {CLOUD_APPLICATION_ADMINISTRATOR}: Entra admin center > Enterprise applications > {} > Permissions > Review \
                 permissions.",
                self.application.app_id
            ),
        }
    }

    /// Switch sign-in on.
    pub fn enable_sign_in(&self) -> Remedy {
        Remedy {
            action: Action::EnableSignIn,
            role: Some(CLOUD_APPLICATION_ADMINISTRATOR),
            url: None,
            before: None,
            text: format!(
                "Ask who switched it off and why, then switch it on as {CLOUD_APPLICATION_ADMINISTRATOR}, Application Administrator or \
                 owner: Entra admin center > Enterprise applications > {} > Properties > Enabled for users to sign-in.",
                self.application.app_id
            ),
        }
    }

    /// Reactivate a deactivated application.
    /// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/deactivate-app-registration>
    pub fn reactivate(&self, registered_here: bool) -> Remedy {
        if registered_here {
            return Remedy {
                action: Action::Reactivate,
                role: Some(CLOUD_APPLICATION_ADMINISTRATOR),
                url: None,
                before: None,
                text: format!(
                    "Ask why it was deactivated, then reactivate it as {CLOUD_APPLICATION_ADMINISTRATOR}: Entra admin center > App \
                     registrations > Deactivated applications > {}.",
                    self.application.app_id
                ),
            };
        }
        Remedy {
            action: Action::ContactPublisher,
            role: None,
            url: None,
            before: None,
            text: "It is registered in its publisher's tenant and only the publisher can reactivate it: open a case with Cisco."
                .to_owned(),
        }
    }

    /// Microsoft disabled it.
    pub fn ask_microsoft(&self) -> Remedy {
        Remedy {
            action: Action::ContactPublisher,
            role: None,
            url: None,
            before: None,
            text: "Nobody in the tenant can undo this: open a case with Microsoft support and one with Cisco."
                .to_owned(),
        }
    }
}
