//! What was asked in one look and how it was answered, for the log and for whoever wants to see it.
//!
//! Holds names of requests and answers, never a body, a token or a secret.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Most exchanges that are kept of one look; the longest real one has about eighty.
const LONGEST: usize = 400;

/// What a request or an item of a batch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// A token.
    Token,
    /// Several reads at once.
    Batch,
    /// A further page of a list.
    Page,
    /// A service principal.
    ServicePrincipal,
    /// A service principal that offers permissions.
    ResourcePrincipal,
    /// Application permissions of a service principal.
    AppRoleAssignments,
    /// Delegated permissions of a service principal.
    OAuth2PermissionGrants,
    /// Deleted objects.
    DeletedItems,
    /// Who is assigned to a service principal.
    AppRoleAssignedTo,
    /// Provisioning jobs of a service principal.
    SynchronizationJobs,
    /// What may be "Cisco Webex Identity".
    Candidates,
    /// The registration of an application.
    Registration,
    /// Records of the audit log, and further pages of them.
    DirectoryAudits,
}

impl Operation {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::Token,
        Self::Batch,
        Self::Page,
        Self::ServicePrincipal,
        Self::ResourcePrincipal,
        Self::AppRoleAssignments,
        Self::OAuth2PermissionGrants,
        Self::DeletedItems,
        Self::AppRoleAssignedTo,
        Self::SynchronizationJobs,
        Self::Candidates,
        Self::Registration,
        Self::DirectoryAudits,
    ];

    /// Its name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Batch => "batch",
            Self::Page => "page",
            Self::ServicePrincipal => "service_principal",
            Self::ResourcePrincipal => "resource_principal",
            Self::AppRoleAssignments => "app_role_assignments",
            Self::OAuth2PermissionGrants => "oauth2_permission_grants",
            Self::DeletedItems => "deleted_items",
            Self::AppRoleAssignedTo => "app_role_assigned_to",
            Self::SynchronizationJobs => "synchronization_jobs",
            Self::Candidates => "candidates",
            Self::Registration => "registration",
            Self::DirectoryAudits => "directory_audits",
        }
    }

    /// Whether it is an item of a batch rather than a request of its own.
    pub const fn is_item(self) -> bool {
        match self {
            Self::Token | Self::Batch | Self::Page => false,
            Self::ServicePrincipal
            | Self::ResourcePrincipal
            | Self::AppRoleAssignments
            | Self::OAuth2PermissionGrants
            | Self::DeletedItems
            | Self::AppRoleAssignedTo
            | Self::SynchronizationJobs
            | Self::Candidates
            | Self::Registration
            | Self::DirectoryAudits => true,
        }
    }
}

/// One request, or one item of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What it was for.
    pub operation: Operation,
    /// Its method.
    pub method: String,
    /// Path and query, without the host.
    pub target: String,
    /// Status of the answer; none if there was none.
    pub status: Option<u16>,
    /// What went wrong on the way, or the error code of the answer; foreign text made safe.
    pub code: Option<String>,
    /// Microsoft's name for the request, for its support; foreign text made safe.
    pub request_id: Option<String>,
    /// Our name for it.
    pub client_request_id: String,
    /// What it cost, in resource units, where told.
    pub resource_units: Option<u32>,
    /// How long it took; an item as long as its batch.
    pub took: Duration,
}

impl Exchange {
    /// Whether it was answered as hoped. That something is not there is an answer too, and so is whatever is said where
    /// nothing that is declared depends on it.
    pub fn is_good(&self) -> bool {
        let is_aside = matches!(self.operation, Operation::DirectoryAudits | Operation::Registration);
        matches!(self.status, Some(200 | 404)) || (is_aside && self.status.is_some())
    }
}

/// The exchanges of one look, in order.
#[derive(Debug, Default)]
pub struct Trail(Mutex<Vec<Exchange>>);

impl Trail {
    /// Adds one.
    pub fn note(&self, exchange: Exchange) {
        let mut exchanges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if exchanges.len() < LONGEST {
            exchanges.push(exchange);
        }
    }

    /// All of them.
    pub fn into_exchanges(self) -> Vec<Exchange> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
