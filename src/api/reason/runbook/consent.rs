//! Runbooks: permissions that are lacking, or that are too many.

use super::{
    Runbook,
    page::{CISCO_INCIDENT, GRANT_CONSENT, REVIEW_PERMISSIONS},
};

const CONSENT: &str = "kubectl get wai -n NAMESPACE NAME -o jsonpath='{.status.applications[*].consent}'";

const APPLICATION_PERMISSIONS: &str =
    r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/servicePrincipals/OBJECT-ID/appRoleAssignments""#;

const DELEGATED_PERMISSIONS: &str = r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/oauth2PermissionGrants?\$filter=clientId eq 'OBJECT-ID' and consentType eq 'AllPrincipals'""#;

const ROLE: &str = "Privileged Role Administrator, or Global Administrator: application permissions of Microsoft Graph are asked \
    for, and neither Cloud Application Administrator nor Application Administrator may grant those. Activate the role first where \
    it is managed.";

pub(super) const CONSENT_MISSING: Runbook = Runbook {
    happened: "The application is there, but none of the required permissions is granted for the tenant: they were revoked, or \
        consent was requested and never granted.",
    breaks: "Webex gets tokens that open nothing, or none at all. Control Hub says that the request was unauthorized (code 701018), \
        and synchronization stands still: leavers keep their access.",
    tell: "`status.applications[].consent` has the figures, `missing` the names and `before` what was granted until it changed. \
        Consent of single users does not count.",
    reads: &[CONSENT, APPLICATION_PERMISSIONS, DELEGATED_PERMISSIONS],
    steps: &[
        "Ask who revoked it and why (Audit logs, activities Remove app role assignment from service principal and Remove delegated \
         permission grant).",
        "Open the link in the message; it names the tenant. `webex-azure-operator consent-url --tenant TENANT-ID` prints the same.",
        "Sign in, read the permissions and accept.",
        "Where the consent request workflow is on, approve the request under Enterprise applications > Admin consent requests, and \
         then grant it under Permissions > Grant admin consent.",
        "Sign out and in at Control Hub, and check the synchronization.",
    ],
    role: ROLE,
    deadline: "None from Microsoft.",
    avoid: "Do not consent while the object gives `ServicePrincipalSoftDeleted`: restore first. Do not use a link with `common` in \
        it. Do not grant permissions one by one through the API, unless you know why the dialog cannot be used.",
    heals: "The next look clears it. Microsoft may need some minutes until a grant is visible everywhere, and Webex up to an hour \
        until it uses a new token.",
    otherwise: "Code 701018 does not prove missing consent: deleted and disabled applications give it too. That is why the operator \
        looks at presence and sign-in first.",
    pages: &[GRANT_CONSENT, CISCO_INCIDENT],
};

pub(super) const CONSENT_INCOMPLETE: Runbook = Runbook {
    happened: "Some of the required permissions are not granted: they were revoked, or the declaration lists more than was ever \
        granted.",
    breaks: "Whatever needs the missing ones. Group.Read.All and GroupMember.Read.All: groups and the scope of provisioning. \
        AuditLog.Read.All: the sync report. Domain.Read.All: adding domains. Application.ReadWrite.OwnedBy: everything that Control \
        Hub does to \"Cisco Webex Identity\".",
    tell: "`status.applications[].consent.missing` lists them, `baseline` those that were seen granted at some time.",
    reads: &[CONSENT, APPLICATION_PERMISSIONS, DELEGATED_PERMISSIONS],
    steps: &[
        "Note what is granted now: it stands in the status, and consent may take some of it away.",
        "Open the link in the message and accept.",
        "Compare after the next look; the message tells what vanished.",
        "If permissions are still missing after a consent that is newer, Cisco no longer asks for them: set \
         `spec.identityIntegration.permissions` to the list that you require. No second consent brings them.",
    ],
    role: ROLE,
    deadline: "None from Microsoft.",
    avoid: "Do not consent again and again: consent grants what the application's manifest asks for today, and may revoke \
        tenant-wide grants outside it.",
    heals: "The next look clears it.",
    otherwise: "If you listed the permissions yourself, the list may be wrong: a delegated permission does not satisfy `kind: \
        Application`, and names are case-sensitive.",
    pages: &[GRANT_CONSENT, REVIEW_PERMISSIONS],
};

pub(super) const EXTRA_PERMISSIONS: Runbook = Runbook {
    happened: "The application holds permissions that the declaration does not list, and `extraPermissions: Drift` does not \
        tolerate them.",
    breaks: "Nothing in Webex. The application can do more in the tenant than was agreed.",
    tell: "`status.applications[].consent.extra` lists them; Entra admin center > Enterprise applications > the application > \
        Permissions shows who consented.",
    reads: &[CONSENT, APPLICATION_PERMISSIONS, DELEGATED_PERMISSIONS],
    steps: &[
        "Ask whether a newer feature of Webex needs them; Cisco adds permissions from time to time.",
        "Needed: add them to the `permissions` of the application in the object.",
        "Not needed: revoke them under Enterprise applications > the application > Permissions > Review permissions.",
    ],
    role: "Privileged Role Administrator to revoke; whoever may edit the object to accept.",
    deadline: "None.",
    avoid: "Do not revoke a permission that Webex uses: the next look would show nothing amiss, and Control Hub would.",
    heals: "The next look clears it.",
    otherwise: "Consent to a newer version of the application grants its whole list at once: look at the time of the last \
        Consent to application in the audit log.",
    pages: &[REVIEW_PERMISSIONS],
};

pub(super) const CONSENT_DIFFERS_FROM_PUBLISHED: Runbook = Runbook {
    happened: "The application lacks permissions that Cisco's list of 2023 names, and was never seen with them here. What it was \
        seen with is all still there.",
    breaks: "Most likely nothing: Cisco may have changed its list since, and no current one is published. That is why the condition \
        stays True.",
    tell: "The message names them. `status.presetRevision` tells which list the operator compared with.",
    reads: &[CONSENT, APPLICATION_PERMISSIONS],
    steps: &[
        "Check that the synchronization in Control Hub works.",
        "If it does, there is nothing to do. To require a list of your own, write it into `spec.identityIntegration.permissions`.",
        "If a feature lacks a permission, grant consent once on `webex-azure-operator consent-url --tenant TENANT-ID`.",
    ],
    role: "Nobody is needed; Privileged Role Administrator for a consent.",
    deadline: "None.",
    avoid: "Do not consent only to make this sentence go away: consent may also revoke grants.",
    heals: "It goes when the permissions are granted, or when the object lists its own.",
    otherwise: "If the object was created after somebody had revoked them, it cannot know that they were once granted: ask.",
    pages: &[CISCO_INCIDENT, GRANT_CONSENT],
};
