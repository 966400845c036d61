//! Runbooks: the switches that keep an application from getting tokens.

use super::{
    Runbook,
    page::{ASSIGN, DEACTIVATE, DISABLE_SIGN_IN, PROPERTIES},
};

const SWITCHES: &str = r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/servicePrincipals(appId='APP-ID')?\$select=id,displayName,accountEnabled,isDisabled,disabledByMicrosoftStatus,appRoleAssignmentRequired,appOwnerOrganizationId""#;

const UPDATES: &str = r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/auditLogs/directoryAudits?\$filter=activityDisplayName eq 'Update service principal' and targetResources/any(t: t/id eq 'OBJECT-ID')""#;

pub(super) const SERVICE_PRINCIPAL_DISABLED: Runbook = Runbook {
    happened: "Somebody switched the enterprise application off in this tenant (`accountEnabled` is false). That is one of the \
        usual steps of a clean-up, and of whoever answers a security incident.",
    breaks: "Microsoft Entra gives it no tokens, so that Webex cannot read the directory or nobody is provisioned. Everything it \
        was granted is still there.",
    tell: "Entra admin center > Enterprise applications > the application > Properties: Enabled for users to sign-in is No.",
    reads: &[SWITCHES, UPDATES],
    steps: &[
        "Ask who switched it off, and why; the audit log names them under Update service principal.",
        "If nobody objects, set Enabled for users to sign-in to Yes and save.",
        "Sign out and in at Control Hub, and check the synchronization.",
    ],
    role: "Cloud Application Administrator, Application Administrator, or owner of the service principal.",
    deadline: "None; but each day without provisioning is a day on which leavers keep their access.",
    avoid: "Do not switch it on before you know why it is off: an incident responder may have done it.",
    heals: "The next look clears it.",
    otherwise: "If it goes off again, a script or policy does it: look for the same actor in the audit log.",
    pages: &[DISABLE_SIGN_IN, PROPERTIES],
};

pub(super) const APPLICATION_DEACTIVATED: Runbook = Runbook {
    happened: "The application itself was deactivated (`isDisabled` is true). For one that is registered in this tenant its owner, \
        an administrator or Microsoft's lifecycle agent for unused applications did it; for Cisco's, Cisco did.",
    breaks: "No new tokens anywhere; those that were issued run out within about an hour. Then synchronization or provisioning \
        stops.",
    tell: "`appOwnerOrganizationId` tells whose it is: this tenant's ID, or the publisher's. Entra admin center > App \
        registrations > Deactivated applications lists those of this tenant.",
    reads: &[
        SWITCHES,
        r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/auditLogs/directoryAudits?\$filter=activityDisplayName eq 'Update application'&\$top=20""#,
    ],
    steps: &[
        "Registered in this tenant: ask why it was deactivated, then Entra admin center > App registrations > Deactivated \
         applications > the application > Activate.",
        "Registered elsewhere, as \"Cisco Webex Identity Integration\": only its publisher can activate it. Open a case with Cisco.",
        "If a lifecycle policy did it, exempt the application there, or it will do it again.",
    ],
    role: "Cloud Application Administrator, Application Administrator, or owner of the registration; nobody in this tenant for an \
        application of Cisco's.",
    deadline: "None from Microsoft.",
    avoid: "Do not delete and re-create it: that would change its Application ID and lose the provisioning job.",
    heals: "The next look clears it.",
    otherwise: "`DisabledByMicrosoft` looks the same to Webex, but is another switch.",
    pages: &[DEACTIVATE],
};

pub(super) const DISABLED_BY_MICROSOFT: Runbook = Runbook {
    happened: "Microsoft disabled the application in all tenants (`disabledByMicrosoftStatus`), for a breach of its terms or on \
        suspicion of one.",
    breaks: "It gets no tokens anywhere. Synchronization or provisioning stops for every customer of the application.",
    tell: "Microsoft Graph answers with another value than null or NotDisabled.",
    reads: &[SWITCHES],
    steps: &[
        "Look at status.webex.com and the Microsoft 365 service health page: others have the same problem.",
        "Open a case with Microsoft support and one with Cisco, with the Application ID and the tenant ID.",
        "Agree with whoever owns leavers on removing their Webex access by hand meanwhile.",
    ],
    role: "Nobody in the tenant can undo it.",
    deadline: "None.",
    avoid: "Do not try to switch it on by hand or to register a copy of it.",
    heals: "The next look after Microsoft lifted it clears it.",
    otherwise: "If only your tenant has it, compare the Application ID: it may not be Cisco's application at all.",
    pages: &[DEACTIVATE],
};

pub(super) const ASSIGNMENT_MISSING: Runbook = Runbook {
    happened: "Assignment required is on for the enterprise application, and nobody and nothing is assigned to it.",
    breaks: "Nobody can sign in to it, and applications get no tokens for it. Provisioning of assigned users has nobody to provision.",
    tell: "Entra admin center > Enterprise applications > the application > Properties: Assignment required is Yes; Users and \
        groups is empty.",
    reads: &[
        SWITCHES,
        r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/servicePrincipals/OBJECT-ID/appRoleAssignedTo?\$top=5""#,
    ],
    steps: &[
        "Ask whether assignments were removed on purpose.",
        "Either assign the users and groups again, with a real role: those with Default Access are left out of provisioning.",
        "Or set Assignment required to No, if everybody may use it.",
    ],
    role: "Cloud Application Administrator, Application Administrator, or owner of the service principal.",
    deadline: "None.",
    avoid: "Do not set Assignment required to No on the application that provisions, without looking at its scope: the scope \
        may then be everybody.",
    heals: "The next look clears it.",
    otherwise: "A group that was deleted takes its assignment with it: look for the group first.",
    pages: &[ASSIGN, PROPERTIES],
};
