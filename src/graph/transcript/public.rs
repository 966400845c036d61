//! What may stand in a transcript as it is: names and ids that Microsoft or Cisco published, the same in every tenant.
//!
//! A list of what is known, not of what is secret: whatever is not here is replaced. Property names are those of the
//! metadata of Microsoft Graph v1.0 (<https://graph.microsoft.com/v1.0/$metadata>) for the types that a look meets.

/// Ids that are the same in every tenant.
const IDS: [u128; 51] = [
    // No app role in particular: the default access to an application.
    // <https://learn.microsoft.com/en-us/graph/api/resources/approleassignment>
    0,
    // Applications: Microsoft Graph, "Cisco Webex Identity Integration"; and the tenant that owns Microsoft's own.
    0x0000_0003_0000_0000_c000_0000_0000_0000,
    0x90db_942a_c1eb_4e8d_82e4_eebf_64a7_e2ae,
    0xf8cd_ef31_a31e_4b4a_93e4_5f57_1e91_255a,
    // Permissions of Microsoft Graph: application, then delegated, in the order of PERMISSIONS.
    // <https://learn.microsoft.com/en-us/graph/permissions-reference>
    0x5b56_7255_7703_4780_807c_7be8_301a_e99b,
    0x913b_9306_0ce1_42b8_9137_6a7d_f690_a760,
    0xdf02_1288_bdef_4463_88db_98f2_2de8_9214,
    0xb0af_ded3_3588_46d8_8b3d_9842_eff7_78da,
    0x18a4_783c_866b_4cc7_a460_3d5e_5662_c884,
    0x9883_0695_27a2_44f7_8c18_0c3e_bc96_98f6,
    0xdbb9_058a_0e50_45d7_ae91_6690_9b5d_4664,
    0x9a5d_68dd_52b0_4cc2_bd40_abcf_44ac_3a30,
    0x7ab1_d382_f21e_4acd_a863_ba3e_13f7_da61,
    0x81b4_724a_58aa_41c1_8a55_84ef_9746_6587,
    0x5ba4_3d2f_fa88_4db2_bd1c_a67c_5f0f_b1ce,
    0x0919_37d3_3e38_47a1_8649_b2f9_9d30_35f1,
    0x4984_76ce_e0fe_48b0_b801_37ba_7e26_85c6,
    0x1bfe_fb4e_e0b5_418b_a88f_73c4_6d2c_c8e9,
    0x8e8e_4742_1d95_4f68_9d56_6ee7_5648_c72a,
    0x06b7_08a9_e830_4db3_a914_8e69_da51_d44f,
    0x9b50_c33d_700f_43b1_b2eb_87e8_9b70_3581,
    0x19db_c75e_c2e2_444c_a770_ec69_d855_9fc7,
    0xcac8_8765_0581_4025_9725_5ebc_13f7_29ee,
    0x246d_d0d5_5bd0_4def_940b_0421_030a_5b68,
    0xe1fe_6dd8_ba31_4d61_89e7_8863_9da4_683d,
    0x5f8c_59db_677d_491f_a6b8_5f17_4b11_ec1d,
    0xcb8f_45a0_5c2e_4ea1_b803_84b8_70a7_d7ec,
    0xa154_be20_db9c_4678_8ab7_66f6_cc09_9a59,
    0xe4c9_e354_4dc5_45b8_9e7c_e139_3b0b_1a20,
    0xbc02_4368_1153_4739_b217_4326_f2e9_66d0,
    0x2f9e_e017_59c1_4f1d_9472_bd55_29a7_b311,
    0xc79f_8feb_a9db_4090_85f9_90d8_20ca_a0eb,
    0x06da_0dbc_49e2_44d2_8312_53f1_66ab_848a,
    0xa197_cdc4_a8e8_4d49_9d35_4ca7_c838_87b4,
    0x7aa0_2aeb_824f_4fbe_a3f7_611f_751f_5b55,
    0x95ae_c97b_cf27_4a8d_a67d_42f6_0b5b_38ef,
    0x4908_d5b9_3fb2_4b1e_9336_1888_b793_7185,
    0xbdfb_f15f_ee85_4955_8675_146e_8e52_96b5,
    0x41ce_6ca6_6826_4807_84f1_1c82_854f_7ee5,
    0x84bc_cea3_f856_4a8a_967b_dbe0_a3d5_3a64,
    0x7bb2_7fa3_ea8f_4d67_a916_8771_5b61_88bd,
    0xc536_6453_9fb0_48a5_a156_24f0_c49a_4b84,
    0x37f7_f235_527c_4136_accd_4a02_d197_296e,
    0x14da_d69e_099b_42c9_810b_d002_981f_eec1,
    0x7427_e0e9_2fba_42fe_b0c0_848c_9e6a_8182,
    0x64a6_cdd6_aab1_4aaf_94b8_3cc8_405e_90d0,
    0x8159_4d25_e88e_49cf_ac8c_fecb_ff49_f994,
    0x572f_ea84_0151_49b2_9301_11cb_1697_4376,
    // The tenants of people with a personal account and of Microsoft itself.
    // <https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference>
    0x9188_040d_6c67_4c5b_b112_36a3_04b6_6dad,
    0x72f9_88bf_86f1_41af_91ab_2d7c_d011_db47,
    // The template of an application that is in no gallery.
    // <https://learn.microsoft.com/en-us/graph/application-saml-sso-configure-api>
    0x8adf_8e6e_67b2_4cf2_a259_e3dc_5476_c621,
];

