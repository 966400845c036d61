//! Runbooks: the operator's own application in the tenant, and whether it is the right tenant.

use super::{
    Runbook,
    page::{CLOUDS, CONDITIONAL_ACCESS, CONTINUOUS_ACCESS, ERROR_CODES, GRANT_CONSENT, PERMISSIONS},
};

const BLIND: &str = "Nothing in Webex. The operator is blind: what happens in the tenant from now on is not told, and the last verdict \
    is withdrawn when it is too old.";

const OBSERVED: &str =
    "kubectl get wai -n NAMESPACE NAME -o jsonpath='{.status.conditions[?(@.type==\"Observed\")].message}'";

const TENANT: &str =
    "kubectl get wai -n NAMESPACE NAME -o jsonpath='{.spec.tenantId} {.spec.cloud} {.spec.credentials.clientId}'";

const OWN_PRINCIPAL: &str = r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/servicePrincipals(appId='CLIENT-ID')?\$select=id,displayName,accountEnabled,appRoleAssignmentRequired""#;

const SIGN_INS: &str = r#"az rest --method GET --url "https://graph.microsoft.com/beta/auditLogs/signIns?\$filter=signInEventTypes/any(t: t eq 'servicePrincipal') and appId eq 'CLIENT-ID'&\$top=5""#;

const NO_DEADLINE: &str = "None; but the verdict is as old as the last complete look, `status.lastObservedTime`.";

const HEALS: &str =
    "The next look clears it; while it fails, that is tried with growing pauses of at most the interval.";

pub(super) const OPERATOR_APP_NOT_CONSENTED: Runbook = Runbook {
    happened: "The operator's own application is unknown in the tenant, switched off there, not assigned though assignment is required, \
        or nobody consented to it.",
    breaks: BLIND,
    tell: "The message tells which, with the AADSTS number. Entra admin center > Enterprise applications finds the application by the \
        clientId, or does not.",
    reads: &[OBSERVED, TENANT, OWN_PRINCIPAL],
    steps: &[
        "Check that `spec.tenantId` and `spec.credentials.clientId` belong together.",
        "Unknown: an administrator of the tenant adds the application by granting it consent: `webex-azure-operator consent-url --tenant \
         TENANT-ID --app-id CLIENT-ID`.",
        "Switched off: ask why, then Enterprise applications > the application > Properties > Enabled for users to sign-in: Yes.",
        "Not assigned: set Assignment required to No there, or assign it.",
    ],
    role: "Privileged Role Administrator to consent; Cloud Application Administrator to switch on.",
    deadline: NO_DEADLINE,
    avoid: "Do not grant it more than reading: Application.Read.All, Synchronization.Read.All, AuditLog.Read.All and, for delegated \
        permissions, Directory.Read.All.",
    heals: HEALS,
    otherwise: "The same clean-up that removed a Webex application may have removed this one: look at the audit log for both.",
    pages: &[GRANT_CONSENT, ERROR_CODES],
};

pub(super) const TENANT_NOT_FOUND: Runbook = Runbook {
    happened: "Microsoft Entra does not know this tenant in this cloud.",
    breaks: BLIND,
    tell: "The public configuration document of a tenant is there, or is not.",
    reads: &[TENANT, "curl -s https://login.microsoftonline.com/TENANT-ID/v2.0/.well-known/openid-configuration"],
    steps: &[
        "Compare `spec.tenantId` with Entra admin center > Overview.",
        "Compare `spec.cloud`: a tenant of GCC High or 21Vianet is not found in Global.",
        "Both are immutable: create the object anew with the right ones.",
    ],
    role: "Whoever may edit the object.",
    deadline: "None.",
    avoid: "Do not write the Webex organization ID there; that is `spec.organizationId`.",
    heals: "The new object does.",
    otherwise: "A tenant that was deleted, or a trial that ended, is not found either.",
    pages: &[CLOUDS, ERROR_CODES],
};

pub(super) const TENANT_NOT_ALLOWED: Runbook = Runbook {
    happened: "The token was for another tenant or application than declared, so it was not used; or the object asked for the \
        operator's own identity, which nobody allowed it for this tenant.",
    breaks: BLIND,
    tell: "The message tells which.",
    reads: &[OBSERVED, TENANT],
    steps: &[
        "Check `spec.tenantId` and `spec.credentials.clientId`.",
        "Operator identity: whoever runs the operator allows the pair with `--allow-operator-identity NAMESPACE=TENANT-ID`.",
        "Or use a credential of your own.",
    ],
    role: "Whoever may edit the object; whoever installs the operator, for the flag.",
    deadline: NO_DEADLINE,
    avoid: "Do not allow a whole cluster the operator's identity to get one namespace going.",
    heals: HEALS,
    otherwise: "A proxy that answers for the token endpoint may hand out somebody else's token; then there is more to look into.",
    pages: &[ERROR_CODES],
};

