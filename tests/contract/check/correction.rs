//! Where the published description is not taken literally, each with its reason. Nothing is changed silently: the
//! description counts how often each was needed, and one that is needed no more fails a test.

/// A deviation from the published description, or a rule that the description leaves to the OData standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Correction {
    /// What is done.
    pub what: &'static str,
    /// Why that is right.
    pub why: &'static str,
}

const fn because(what: &'static str, why: &'static str) -> Correction {
    Correction { what, why }
}

pub const TYPE_NOT_REQUIRED: Correction = because(
    "`@odata.type` is required nowhere",
    "the description requires it of every type; answers with minimal metadata have it only where the type cannot be inferred (OData JSON Format 4.01, 4.6.3)",
);
pub const TYPE_IS_ITS_OWN: Correction = because(
    "`@odata.type` names the type itself, or the derived type whose properties then apply",
    "the description says `string`; OData JSON Format 4.01, 4.6.3",
);
pub const NULLABLE_IS_NULL: Correction = because(
    "`anyOf: [X, {type: object, nullable: true}]` is X or null",
    "the second branch accepts any object, so that X would never be checked",
);
pub const CLOSED: Correction = because(
    "an object has no other keys than those declared, and control information",
    "a key that nobody declared is a misreading of the documentation; the description leaves all objects open",
);
pub const NO_BAG: Correction = because(
    "`additionalProperties: {type: object}` of functions' answers is left out",
    "it is put there by the generator and would let any key pass whose value is an object",
);
pub const ZONELESS_DATE: Correction =
    because("`innerError.date` may have no zone", "documented errors have none: 2025-02-13T10:17:06");
pub const OPEN_NAMES: Correction = because(
    "some names that v1.0 does not declare are allowed: see OPEN",
    "documented answers show them; servicePrincipal is an open type",
);
pub const NAVIGATION: Correction = because(
    "a navigation property is there only under `$expand`",
    "OData JSON Format 4.01, 8; the description declares them like any other property",
);
pub const CONTAINED: Correction = because(
    "synchronizationSchema has its `directories` without `$expand`",
    "https://learn.microsoft.com/graph/api/synchronization-synchronizationschema-get shows them",
);
pub const FLAGS: Correction = because(
    "a value of an enumeration of flags is one member or several with commas",
    "OData JSON Format 4.01, 7.1; the description lists the members only",
);
pub const INTEGERS: Correction = because(
    "`number` of format int32 or int64 is a whole number in its range",
    "JSON Schema does not check the format of numbers",
);
pub const BINARY: Correction = because(
    "`base64url` has the letters of both alphabets",
    "Edm.Binary is base64url by the standard, and documented key identifiers are written in the older alphabet too",
);
pub const DURATION: Correction = because(
    "`duration` is checked by its pattern alone",
    "Edm.Duration has fractions of seconds, which ISO 8601 as JSON Schema knows it has not",
);
pub const LIST_HAS_VALUE: Correction =
    because("a list has `value`", "OData JSON Format 4.01, 12; the description requires nothing of lists");
pub const TYPES_OUTSIDE: Correction = because(
    "objects of a type that the file does not have are checked as their base type and otherwise open: see OUTSIDE_TYPES",
    "users and groups are not in this subset",
);

pub const WHOLE: Correction = because(
    "values of some complex types have all their properties: see COMPLETE",
    "OData JSON Format 4.01, 6: a complex value is shown whole; so do the resource pages, while the description requires nothing",
);

/// All of them.
pub const CORRECTIONS: [Correction; 16] = [
    TYPE_NOT_REQUIRED,
    TYPE_IS_ITS_OWN,
    NULLABLE_IS_NULL,
    CLOSED,
    NO_BAG,
    ZONELESS_DATE,
    OPEN_NAMES,
    NAVIGATION,
    CONTAINED,
    FLAGS,
    INTEGERS,
    BINARY,
    DURATION,
    LIST_HAS_VALUE,
    TYPES_OUTSIDE,
    WHOLE,
];

/// Complex types whose values are whole. Not all are listed: pages shorten the larger ones.
pub const COMPLETE: [&str; 8] = [
    "microsoft.graph.appIdentity",
    "microsoft.graph.informationalUrl",
    "microsoft.graph.modifiedProperty",
    "microsoft.graph.stringKeyLongValuePair",
    "microsoft.graph.stringKeyStringValuePair",
    "microsoft.graph.synchronizationSchedule",
    "microsoft.graph.synchronizationTaskExecution",
    "microsoft.graph.verifiedPublisher",
];

/// Undeclared names in documented answers: type and names.
pub const OPEN: [(&str, &[&str]); 4] = [
    (
        "microsoft.graph.servicePrincipal",
        &[
            "api",
            "errorUrl",
            "preferredTokenSigningKeyEndDateTime",
            "publishedPermissionScopes",
            "publisherName",
            "samlMetadataUrl",
        ],
    ),
    // https://learn.microsoft.com/graph/api/directoryaudit-list shows them of whoever did it.
    ("microsoft.graph.userIdentity", &["homeTenantId", "homeTenantName", "userType"]),
    // An open type without properties of its own: https://learn.microsoft.com/graph/api/provisioningobjectsummary-list
    (
        "microsoft.graph.detailsInfo",
        &["ApplicationId", "ReportableIdentifier", "ServicePrincipalDisplayName", "ServicePrincipalId"],
    ),
    // The page of one operation calls `createdDateTime` so.
    ("microsoft.graph.appRoleAssignment", &["creationTimestamp"]),
];

/// Types of directory objects that are not in the file.
pub const OUTSIDE_TYPES: [&str; 5] = [
    "#microsoft.graph.user",
    "#microsoft.graph.group",
    "#microsoft.graph.device",
    "#microsoft.graph.directoryRole",
    "#microsoft.graph.administrativeUnit",
];
