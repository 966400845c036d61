//! Pages of Microsoft, Cisco and Kubernetes that the runbooks name.

/// A page and what it is called here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// What it is called.
    pub title: &'static str,
    /// Where it is.
    pub url: &'static str,
}

const fn page(title: &'static str, url: &'static str) -> Page {
    Page { title, url }
}

pub(super) const RESTORE: Page = page(
    "Microsoft: restore an enterprise application",
    "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/restore-application",
);
pub(super) const RECOVER_FAQ: Page = page(
    "Microsoft: questions on deleting and recovering applications",
    "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/delete-recover-faq",
);
pub(super) const RESTORE_REGISTRATION: Page = page(
    "Microsoft: restore or remove a recently deleted application",
    "https://learn.microsoft.com/en-us/entra/identity-platform/howto-restore-app",
);
pub(super) const GRANT_CONSENT: Page = page(
    "Microsoft: grant tenant-wide admin consent",
    "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/grant-admin-consent",
);
pub(super) const REVIEW_PERMISSIONS: Page = page(
    "Microsoft: review permissions granted to applications",
    "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/manage-application-permissions",
);
pub(super) const DISABLE_SIGN_IN: Page = page(
    "Microsoft: disable how a user signs in for an application",
    "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/disable-user-sign-in-portal",
);
pub(super) const DEACTIVATE: Page = page(
    "Microsoft: deactivate an app registration",
    "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/deactivate-app-registration",
);
pub(super) const PROPERTIES: Page = page(
    "Microsoft: properties of an enterprise application",
    "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/application-properties",
);
pub(super) const ASSIGN: Page = page(
    "Microsoft: assign users and groups to an application",
    "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/assign-user-or-group-access-portal",
);
pub(super) const QUARANTINE: Page = page(
    "Microsoft: application provisioning in quarantine status",
    "https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-quarantine-status",
);
pub(super) const ACCIDENTAL_DELETIONS: Page = page(
    "Microsoft: accidental deletions prevention",
    "https://learn.microsoft.com/en-us/entra/identity/app-provisioning/accidental-deletions",
);
pub(super) const HOW_PROVISIONING_WORKS: Page = page(
    "Microsoft: how application provisioning works",
    "https://learn.microsoft.com/en-us/entra/identity/app-provisioning/how-provisioning-works",
);
pub(super) const NOBODY_PROVISIONED: Page = page(
    "Microsoft: no users are being provisioned",
    "https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-config-problem-no-users-provisioned",
);
pub(super) const JOBS: Page = page(
    "Microsoft Graph: list synchronizationJobs",
    "https://learn.microsoft.com/en-us/graph/api/synchronization-synchronization-list-jobs",
);
pub(super) const CERTIFICATES: Page = page(
    "Microsoft: manage federation certificates",
    "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/tutorial-manage-certificates-for-federated-single-sign-on",
);
pub(super) const ERROR_CODES: Page = page(
    "Microsoft: AADSTS error codes",
    "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes",
);
pub(super) const FEDERATION: Page = page(
    "Microsoft: considerations for workload identity federation",
    "https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-considerations",
);
pub(super) const CONDITIONAL_ACCESS: Page = page(
    "Microsoft: Conditional Access for workload identities",
    "https://learn.microsoft.com/en-us/entra/identity/conditional-access/workload-identity",
);
pub(super) const CONTINUOUS_ACCESS: Page = page(
    "Microsoft: continuous access evaluation for workload identities",
    "https://learn.microsoft.com/en-us/entra/identity/conditional-access/concept-continuous-access-evaluation-workload",
);
pub(super) const PERMISSIONS: Page =
    page("Microsoft Graph: permissions reference", "https://learn.microsoft.com/en-us/graph/permissions-reference");
pub(super) const CLOUDS: Page =
    page("Microsoft Graph: national cloud deployments", "https://learn.microsoft.com/en-us/graph/deployments");
pub(super) const THROTTLING: Page =
    page("Microsoft Graph: throttling guidance", "https://learn.microsoft.com/en-us/graph/throttling");
pub(super) const GRAPH_ERRORS: Page =
    page("Microsoft Graph: error responses", "https://learn.microsoft.com/en-us/graph/errors");
pub(super) const CISCO_INCIDENT: Page = page(
    "Cisco: clear the Azure AD integration error",
    "https://www.cisco.com/c/en/us/support/docs/conferencing/webex-control-hub/220476-clear-azure-ad-integration-error-reques.html",
);
pub(super) const CISCO_WIZARD: Page =
    page("Webex: set up the Entra ID wizard app in Control Hub", "https://help.webex.com/en-us/article/heauzeb");
pub(super) const CISCO_USERS: Page =
    page("Webex: manage synchronized Entra ID users", "https://help.webex.com/d3p9vfb");
pub(super) const CISCO_SSO: Page =
    page("Webex: manage single sign-on when you are locked out", "https://help.webex.com/en-us/article/WBX9000037189");
pub(super) const LABELS: Page =
    page("Kubernetes: Secrets", "https://kubernetes.io/docs/concepts/configuration/secret/");
