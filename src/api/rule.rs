//! The rules of the custom resource that need more than a bound: each as the expression that the API server
//! evaluates and the sentence that a person reads.
//!
//! `validation` holds the same rules in Rust; one table of objects runs through both and must get one answer.

/// A rule of the Common Expression Language and what is said when it does not hold.
#[derive(Debug, Clone, Copy)]
pub struct CelRule {
    /// The expression, in the API server's terms.
    pub expression: &'static str,
    /// The sentence for people, used by the API server and by `plan` alike.
    pub message: &'static str,
}

/// A UUID in its hyphenated form.
pub const UUID_PATTERN: &str = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";

/// A name of ours inside the object: a DNS label.
pub const NAME_PATTERN: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// The value of a permission of Microsoft Graph, such as `Group.Read.All`.
pub const PERMISSION_VALUE_PATTERN: &str = "^[A-Za-z0-9._:/-]+$";

/// A Kubernetes object name: a DNS subdomain.
pub const OBJECT_NAME_PATTERN: &str = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$";

/// A key of a Secret.
pub const SECRET_KEY_PATTERN: &str = "^[-._a-zA-Z0-9]+$";

/// Longest name of an additional application: a DNS label.
pub const NAME_MAX: u32 = 63;
/// Longest name of a Kubernetes object.
pub const OBJECT_NAME_MAX: u32 = 253;
/// Most additional applications; with the two presets a look fits three `$batch` requests of 20 items.
pub const ADDITIONAL_APPLICATIONS_MAX: u32 = 18;
/// Most permissions in one list.
pub const PERMISSIONS_MAX: u32 = 64;
/// Longest permission value: the bound of Microsoft Graph on the `value` of an app role or scope.
pub const PERMISSION_VALUE_MAX: u32 = 120;
/// Longest text of a duration.
pub const DURATION_MAX: u32 = 32;
/// Shortest allowed interval between looks, in seconds.
pub const INTERVAL_MIN_SECONDS: i64 = 30;
/// Longest allowed interval between looks, in seconds.
pub const INTERVAL_MAX_SECONDS: i64 = 24 * 60 * 60;
/// Shortest allowed time between a warning and an end, in seconds.
pub const WARN_BEFORE_MIN_SECONDS: i64 = 60 * 60;
/// Longest allowed time between a warning and an end, in seconds.
pub const WARN_BEFORE_MAX_SECONDS: i64 = 365 * 24 * 60 * 60;

/// `spec.tenantId` stays what it was.
pub const TENANT_IMMUTABLE: CelRule = CelRule {
    expression: "self == oldSelf",
    message: "tenantId cannot be changed; create another WebexAzureIntegration for another tenant",
};

/// `spec.cloud` stays what it was.
pub const CLOUD_IMMUTABLE: CelRule = CelRule {
    expression: "self == oldSelf",
    message: "cloud cannot be changed; create another WebexAzureIntegration for a tenant in another cloud",
};

/// `spec.interval` is a duration of hours, minutes and seconds within its bounds.
pub const INTERVAL: CelRule = CelRule {
    expression: "self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,9})?(s|m|h))+$') && duration(self) >= duration('30s') && duration(self) <= duration('24h')",
    message: "interval must be a duration between 30s and 24h, written in hours, minutes and seconds, such as 5m or 1h30m",
};

/// There is one way to sign in.
pub const ONE_CREDENTIAL: CelRule = CelRule {
    expression: "[has(self.clientSecret), has(self.clientCertificate), has(self.workloadIdentity), has(self.operatorIdentity)].filter(given, given).size() == 1",
    message: "exactly one of clientSecret, clientCertificate, workloadIdentity and operatorIdentity must be given",
};

/// Outside the Global cloud nobody published the application ID of the preset.
pub const PRESET_CLOUD: CelRule = CelRule {
    expression: "self.cloud == 'Global' || !self.identityIntegration.check || has(self.identityIntegration.appId)",
    message: "identityIntegration.appId is needed outside cloud Global, because Cisco's application ID is published for Global only",
};

/// An object that checks nothing would always be in order.
pub const SOMETHING_CHECKED: CelRule = CelRule {
    expression: "self.identityIntegration.check || self.identity.check || (has(self.additionalApplications) && size(self.additionalApplications) > 0)",
    message: "nothing is checked: leave check true for identityIntegration or identity, or list additionalApplications",
};

/// No application appears twice in `spec.additionalApplications`.
pub const UNIQUE_APP_ID: CelRule = CelRule {
    expression: "self.all(a, self.filter(b, b.appId.lowerAscii() == a.appId.lowerAscii()).size() == 1)",
    message: "each appId may appear only once",
};

/// The names of the presets are taken.
pub const RESERVED_NAME: CelRule = CelRule {
    expression: "self.all(a, a.name != 'identity-integration' && a.name != 'identity')",
    message: "the names identity-integration and identity are taken by spec.identityIntegration and spec.identity",
};

/// No additional application repeats a preset's application.
pub const PRESET_NOT_REPEATED: CelRule = CelRule {
    expression: "!has(self.additionalApplications) || self.additionalApplications.all(a, a.appId.lowerAscii() != (has(self.identityIntegration.appId) ? self.identityIntegration.appId.lowerAscii() : '90db942a-c1eb-4e8d-82e4-eebf64a7e2ae') && (!has(self.identity.appId) || a.appId.lowerAscii() != self.identity.appId.lowerAscii()))",
    message: "additionalApplications must not repeat the appId of identityIntegration or identity",
};

/// The two presets are two applications.
pub const PRESETS_DIFFER: CelRule = CelRule {
    expression: "!has(self.identity.appId) || self.identity.appId.lowerAscii() != (has(self.identityIntegration.appId) ? self.identityIntegration.appId.lowerAscii() : '90db942a-c1eb-4e8d-82e4-eebf64a7e2ae')",
    message: "identity.appId is the application ID of \"Cisco Webex Identity Integration\"; \"Cisco Webex Identity\" is the other application and has its own",
};

/// The warning comes a reasonable time before the end.
pub const WARN_BEFORE: CelRule = CelRule {
    expression: "self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,9})?(s|m|h))+$') && duration(self) >= duration('1h') && duration(self) <= duration('8760h')",
    message: "warnBefore must be a duration between 1h and 8760h, written in hours, minutes and seconds, such as 720h",
};

/// A permission is named once.
pub const VALUE_OR_ID: CelRule =
    CelRule { expression: "has(self.value) != has(self.id)", message: "exactly one of value and id must be given" };

/// No permission appears twice in a list.
pub const UNIQUE_PERMISSION: CelRule = CelRule {
    expression: "self.all(a, self.filter(b, (has(a.value) ? has(b.value) && b.value == a.value : has(a.id) && has(b.id) && b.id.lowerAscii() == a.id.lowerAscii()) && (has(a.resourceAppId) ? a.resourceAppId.lowerAscii() : '00000003-0000-0000-c000-000000000000') == (has(b.resourceAppId) ? b.resourceAppId.lowerAscii() : '00000003-0000-0000-c000-000000000000') && (b.kind == a.kind || b.kind == 'Either' || a.kind == 'Either')).size() <= 1)",
    message: "each permission may appear only once; kind Either already covers Application and Delegated",
};