/// Permissions of Microsoft Graph that a look may meet.
const PERMISSIONS: [&str; 33] = [
    "User.Read",
    "Group.Read.All",
    "Place.Read.All",
    "User.Read.All",
    "AuditLog.Read.All",
    "Application.ReadWrite.OwnedBy",
    "GroupMember.Read.All",
    "Domain.Read.All",
    "Application.Read.All",
    "Directory.Read.All",
    "DelegatedPermissionGrant.Read.All",
    "Synchronization.Read.All",
    "ProvisioningLog.Read.All",
    "Organization.Read.All",
    "Application.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Synchronization.ReadWrite.All",
    "Directory.ReadWrite.All",
    "CrossTenantInformation.ReadBasic.All",
    "Policy.Read.All",
    "openid",
    "profile",
    "offline_access",
    "email",
    "Calendars.Read",
    "Calendars.ReadWrite",
    "Calendars.ReadBasic.All",
    "MailboxSettings.Read",
    "User.ReadBasic.All",
    "User.ReadWrite.All",
    "Group.ReadWrite.All",
    "OnlineMeetings.Read.All",
];

/// Texts that are the same in every tenant, wherever they stand.
const TEXTS: [&str; 31] = [
    "Bearer",
    "Cisco Webex Identity",
    "Cisco Webex Identity Integration",
    "Microsoft Graph",
    // Names of applications in an object that the operator gives.
    "identity",
    "identity-integration",
    // Properties as records of the audit log name them.
    // <https://learn.microsoft.com/en-us/entra/identity/monitoring-health/reference-audit-activities>
    "AccountEnabled",
    "IsDisabled",
    "AppRoleAssignmentRequired",
    "AppRole.Id",
    "AppRole.Value",
    "AppRole.DisplayName",
    "ServicePrincipal.ObjectID",
    "ServicePrincipal.AppId",
    "ServicePrincipal.DisplayName",
    "DelegatedPermissionGrant.Scope",
    "DelegatedPermissionGrant.ConsentType",
    "ConsentAction.Permissions",
    "TargetId.ServicePrincipalNames",
    "Included Updated Properties",
    // Where Microsoft Graph itself says how it answers.
    "application/json",
    "app",
    "1.0",
    "2.0",
    "cp1",
    "insufficient_claims",
    "invalid_token",
    "client_credentials",
    "client_secret",
    "client_assertion",
    "GET",
];

