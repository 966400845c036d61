//! Runbooks: a service principal or registration that is not there.

use super::{
    Runbook,
    page::{CISCO_INCIDENT, CISCO_WIZARD, GRANT_CONSENT, RECOVER_FAQ, RESTORE, RESTORE_REGISTRATION},
};

/// Where the deleted service principals of an application are listed.
const DELETED: &str = r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal?\$filter=appId eq 'APP-ID'&\$select=id,appId,displayName,deletedDateTime""#;

/// Who removed them, as long as the audit log reaches back.
const REMOVALS: &str = r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/auditLogs/directoryAudits?\$filter=activityDisplayName eq 'Remove service principal'&\$top=20""#;

const APPLICATIONS: &str = "kubectl get wai -n NAMESPACE NAME -o jsonpath='{.status.applications}'";

pub(super) const SERVICE_PRINCIPAL_SOFT_DELETED: Runbook = Runbook {
    happened: "Somebody, a script or a lifecycle policy deleted the enterprise application (service principal) in this tenant. \
        Microsoft keeps it for 30 days, with its object ID and all its properties.",
    breaks: "Without \"Cisco Webex Identity Integration\" Control Hub cannot read the directory and only says that the request was \
        unauthorized (code 701018). Without \"Cisco Webex Identity\" provisioning stands still: people who leave keep their access \
        to Webex, and newcomers get none. Nothing is deleted in Webex.",
    tell: "`status.applications[].servicePrincipalId` keeps the object ID, and `restoreBefore` the deadline. The admin center does \
        not list deleted service principals; Microsoft Graph does.",
    reads: &[APPLICATIONS, DELETED, REMOVALS],
    steps: &[
        "Ask who deleted it and why (Entra admin center > Audit logs, activity Remove service principal). If it was deleted on \
         purpose, change the declaration instead.",
        "Restore it, in Azure Cloud Shell or any terminal: `az rest --method POST --url \
         https://graph.microsoft.com/v1.0/directory/deletedItems/OBJECT-ID/restore`.",
        "Wait for the next look. It tells whether the grants came back too; Microsoft does not promise that, and it says that \
         policies such as those of Conditional Access do not.",
        "If consent is missing then, grant it; sign out and in at Control Hub, and check the synchronization.",
    ],
    role: "Cloud Application Administrator, Application Administrator, or owner of the service principal.",
    deadline: "30 days after the deletion; the exact time stands in `status.applications[].restoreBefore`. Afterwards Microsoft \
        deletes it for good.",
    avoid: "Do not grant consent before it is restored: consent creates a new service principal of the same application, and the \
        restore fails as long as that one exists.",
    heals: "The next look after the restore clears it, within 15 seconds in the first quarter of an hour and within \
        `spec.interval` later. Provisioning may need 40 minutes to a day to show up again; see `Settling`.",
    otherwise: "If a look finds a live service principal beside the deleted one, somebody has consented already: the condition is \
        True then, and its message names the object that was superseded.",
    pages: &[RESTORE, RECOVER_FAQ, CISCO_INCIDENT],
};

pub(super) const APPLICATION_SOFT_DELETED: Runbook = Runbook {
    happened: "The registration (application object) of an application that is registered in this tenant was deleted, and its \
        service principal with it. This is so for \"Cisco Webex Identity\", which the Webex wizard registers in the tenant.",
    breaks: "Provisioning to Webex stands still: people who leave keep their access, newcomers get none.",
    tell: "`status.applications[].applicationObjectId` holds the object ID of the deleted registration. Entra admin center > App \
        registrations > Deleted applications lists it.",
    reads: &[
        APPLICATIONS,
        r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/directory/deletedItems/microsoft.graph.application?\$filter=appId eq 'APP-ID'&\$select=id,appId,displayName,deletedDateTime""#,
        DELETED,
    ],
    steps: &[
        "Ask who deleted it and why.",
        "Restore the registration first: Entra admin center > App registrations > Deleted applications > Restore app registration.",
        "Look again. If the object then gives `ServicePrincipalSoftDeleted`, restore the service principal too.",
        "Check Provisioning of the restored enterprise application, and start it if it does not run.",
    ],
    role: "Cloud Application Administrator or Application Administrator.",
    deadline: "30 days after the deletion; the exact time stands in `status.applications[].restoreBefore`.",
    avoid: "Do not grant consent before the restore, and do not run the Webex wizard first: it would register another \
        application, with another Application ID.",
    heals: "The next look clears it, once both the registration and the service principal are there.",
    otherwise: "If the registration lies in its publisher's tenant, as that of \"Cisco Webex Identity Integration\" does, this \
        reason cannot occur.",
    pages: &[RESTORE_REGISTRATION, RECOVER_FAQ],
};

