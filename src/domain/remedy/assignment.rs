//! What a person does about an application that lets in nobody.

use super::{Action, CLOUD_APPLICATION_ADMINISTRATOR, Context, Remedy};

impl Context<'_> {
    /// Assign whoever is meant to use it, or let everyone in.
    /// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/assign-user-or-group-access-portal>
    pub fn assign(&self) -> Remedy {
        Remedy {
            action: Action::Assign,
            role: Some(CLOUD_APPLICATION_ADMINISTRATOR),
            url: None,
            before: None,
            text: format!(
                "Assign the right group, or let everyone in, as {CLOUD_APPLICATION_ADMINISTRATOR}, Application Administrator or \
                 owner: Entra admin center > Enterprise applications > {} > Users and groups, or there > Properties > Assignment \
                 required? > No.",
                self.application.app_id
            ),
        }
    }
}