/// Values of properties that are enumerations, as the metadata declares them or the reference names them.
const ENUMERATIONS: [(&str, &[&str]); 19] = [
    ("consentType", &["AllPrincipals", "Principal"]),
    (
        "disabledByMicrosoftStatus",
        &["NotDisabled", "DisabledSuspiciousAbusiveOrMaliciousActivity", "DisabledDueToViolationOfServicesAgreement"],
    ),
    ("servicePrincipalType", &["Application", "Legacy", "ManagedIdentity", "SocialIdp"]),
    (
        "signInAudience",
        &["AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"],
    ),
    ("principalType", &["User", "Group", "ServicePrincipal"]),
    ("allowedMemberTypes", &["User", "Application"]),
    // Credentials of a service principal.
    ("usage", &["Sign", "Verify"]),
    ("type", &["AsymmetricX509Cert", "X509CertAndPassword", "Symmetric"]),
    // Provisioning jobs.
    ("templateId", &["scim", "CiscoWebex"]),
    ("state", &["Active", "Disabled", "Paused", "Succeeded", "Failed", "EntryLevelErrors"]),
    ("code", &["NotConfigured", "NotRun", "Active", "Paused", "Quarantine"]),
    (
        "reason",
        &[
            "EncounteredBaseEscrowThreshold",
            "EncounteredTotalEscrowThreshold",
            "EncounteredEscrowProportionThreshold",
            "EncounteredQuarantineException",
            "Unknown",
            "QuarantinedOnDemand",
            "TooManyDeletes",
            "IngestionInterrupted",
        ],
    ),
    // Records of the audit log.
    ("result", &["success", "failure", "timeout", "unknownFutureValue"]),
    ("loggedByService", &["Core Directory", "Account Provisioning"]),
    (
        "activityDisplayName",
        &[
            "Add service principal",
            "Remove service principal",
            "Hard delete service principal",
            "Restore service principal",
            "Update service principal",
            "Update application",
            "Delete application",
            "Consent to application",
            "Add app role assignment to service principal",
            "Remove app role assignment from service principal",
            "Add delegated permission grant",
            "Remove delegated permission grant",
        ],
    ),
    ("origin", &["Application", "ServicePrincipal"]),
    ("type", &["User", "Admin", "Role", "Scope"]),
    // Parts of the header, and the whole header.
    // <https://learn.microsoft.com/en-us/graph/throttling>
    ("x-ms-throttle-scope", &["User", "Application", "Tenant", "Tenant_Application", "Read", "Write", "ReadWrite"]),
    ("x-ms-throttle-information", &["CPULimitExceeded", "WriteLimitExceeded", "ResourceUnitLimitExceeded"]),
];

/// Properties whose numbers mean something to the one who asks.
const NUMBERS: [&str; 7] = [
    "status",
    "expires_in",
    "ext_expires_in",
    "error_codes",
    "@odata.count",
    "countSuccessiveCompleteFailures",
    "seriesCount",
];

/// Properties that count people and groups: of them stays whether there are any.
const COUNTS: [&str; 4] = ["value", "countEntitled", "countEscrowed", "countImported"];

/// Names of properties, of parts of addresses and of operators in filters.
const NAMES: &str = "
@odata.context @odata.count @odata.id @odata.nextLink @odata.type accountEnabled addIns addedDateTime
adminConsentDescription adminConsentDisplayName allowedMemberTypes alternativeNames api appDescription appDisplayName
appId appOwnerOrganizationId appRoleAssignedTo appRoleAssignmentRequired appRoleAssignments appRoleId appRoles
applicationTemplateId authenticationBehaviors certification claimsMappingPolicies clientId consentType createdByAppId
createdDateTime createdObjects customKeyIdentifier customSecurityAttributes defaultRedirectUri
delegatedPermissionClassifications deletedDateTime description disabledByMicrosoftStatus displayName endDateTime endpoints
errorUrl federatedIdentityCredentials groupMembershipClaims hint homeRealmDiscoveryPolicies homepage id identifierUris info
isDeviceOnlyAuthSupported isDisabled isEnabled isFallbackPublicClient key keyCredentials keyId lastActionDateTime loginUrl
logo logoUrl logoutUrl managerApplications marketingUrl memberOf nativeAuthenticationApisEnabled notes
notificationEmailAddresses oauth2PermissionGrants oauth2PermissionScopes oauth2RequirePostResponse operation optionalClaims
origin ownedObjects owners parentalControlSettings passwordCredentials preferredSingleSignOnMode
preferredTokenSigningKeyEndDateTime preferredTokenSigningKeyThumbprint principalDisplayName principalId principalType
privacyStatementUrl properties publicClient publisherDomain publisherName relayState
remoteDesktopSecurityConfiguration replyUrls requestSignatureVerification requiredResourceAccess resourceDisplayName
resourceId resourceSpecificApplicationPermissions samlMetadataUrl samlSingleSignOnSettings scope secretText
serviceManagementReference servicePrincipalLockConfiguration servicePrincipalNames servicePrincipalType signInAudience spa
startDateTime status supportUrl synchronization tags
activityDateTime activityDisplayName additionalDetails activityIdentifier app category correlationId
countEntitled countEntitledForProvisioning countEscrowed countEscrowedRaw countExported countExports countImported
countImportedDeltas countImportedReferenceDeltas countSuccessiveCompleteFailures currentBegan escrowsPruned expiration
groupType initiatedBy interval ipAddress jobs lastExecution lastSuccessfulExecution lastSuccessfulExecutionWithExports
loggedByService modifiedProperties name newValue nextAttempt oldValue operationType progress quarantine reason result
resultReason schedule schema seriesBegan seriesCount servicePrincipalId servicePrincipalName state
steadyStateFirstAchievedTime steadyStateLastAchievedTime synchronizationJobSettings synchronizedEntryCountByType
targetResources templateId tenantActionable timeBegan timeEnded troubleshootingUrl user userPrincipalName userType
homeTenantId homeTenantName auditLogs directoryAudits
termsOfServiceUrl tokenEncryptionKeyId tokenIssuancePolicies
tokenLifetimePolicies transitiveMemberOf type uniqueName usage userConsentDescription userConsentDisplayName value
verifiedPublisher verifiedPublisherId web
error code message details target innerError innererror date request-id client-request-id responses requests headers
body method url access_token token_type expires_in ext_expires_in error_description error_codes timestamp trace_id
correlation_id error_uri suberror claims roles aud iss tid appid azp idtyp ver iat nbf exp essential values acrs xms_cc
capolids id_token xms_rp_ipaddr
ServerInfo DataCenter Slice Ring ScaleUnit RoleInstance
v1.0 v2.0 beta oauth2 token servicePrincipals applications directory deletedItems microsoft.graph.servicePrincipal
microsoft.graph.application graph.servicePrincipal graph.application directoryObjects $batch $metadata $entity $ref $count
common organizations authorize .default
$select $filter $top $skip $skiptoken $deltatoken $expand $orderby $format eq ge and or any t startswith desc true false null
Cisco Webex Identity
principal whole roles grants assigned jobs resource names candidate servicePrincipal application named owned created
";

