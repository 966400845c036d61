//! The knobs: how awkward the service is, and what nobody outside Microsoft knows for sure.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::throttle::TenantSize;

/// Named settings of the emulated service. All of them can be read and changed on the control surface while it runs.
///
/// The default is awkward on purpose; [`Knobs::calm`] is the service on its best day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, read and set by name")]
pub struct Knobs {
    /// Rows per page of a list when the request has no `$top`. Microsoft documents 100 for directory lists.
    pub page_size: u32,
    /// How long a page token may be used. Reports of `Directory_ExpiredPageToken` name no number; without one, forever.
    pub page_token_lifetime_seconds: Option<u32>,
    /// Let an empty page follow a last page that is full, which the paging documentation allows.
    pub trailing_empty_page: bool,
    /// The longest time between a write and the moment every read sees it. Each object and each write has its own
    /// seeded delay below this. Writes themselves always meet the truth.
    pub replication_lag: SignedDuration,
    /// How many copies answer reads, each with its own delays. One copy never goes back in time; several do.
    pub replicas: u32,
    /// The longest time until a change shows in `directoryAudits`; each record waits between half of it and all of it.
    pub audit_delay: SignedDuration,
    /// Days until audit records are gone. Microsoft documents 7 without and 30 with a premium licence.
    pub audit_retention_days: u32,
    /// Whether the tenant may read the audit log; without, the answer is the refusal for missing licences.
    pub audit_licensed: bool,
    /// Every n-th Graph request or batch item is answered with 429; the seed decides where counting starts.
    pub throttle_every: Option<u32>,
    /// What `Retry-After` says on those.
    pub retry_after_seconds: u32,
    /// What `x-ms-throttle-limit-percentage` says on every answer and batch item. Microsoft documents 0.8 to 1.8,
    /// and no header below that.
    pub throttle_percentage: Option<f64>,
    /// How large the published limits are, in percent: 100 is as published, null is none. With it, requests are paid
    /// from buckets of resource units, writes and reports in the emulator's time.
    pub limit_percentage: Option<u32>,
    /// How many users tenants have, which decides how many resource units an application has in them.
    pub tenant_size: TenantSize,
    /// How long a token lives.
    pub token_lifetime_seconds: u32,
    /// How far `iat` and `nbf` of a token lie before the moment it was issued. Tokens in Microsoft's documentation
    /// live 300 seconds longer than their `expires_in`. A claims request that names a later `nbf` gets that.
    pub token_backdate_seconds: u32,
    /// Answer batch items in a seeded order of their own, which the batch documentation allows.
    pub shuffle_batch: bool,
    /// Unknown outside: whether `DelegatedPermissionGrant.Read.All` is enough to read delegated permission grants.
    /// The permission exists; no reference page lists it for these paths.
    pub delegated_permission_grant_read_all_suffices: bool,
    /// Unknown outside: whether app role assignments and grants are back after a principal is restored.
    pub grants_survive_restore: bool,
    /// Unknown outside: whether restoring an application registration also restores its principal.
    /// The portal is documented to do both; the Graph page names one object.
    pub application_restore_restores_principal: bool,
    /// Unknown outside: whether an application needs a directory role to restore a principal, beside its app role. The
    /// emulator has no directory roles, so that every application is refused then.
    pub restore_needs_directory_role: bool,
    /// Unknown outside: what the audit log calls the restore of a principal.
    pub restore_activity: RestoreActivity,
    /// Unknown outside: how long after a deletion the lists of deleted items begin to show an object.
    pub deleted_items_lag: SignedDuration,
    /// Unknown outside: whether a publisher's `isDisabled` shows on principals in other tenants.
    pub foreign_principals_show_is_disabled: bool,
    /// Unknown outside: whether what Control Hub's wizard made carries `createdByAppId`. Off, registrations and
    /// principals of scenarios that are loaded from then on come without it.
    pub wizard_app_has_created_by_app_id: bool,
    /// Unknown outside: of which kind three permissions of Cisco's application are. On, scenarios that are loaded from
    /// then on have them as delegated ones, in the manifests of other tenants' applications and among what is granted.
    pub undecided_permissions_are_delegated: bool,
    /// Unknown outside: whether a permission that is granted twice is refused with 409 instead of 400.
    pub duplicate_is_conflict: bool,
    /// Unknown outside: whether `ownedObjects` goes on listing what was soft-deleted.
    pub owned_objects_show_deleted: bool,
    /// Documented as possible: consenting again revokes tenant-wide permissions outside the manifest.
    pub consent_revokes_unlisted: bool,
    /// Unknown outside: whether a batch with a revoked token is answered, with the claims challenge in each item, or
    /// refused with 401 as a whole.
    pub challenge_batch_items: bool,
    /// As documented, only clients that declared the capability `cp1` are challenged, and other tokens live on after a
    /// revocation. Off, every client is challenged, so that none escapes by not declaring it.
    pub challenge_needs_capability: bool,
    /// Seen until 2023: one number, AADSTS70021, for whatever does not match in a federated assertion. Off, there is
    /// one each for issuer, audience and subject.
    pub federation_mismatch_is_one_error: bool,
    /// Documented as 40 minutes to a day: how long the provisioning jobs of a restored principal stand still unless
    /// they are restarted.
    pub provisioning_restore_delay: SignedDuration,
    /// Unknown outside: which object audit records about a provisioning job name as their target.
    pub job_changes_target: JobChangesTarget,
    /// Unknown outside: whether `$select` refuses a name the type does not declare. The two types are open, so the
    /// service may as well ignore it.
    pub refuse_unknown_select: bool,
}

