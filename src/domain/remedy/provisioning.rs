//! What a person does about provisioning that stands still.

use jiff::Timestamp;

use super::{Action, CLOUD_APPLICATION_ADMINISTRATOR, Context, Remedy};
use crate::domain::{desired::Role, provisioning::Cause};

impl Context<'_> {
    /// The page of provisioning in the Entra admin center.
    fn provisioning_page(&self) -> String {
        format!("Entra admin center > Enterprise applications > {} > Provisioning", self.application.app_id)
    }

    fn provisioning(action: Action, before: Option<Timestamp>, text: String) -> Remedy {
        Remedy { action, role: Some(CLOUD_APPLICATION_ADMINISTRATOR), url: None, before, text }
    }

    /// Start a job that somebody stopped, or that was never started.
    pub fn start_provisioning(&self) -> Remedy {
        let text = format!(
            "Ask who stopped it and why, then start it as {CLOUD_APPLICATION_ADMINISTRATOR}: {} > Start provisioning.",
            self.provisioning_page()
        );
        Self::provisioning(Action::StartProvisioning, None, text)
    }

    /// There is no job.
    pub fn set_provisioning_up(&self) -> Remedy {
        match self.application.role {
            Role::Identity => Remedy {
                action: Action::SetUpAgain,
                role: None,
                url: None,
                before: None,
                text:
                    "Set provisioning up again in Control Hub > Organization Settings > Directory Synchronization, as \
                       full administrator."
                        .to_owned(),
            },
            Role::IdentityIntegration | Role::Additional => {
                let text = format!(
                    "Set provisioning up again as {CLOUD_APPLICATION_ADMINISTRATOR}: {}.",
                    self.provisioning_page()
                );
                Self::provisioning(Action::SetUpAgain, None, text)
            }
        }
    }

    /// Mend what a job is in quarantine for. Nothing is to be started before that, least of all a job that was about to
    /// remove people.
    pub fn mend_provisioning(&self, cause: &Cause, before: Option<Timestamp>) -> Remedy {
        let page = self.provisioning_page();
        let role = CLOUD_APPLICATION_ADMINISTRATOR;
        match cause {
            Cause::TooManyDeletes => {
                let text = format!(
                    "Stop and look: starting or restarting it would remove these people from Webex. Compare them with who has \
                     really left, as {role}: {page} > View provisioning logs; check Users and groups and the scoping filters. \
                     Only if every removal is wanted, choose Allow deletes."
                );
                Self::provisioning(Action::Investigate, before, text)
            }
            Cause::RefusedCredential => {
                let wizard = match self.application.role {
                    Role::Identity => {
                        "Renew its token: in Control Hub > Organization Settings > Directory Synchronization, as full \
                         administrator, or"
                    }
                    Role::IdentityIntegration | Role::Additional => "Renew its credential",
                };
                let text = format!(
                    "{wizard} as {role} under {page} > Admin Credentials (Tenant URL, Secret Token, Test Connection). Then \
                     choose Start or Restart provisioning."
                );
                Self::provisioning(Action::MendProvisioning, before, text)
            }
            Cause::BaseEscrowThreshold | Cause::TotalEscrowThreshold | Cause::EscrowProportionThreshold => {
                let text = format!(
                    "Find out who could not be provisioned and why, as {role}: {page} > View provisioning logs. Mend that \
                     (attribute mappings, addresses that are taken, the scope), then choose Start or Restart provisioning."
                );
                Self::provisioning(Action::MendProvisioning, before, text)
            }
            Cause::OnDemand => {
                let text = format!(
                    "Ask who put it there and why, then choose Start or Restart provisioning as {role}: {page}."
                );
                Self::provisioning(Action::MendProvisioning, before, text)
            }
            Cause::IngestionInterrupted => {
                let text = format!(
                    "Choose Start or Restart provisioning as {role}: {page}. If it comes back to quarantine, open a case with \
                     Microsoft support."
                );
                Self::provisioning(Action::MendProvisioning, before, text)
            }
            Cause::NotTold | Cause::Unrecognised(_) => {
                let text = format!(
                    "Find out what is wrong before anything is started, as {role}: {page} > View provisioning logs. Mend that, \
                     then choose Start or Restart provisioning."
                );
                Self::provisioning(Action::MendProvisioning, before, text)
            }
        }
    }

    /// It runs, and nothing comes of it.
    pub fn look_into_provisioning(&self) -> Remedy {
        let text = format!(
            "Find out why its cycles do not succeed, as {CLOUD_APPLICATION_ADMINISTRATOR}: {} > View provisioning logs. If \
             nothing is wrong there, open a case with Microsoft support.",
            self.provisioning_page()
        );
        Self::provisioning(Action::MendProvisioning, None, text)
    }

    /// Nobody is in scope. Those with the role Default Access are left out:
    /// <https://learn.microsoft.com/en-us/entra/identity/saas-apps/cisco-webex-provisioning-tutorial>
    pub fn assign_people(&self) -> Remedy {
        let text = format!(
            "Assign the people or groups that are to have Webex, as {CLOUD_APPLICATION_ADMINISTRATOR}: Entra admin center > \
             Enterprise applications > {} > Users and groups > Add user/group. Where there is a choice of roles, take another than \
             Default Access, which is not provisioned.",
            self.application.app_id
        );
        Self::provisioning(Action::Assign, None, text)
    }
}