/// Hosts of Microsoft's clouds.
/// <https://learn.microsoft.com/en-us/graph/deployments>
const HOSTS: [&str; 11] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.chinacloudapi.cn",
    "login.partner.microsoftonline.cn",
    "login.windows.net",
    "sts.windows.net",
    "sts.chinacloudapi.cn",
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
];

/// Words of which error codes and messages of Microsoft Graph and of the token endpoint are made, in small letters. Names
/// of people, companies and things are not among them.
const WORDS: &str = "
a about above access account acquired activity added admin administrator after all allow allowed already also an and
another any api app appid application applications approval are argument as asked assertion assigned assignment at
attempt attribute audience authentication authorization authorized b2c backing bad batch be because been before being
blocked body but by call caller can cannot capacity certificate challenge change check claim claims client code common
complete completed condition conditional configured conflict consent consented contact contain contains content context
continuous correlation could create created credential credentials current data date deactivated default delegated delete
deleted denied deprecated description did different directory disabled do does doesn't domain due duplicate during each
element empty enabled endpoint enforced ensure entry error evaluation exceeded exception exist existing exists expected
expired expires failed failure feature federated federation field filter find for forbidden format found from gateway
generic get grant granted grants graph has have header headers http https id identifier identifiers identity if in
include including incorrect indicates information inner insufficient interaction internal interval into invalid is isn't
issuance issued issuer issues it item its key keys known later lacks length licence license licensed lifetime limit
limited list locked long longer malformed many match matching maximum media member membership method microsoft minimum
missing moment more multi multiple must name named needs new next no non not object objects occurred of on one only
operation or order organization other out overlaps page parameter parse part past perform permission permissions permitted
please queried reference-property policies policy post premium present presented previously principal principals privileges process processed
processing properties property provided publisher query quota range rate read reason received record redirect reference
referenced region registered rejected remote replica replicated request requested requests require required requires
reset resource resources response restore restored result resulted results resync retry revocation revoked role roles
same scope scopes secret security see segment select self server service session set shared should sign signature signed
skip some specified state status still stopped subject subscription such supplied support supported syntax system target
temporarily tenant terms than that the their there therefore this throttled time timed timeout timestamp to token tokens
too trace transient try type unable unauthenticated unauthorized unavailable under unexpected unknown unsupported until
update updated uploaded uri url use used user users using valid validate validated validation value values version via
violation was were when where whether which while will with within without write writes wrong you your
aad aadsts ad azure entra mfa oauth odata openid json jwt saml sts v1 v2 x5t thumbprint
bearer cae idx
";

/// Words of such messages that are written with capital letters, and are nobody's name.
const CAPITALS: &str = "
A Access An Application Authentication Authorization Azure AAD AADSTS Audience AD Bad Client Continuous Correlation Could Directory
Entra Error Evaluation Failed For Graph HTTP ID IDX If Insufficient Internal Invalid It JSON JWT MFA Microsoft Missing More Multiple No
OAuth OData Object One Only Original Permission Please Property Provided Request Requests Resource SAML Scope Server Service Signature STS
Syntax Tenant The There This Timestamp To Token Too Trace URI URL UTC Unable Unauthorized Unexpected Unknown Unsupported
Value Your
";