/// How a restore may be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestoreActivity {
    /// "Restore service principal", as the audit activity reference has it.
    RestoreServicePrincipal,
    /// "Update service principal", as other changes.
    UpdateServicePrincipal,
}

impl RestoreActivity {
    /// `activityDisplayName`
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RestoreServicePrincipal => "Restore service principal",
            Self::UpdateServicePrincipal => "Update service principal",
        }
    }
}

/// What `targetResources` of an audit record about a provisioning job shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobChangesTarget {
    /// The principal the job belongs to.
    ServicePrincipal,
    /// The job itself, by its id.
    Job,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            page_size: 5,
            trailing_empty_page: true,
            replication_lag: SignedDuration::from_secs(2),
            replicas: 1,
            audit_delay: SignedDuration::from_secs(60),
            throttle_every: Some(50),
            retry_after_seconds: 2,
            shuffle_batch: true,
            provisioning_restore_delay: SignedDuration::from_mins(40),
            ..Self::calm()
        }
    }
}

impl Knobs {
    /// Documented page size, no delay, no throttling, batch answers in order. Unknowns as in the default.
    pub fn calm() -> Self {
        Self {
            page_size: 100,
            page_token_lifetime_seconds: None,
            trailing_empty_page: false,
            replication_lag: SignedDuration::ZERO,
            replicas: 1,
            audit_delay: SignedDuration::ZERO,
            audit_retention_days: 30,
            audit_licensed: true,
            throttle_every: None,
            retry_after_seconds: 10,
            throttle_percentage: None,
            limit_percentage: None,
            tenant_size: TenantSize::S,
            token_lifetime_seconds: 3599,
            token_backdate_seconds: 300,
            shuffle_batch: false,
            delegated_permission_grant_read_all_suffices: false,
            grants_survive_restore: true,
            application_restore_restores_principal: false,
            restore_needs_directory_role: false,
            restore_activity: RestoreActivity::RestoreServicePrincipal,
            deleted_items_lag: SignedDuration::ZERO,
            foreign_principals_show_is_disabled: true,
            wizard_app_has_created_by_app_id: true,
            undecided_permissions_are_delegated: false,
            duplicate_is_conflict: false,
            owned_objects_show_deleted: false,
            consent_revokes_unlisted: false,
            challenge_batch_items: false,
            challenge_needs_capability: false,
            federation_mismatch_is_one_error: false,
            provisioning_restore_delay: SignedDuration::ZERO,
            job_changes_target: JobChangesTarget::ServicePrincipal,
            refuse_unknown_select: true,
        }
    }
}
