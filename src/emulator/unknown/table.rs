//! The questions, in the order in which they matter to someone whose application was deleted.

use super::{Setting, Unknown};

const fn setting(value: &'static str, meaning: &'static str) -> Setting {
    Setting { value, meaning }
}

/// Everything that nobody outside Microsoft knows and that the emulator has a knob for.
pub const UNKNOWNS: &[Unknown] = &[
    Unknown {
        knob: "grantsSurviveRestore",
        question: "Are the granted permissions back after a service principal is restored?",
        known: "A restored object keeps its object ID and [\"all properties\"](https://learn.microsoft.com/entra/architecture/recover-from-deletions). App role assignments and delegated grants are relationships, and no page mentions them.",
        settings: &[
            setting("true", "shows all assignments and grants again"),
            setting("false", "has dropped them; consent has to be given again"),
        ],
        settle: "after somebody restored a service principal, `GET /servicePrincipals/{id}/appRoleAssignments` and `GET /oauth2PermissionGrants?$filter=clientId eq '{id}'`.",
        test: "permissions_are_back_or_gone_after_a_restore",
    },
    Unknown {
        knob: "restoreNeedsDirectoryRole",
        question: "Does an application need a directory role to restore a service principal?",
        known: "The [reference page](https://learn.microsoft.com/graph/api/directory-deleteditems-restore) asks for Application.ReadWrite.All. Its version of 2023 asked the calling application for a directory role as well; newer text speaks of delegated calls only.",
        settings: &[
            setting(
                "false",
                "restores for whoever has Application.ReadWrite.All, or owns the object with Application.ReadWrite.OwnedBy",
            ),
            setting("true", "answers applications with 403; people with the role may restore"),
        ],
        settle: "`GET /auditLogs/directoryAudits?$filter=targetResources/any(t: t/id eq '{object id}')` after a restore by an application whose service principal has no directory role: `initiatedBy.app` names it.",
        test: "an_application_restores_or_is_refused",
    },
    Unknown {
        knob: "restoreActivity",
        question: "What does the audit log call the restore of a service principal?",
        known: "The [audit activity reference](https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities) names \"Restore service principal\"; no published record shows one.",
        settings: &[
            setting("\"RestoreServicePrincipal\"", "records \"Restore service principal\""),
            setting("\"UpdateServicePrincipal\"", "records it as \"Update service principal\", as other changes"),
        ],
        settle: "`GET /auditLogs/directoryAudits?$filter=targetResources/any(t: t/id eq '{object id}')` after a restore.",
        test: "a_restore_is_recorded_under_either_name",
    },
    Unknown {
        knob: "applicationRestoreRestoresPrincipal",
        question: "Does restoring an application registration restore its service principal?",
        known: "The [portal](https://learn.microsoft.com/entra/identity/enterprise-apps/restore-application) is documented to do both; the Graph page names one object.",
        settings: &[
            setting("false", "restores the registration alone"),
            setting("true", "restores the service principal with it, if none has taken its place"),
        ],
        settle: "`GET /servicePrincipals(appId='{appId}')` after a restore of the registration through Microsoft Graph.",
        test: "restoring_a_registration_restores_its_principal_or_not",
    },
    Unknown {
        knob: "deletedItemsLag",
        question: "How soon after a deletion do the deleted items list it?",
        known: "[Reads may lag behind writes](https://learn.microsoft.com/graph/best-practices-concept#handling-expected-errors); the list with `$filter` is answered from an index, and no page says how old that may be.",
        settings: &[
            setting("\"PT0S\"", "lists it as soon as the object itself is gone"),
            setting("\"PT90S\"", "lists it a minute and a half later"),
        ],
        settle: "`GET /directory/deletedItems/microsoft.graph.servicePrincipal?$filter=appId eq '{appId}'`, repeated right after a deletion.",
        test: "deleted_items_list_an_object_at_once_or_late",
    },
    Unknown {
        knob: "foreignPrincipalsShowIsDisabled",
        question: "Does `isDisabled` show on service principals in other tenants?",
        known: "When a publisher [deactivates its application](https://learn.microsoft.com/entra/identity/enterprise-apps/deactivate-app-registration), it is off in every tenant, and the metadata declares `isDisabled` on service principals. No page says that a tenant other than the publisher's sees it there.",
        settings: &[
            setting("true", "shows it on every service principal of the application"),
            setting("false", "shows it on service principals of the publisher's own tenant only"),
        ],
        settle: "`GET /servicePrincipals(appId='{appId}')?$select=isDisabled,appOwnerOrganizationId` of an application that its publisher deactivated.",
        test: "a_deactivation_shows_in_other_tenants_or_not",
    },
    Unknown {
        knob: "undecidedPermissionsAreDelegated",
        question: "Of which kind are Group.Read.All, Place.Read.All and User.Read.All of Cisco's application?",
        known: "The consent dialog published with [the incident](https://www.cisco.com/c/en/us/support/docs/conferencing/webex-control-hub/220476-clear-azure-ad-integration-error-reques.html) shows texts that both kinds have in common.",
        settings: &[
            setting("false", "asks for them, and grants them, as application permissions"),
            setting("true", "asks for them, and grants them, as delegated permissions"),
        ],
        settle: "`GET /servicePrincipals(appId='90db942a-c1eb-4e8d-82e4-eebf64a7e2ae')/appRoleAssignments` and `…/oauth2PermissionGrants`; `plan` asks both.",
        test: "three_permissions_are_of_one_kind_or_the_other",
    },
    Unknown {
        knob: "delegatedPermissionGrantReadAllSuffices",
        question: "Does DelegatedPermissionGrant.Read.All read delegated grants?",
        known: "The permission [exists](https://learn.microsoft.com/graph/permissions-reference); the [pages of the endpoints](https://learn.microsoft.com/graph/api/oauth2permissiongrant-list) do not list it.",
        settings: &[setting("false", "answers 403 to whoever has only that"), setting("true", "answers")],
        settle: "`GET /oauth2PermissionGrants?$top=1` with a token whose only role is DelegatedPermissionGrant.Read.All.",
        test: "the_narrow_permission_reads_grants_or_is_refused",
    },
    Unknown {
        knob: "consentRevokesUnlisted",
        question: "Does consenting again revoke what the manifest does not list?",
        known: "[Documented](https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent) as something that can happen to tenant-wide permissions.",
        settings: &[
            setting("false", "leaves other permissions alone"),
            setting("true", "revokes tenant-wide permissions outside of the manifest"),
        ],
        settle: "`plan` before and after somebody consents again.",
        test: "consent_keeps_or_revokes_what_is_not_listed",
    },
    Unknown {
        knob: "wizardAppHasCreatedByAppId",
        question: "Does the application that Control Hub's wizard makes carry `createdByAppId`?",
        known: "The metadata declares it on applications and service principals; whether Cisco's wizard acts as the integration, so that its appId stands there, is not published.",
        settings: &[setting("true", "shows the integration's appId there"), setting("false", "shows null")],
        settle: "`GET /servicePrincipals?$filter=startswith(displayName,'Cisco Webex Identity')&$select=appId,createdByAppId`.",
        test: "the_wizards_application_names_its_maker_or_not",
    },
    Unknown {
        knob: "ownedObjectsShowDeleted",
        question: "Does `ownedObjects` go on listing what was deleted?",
        known: "[The page](https://learn.microsoft.com/graph/api/serviceprincipal-list-ownedobjects) lists directory objects and says nothing of deleted ones.",
        settings: &[
            setting("false", "lists live objects only"),
            setting("true", "lists soft-deleted objects as well, with their `deletedDateTime`"),
        ],
        settle: "`GET /servicePrincipals/{id}/ownedObjects` of an owner, after something that it owns was deleted.",
        test: "owned_objects_end_with_their_deletion_or_not",
    },
    Unknown {
        knob: "jobChangesTarget",
        question: "Which object do audit records about a provisioning job name?",
        known: "The [audit activity reference](https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities) names the activities; no published record shows a target.",
        settings: &[
            setting("\"servicePrincipal\"", "names the service principal that the job belongs to"),
            setting("\"job\"", "names the job by its id"),
        ],
        settle: "`GET /auditLogs/directoryAudits?$filter=loggedByService eq 'Account Provisioning'` after somebody stopped or started provisioning.",
        test: "changes_of_jobs_name_the_principal_or_the_job",
    },
    Unknown {
        knob: "duplicateIsConflict",
        question: "Is a permission that is granted twice refused with 400 or with 409?",
        known: "Public reports have 400 Request_BadRequest for assignments and both 400 and Request_MultipleObjectsWithSameKeyValue for grants.",
        settings: &[
            setting("false", "answers 400 Request_BadRequest"),
            setting("true", "answers 409 Request_MultipleObjectsWithSameKeyValue"),
        ],
        settle: "no read shows it; the log of any tool whose POST was refused does.",
        test: "a_second_grant_is_a_bad_request_or_a_conflict",
    },
    Unknown {
        knob: "refuseUnknownSelect",
        question: "Is an undeclared name in `$select` an error?",
        known: "The types are open, so the service may as well ignore it; OData would refuse it on a closed type.",
        settings: &[setting("true", "answers 400"), setting("false", "leaves it out")],
        settle: "`GET /servicePrincipals?$top=1&$select=id,noSuchProperty`.",
        test: "an_undeclared_name_is_refused_or_ignored",
    },
    Unknown {
        knob: "challengeBatchItems",
        question: "Is a batch with a revoked token answered item by item?",
        known: "The [claims challenge](https://learn.microsoft.com/entra/identity-platform/claims-challenge) is documented for single requests.",
        settings: &[
            setting("false", "refuses the batch as a whole with 401"),
            setting("true", "answers the batch, with the challenge in each item"),
        ],
        settle: "`POST /$batch` of reads with a token that was revoked while it is valid.",
        test: "a_revoked_batch_is_refused_whole_or_by_item",
    },
    Unknown {
        knob: "challengeNeedsCapability",
        question: "Are clients challenged that never declared the capability `cp1`?",
        known: "[Documented](https://learn.microsoft.com/entra/identity-platform/claims-challenge#how-to-communicate-client-capabilities-to-microsoft-entra-id) not to be. The default challenges every client, so that none escapes the test by not declaring it.",
        settings: &[
            setting("false", "challenges every client"),
            setting("true", "lets the tokens of others live until they expire"),
        ],
        settle: "`GET /servicePrincipals?$top=1` with a token without `xms_cc` whose principal was revoked.",
        test: "clients_without_the_capability_are_challenged_or_not",
    },
    Unknown {
        knob: "federationMismatchIsOneError",
        question: "Which numbers tell that a federated assertion does not match?",
        known: "70021 for everything until 2023; since then reports have 700211, 700212 and 700213 for issuer, audience and subject.",
        settings: &[
            setting("false", "answers a number for each part"),
            setting("true", "answers 70021 for all of them"),
        ],
        settle: "sign in once with a ServiceAccount that has no federated credential; `plan --explain` shows the number.",
        test: "a_mismatch_has_one_number_or_three",
    },
];