/// Error codes that are not made of the words above.
/// <https://learn.microsoft.com/en-us/graph/errors>
const CODES: [&str; 4] = [
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
    "Request_MultipleObjectsWithSameKeyValue",
    "InternalServerError",
    "resyncRequired",
];

/// Whether this id is the same in every tenant.
pub fn is_id(id: u128) -> bool {
    IDS.contains(&id)
}

/// Whether this is a permission of Microsoft Graph.
pub fn is_permission(text: &str) -> bool {
    PERMISSIONS.contains(&text)
}

/// Whether this text is the same in every tenant.
pub fn is_text(text: &str) -> bool {
    TEXTS.contains(&text)
}

/// Whether this is a declared value of the property.
pub fn is_member(property: &str, text: &str) -> bool {
    ENUMERATIONS.iter().any(|(name, values)| *name == property && values.contains(&text))
}

/// Whether the numbers of this property may stay.
pub fn is_number(property: &str) -> bool {
    NUMBERS.contains(&property)
}

/// Whether it may be told of the numbers of this property whether there are any.
pub fn is_count(property: &str) -> bool {
    COUNTS.contains(&property)
}

/// Whether this is a duration, such as the pause between cycles of a provisioning job.
pub fn is_duration(text: &str) -> bool {
    text.len() <= 32 && text.starts_with('P') && text.chars().all(|c| c.is_ascii_digit() || "PTDHMS.".contains(c))
}

/// Whether this is the name of a property or a part of an address.
pub fn is_name(text: &str) -> bool {
    NAMES.split_whitespace().any(|name| name == text)
}

/// Whether this host is one of Microsoft's.
pub fn is_host(text: &str) -> bool {
    HOSTS.contains(&text)
}

/// Whether this word of a sentence says nothing of whoever uses it. With a capital letter it may be a name, such as Grant
/// or Will, unless it is known to be none.
pub fn is_word(text: &str) -> bool {
    let mut words = if text.contains(|c: char| c.is_ascii_uppercase()) { CAPITALS } else { WORDS }.split_whitespace();
    words.any(|word| word == text)
}

/// Whether this is an error code: one of the list, or one that is made of words only, such as `Request_BadRequest`.
pub fn is_code(text: &str) -> bool {
    CODES.contains(&text)
        || text
            .split(['_', '.', '-'])
            .all(|part| camel_words(part).iter().all(|word| is_word(&word.to_ascii_lowercase())))
}

/// The words of a name that begins each of them with a capital letter.
fn camel_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if !c.is_ascii_uppercase() => word.push(c),
            Some(_) | None => words.push(c.into()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{catalog, permission::Need};

    #[test]
    fn what_the_client_decides_by_is_public() {
        for code in [
            "Request_ResourceNotFound",
            "Directory_ObjectNotFound",
            "Authorization_RequestDenied",
            "Authorization_IdentityNotFound",
            "InvalidAuthenticationToken",
            "Request_BadRequest",
            "Request_UnsupportedQuery",
            "TooManyRequests",
            "UnknownError",
            "invalid_client",
            "unauthorized_client",
            "invalid_request",
            "invalid_scope",
            "invalid_grant",
            "temporarily_unavailable",
            "server_error",
        ] {
            assert!(is_code(code), "{code}");
        }
        for permission in catalog::identity_integration_permissions() {
            let value = permission.value.unwrap();
            assert!(is_permission(&value), "{}", value);
            if let Some(id) = catalog::app_role(&value) {
                assert!(is_id(id.to_string().parse::<uuid::Uuid>().unwrap().as_u128()), "{}", value);
            }
        }
        for need in Need::ALL {
            assert!(need.openers().iter().all(|opener| is_permission(opener)), "{need:?}");
        }
    }

    #[test]
    fn names_of_people_companies_and_things_are_no_words() {
        for code in ["Contoso_NotFound", "Alice", "Webex", "Request_contoso", "request_2", "NotFound1", "bad request"] {
            assert!(!is_code(code), "{code}");
        }
        for name in ["contoso", "Contoso", "Will", "Grant", "Page", "will's", "GRANT"] {
            assert!(!is_word(name), "{name}");
        }
        assert!(is_word("grant") && is_word("The") && is_word("AADSTS"), "words stay");
    }
}