pub(super) const SERVICE_PRINCIPAL_MISSING: Runbook = Runbook {
    happened: "The tenant has no service principal of this application, and none among the deleted ones. It was never there, or \
        it was deleted more than 30 days ago, or somebody deleted it for good.",
    breaks: "Without \"Cisco Webex Identity Integration\" Control Hub answers with code 701018, as it also does for a tenant that \
        never consented. Without \"Cisco Webex Identity\" nobody is provisioned.",
    tell: "Microsoft Graph answers 404 for the appId, and the list of deleted items is empty. Two complete looks agreed before this \
        was said.",
    reads: &[
        r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/servicePrincipals?\$filter=appId eq 'APP-ID'&\$select=id,appId,displayName""#,
        DELETED,
        REMOVALS,
    ],
    steps: &[
        "Check that `spec.tenantId`, `spec.cloud` and the appId are the right ones.",
        "\"Cisco Webex Identity Integration\": grant consent on the link in the message, which names the tenant; \
         `webex-azure-operator consent-url --tenant TENANT-ID` prints the same. Then sign out and in at Control Hub.",
        "\"Cisco Webex Identity\": consent does not bring it back. Run the wizard again, as full administrator: Control Hub > \
         Organization Settings > Directory Synchronization. Then write the new Application ID into `spec.identity.appId`.",
        "Any other application: add it the way it was set up first, or take it out of the declaration.",
    ],
    role: "Privileged Role Administrator for the consent, because application permissions of Microsoft Graph are asked for; full \
        administrator of Control Hub for the wizard.",
    deadline: "None: it cannot be restored any more. What it breaks lasts until it is back.",
    avoid: "Do not use a consent link with `common` in it: it ends in whatever tenant the browser is signed in to.",
    heals: "The next look clears it; a new service principal may need a minute to be visible everywhere.",
    otherwise: "A wrong `spec.cloud` or appId looks the same. If the consent request workflow is on, a request must be approved \
        and then granted: two steps, and it is easy to stop after the first.",
    pages: &[GRANT_CONSENT, CISCO_INCIDENT, CISCO_WIZARD],
};

pub(super) const AMBIGUOUS_SERVICE_PRINCIPAL: Runbook = Runbook {
    happened: "The application has no live service principal, several deleted ones can be restored, and nothing tells which of \
        them was in use: it was deleted, consented to and deleted again.",
    breaks: "As with one that was deleted: no synchronization, or no provisioning.",
    tell: "The list of deleted items has several entries with one appId. The object ID that the audit log names as the target \
        of earlier changes is the one that was in use.",
    reads: &[DELETED, REMOVALS],
    steps: &[
        "Find the object ID that was in use: in the audit log, in Terraform state, in a ticket, or in the status of another object \
         for the same tenant.",
        "Restore that one: `az rest --method POST --url https://graph.microsoft.com/v1.0/directory/deletedItems/OBJECT-ID/restore`.",
        "Leave the others; they go 30 days after their deletion.",
    ],
    role: "Cloud Application Administrator, Application Administrator, or owner of the service principal.",
    deadline: "30 days after the deletion of the one that was in use.",
    avoid: "Do not grant consent before the restore. Do not restore the newest just because it is the newest: the provisioning \
        job hangs on the one that had it.",
    heals: "The next look clears it.",
    otherwise: "An object that was looked at before the deletion remembers the object ID and gives `ServicePrincipalSoftDeleted` \
        instead.",
    pages: &[RESTORE, RECOVER_FAQ],
};

pub(super) const IDENTITY_NOT_PROVED: Runbook = Runbook {
    happened: "`spec.identity.appId` is left out, and nothing proves which application of the tenant is \"Cisco Webex Identity\". \
        Its Application ID differs from tenant to tenant, and a display name proves nothing: anybody may give it.",
    breaks: "Nothing in Webex. But the operator cannot tell whether provisioning is in order.",
    tell: "The message lists the candidates by name and Application ID, if there are any.",
    reads: &[
        r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/servicePrincipals?\$filter=startswith(displayName,'Cisco Webex Identity')&\$select=id,appId,displayName,appOwnerOrganizationId""#,
    ],
    steps: &[
        "Open Entra admin center > Enterprise applications and find the one whose Provisioning leads to Webex.",
        "Write its Application ID into `spec.identity.appId`; the message has the line to paste.",
        "If the organization does not provision through Entra, set `spec.identity.check: false`.",
    ],
    role: "Whoever may edit the object. Reading enterprise applications needs no role in most tenants, else Global Reader.",
    deadline: "None.",
    avoid: "Do not take a candidate by its name alone.",
    heals: "The next look after the edit clears it. What was proved once is remembered in the status.",
    otherwise: "If \"Cisco Webex Identity Integration\" was deleted at the same time, its traces, which would have been the \
        proof, are gone with it: restore that first.",
    pages: &[CISCO_WIZARD],
};