pub(super) const WRONG_CLOUD: Runbook = Runbook {
    happened: "The tenant, or the operator's own identity, belongs to another Microsoft cloud than `spec.cloud` says. No question was \
        sent to Microsoft Graph.",
    breaks: BLIND,
    tell: "The public configuration document of the tenant names its cloud.",
    reads: &[
        TENANT,
        "curl -s https://login.microsoftonline.com/TENANT-ID/v2.0/.well-known/openid-configuration | jq .tenant_region_scope,.cloud_instance_name",
    ],
    steps: &[
        "Find out the cloud: Global and GCC, US Government (GCC High), US Government DoD, or China (21Vianet).",
        "`spec.cloud` is immutable: create the object anew, with `spec.identityIntegration.appId` where the cloud is not Global.",
    ],
    role: "Whoever may edit the object.",
    deadline: "None.",
    avoid: "Do not point the operator at another host; only `spec.cloud` chooses hosts.",
    heals: "The new object does.",
    otherwise: "GCC is in Global, GCC High is not; the names are easily mistaken.",
    pages: &[CLOUDS],
};

pub(super) const CONDITIONAL_ACCESS_BLOCKED: Runbook = Runbook {
    happened: "A Conditional Access policy for workload identities keeps the operator's own application out, most often because it signs \
        in from an address that is not allowed.",
    breaks: BLIND,
    tell: "Entra admin center > Sign-in logs > Service principal sign-ins: the attempt's Conditional Access tab names the policy.",
    reads: &[OBSERVED, SIGN_INS],
    steps: &[
        "Find the policy in the sign-in log.",
        "Add the addresses that the cluster leaves from to the named location, or exclude the operator's application.",
    ],
    role: "Conditional Access Administrator to change; Security Reader to find it.",
    deadline: NO_DEADLINE,
    avoid: "Do not switch the policy off for everything.",
    heals: HEALS,
    otherwise: "Such policies reach only applications that are registered in the tenant; they do not keep Cisco's out.",
    pages: &[CONDITIONAL_ACCESS],
};

pub(super) const CLAIMS_CHALLENGE: Runbook = Runbook {
    happened: "Microsoft Graph asked the operator's application to sign in anew, with other claims, and did not take the new token either: \
        its sessions were revoked, or its risk was raised.",
    breaks: BLIND,
    tell: "Entra admin center > Sign-in logs > Service principal sign-ins, and Identity Protection > Risky workload identities.",
    reads: &[OBSERVED, SIGN_INS],
    steps: &[
        "Ask the security team whether the application was marked as risky or its sessions revoked.",
        "If its credential leaked, replace it before anything else.",
        "Let them confirm it safe; then the next token is taken.",
    ],
    role: "Security Administrator for the risk; owner of the operator's own application for the credential.",
    deadline: NO_DEADLINE,
    avoid: "Do not dismiss the risk before somebody has looked at the sign-ins.",
    heals: HEALS,
    otherwise: "An address that changed within a token's life causes it too, and passes with the next token.",
    pages: &[CONTINUOUS_ACCESS],
};

pub(super) const PERMISSION_MISSING: Runbook = Runbook {
    happened: "The operator's own application lacks an application permission of Microsoft Graph that this object's declaration needs.",
    breaks: "Nothing in Webex. What cannot be read stays unknown; everything else is judged.",
    tell: "The message names each permission and what it is for. `webex-azure-operator plan -f FILE --explain` lists what the token has, \
        lacks and does not need.",
    reads: &[
        OBSERVED,
        r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/servicePrincipals(appId='CLIENT-ID')/appRoleAssignments""#,
    ],
    steps: &[
        "App registrations > the operator's application > API permissions > Add a permission > Microsoft Graph > Application \
         permissions: add those that the message names.",
        "Grant admin consent there.",
        "Or declare less: `provisioning.required: false`, or no delegated permissions.",
    ],
    role: "Privileged Role Administrator to consent.",
    deadline: NO_DEADLINE,
    avoid: "Do not add delegated permissions: the operator signs in without a user. Do not grant writing.",
    heals: "The next look clears it: after a refusal the operator asks for a new token, and a grant is only in tokens that are newer than it.",
    otherwise: "A licence can be lacking rather than a permission; for the audit log the operator says so and goes on without it.",
    pages: &[PERMISSIONS, GRANT_CONSENT],
};
