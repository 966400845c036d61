//! A tenant as it really is, read from the emulator's control surface.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::oracle::INTEGRATION;

/// A service principal.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// Object ID.
    pub id: String,
    /// The tenant's sign-in switch.
    pub is_enabled: bool,
    /// Whether the application was deactivated.
    pub is_deactivated: bool,
    /// Whether only the assigned get tokens.
    pub needs_assignment: bool,
    /// Its certificates and client secrets.
    pub credentials: Vec<Credential>,
}

/// A certificate or client secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Credential {
    /// Whether it is a certificate.
    pub is_certificate: bool,
    /// Whether sign-in answers are signed with it.
    pub is_active: bool,
    /// When it ends.
    pub ends: Timestamp,
}

/// A provisioning job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its ID.
    pub id: String,
    /// Its template.
    pub template: String,
    /// `schedule.state`.
    pub schedule: String,
    /// `status.code`.
    pub code: String,
    /// Objects that it keeps in step.
    pub synchronized: Option<i64>,
    /// Pause between its cycles.
    pub interval: SignedDuration,
    /// When a cycle last got through.
    pub alive: Option<Timestamp>,
    /// When its next cycle begins.
    pub next: Option<Timestamp>,
}

impl Job {
    /// Whether it runs by its schedule.
    pub fn runs(&self) -> bool {
        self.schedule == "Active" && ["Active", "NotRun"].contains(&self.code.as_str())
    }

    /// By when a cycle has to get through again: three pauses of its schedule, and the six hours after which Microsoft
    /// tries again for the first time.
    pub fn due(&self) -> Option<Timestamp> {
        let pause = self.interval.min(SignedDuration::from_hours(24));
        let patience = pause * 3 + SignedDuration::from_hours(6);
        self.alive.map(|alive| alive + patience)
    }
}

/// An assignment to an application of this tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Assigned {
    /// Its own ID.
    pub id: String,
    /// Object ID of the application's principal.
    pub to: String,
    /// Whether it is of a user or a group.
    pub is_of_people: bool,
}

/// An app role assignment.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// Its own ID.
    pub id: String,
    /// Object ID of the principal that holds it.
    pub principal: String,
    /// Value of the role.
    pub role: String,
    /// ID of the role.
    pub role_id: String,
}

/// A delegated grant for everyone.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Its own ID.
    pub id: String,
    /// Object ID of the client.
    pub client: String,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// The truth about one tenant at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    /// Live principals by application ID.
    pub live: BTreeMap<String, Principal>,
    /// Object IDs of soft-deleted principals by application ID.
    pub deleted: BTreeMap<String, Vec<String>>,
    /// Object IDs of live registrations by application ID.
    pub registrations: BTreeMap<String, String>,
    /// Object IDs of soft-deleted registrations by application ID.
    pub deleted_registrations: BTreeMap<String, Vec<String>>,
    /// Application IDs of registrations, live or soft-deleted, that are deactivated.
    pub deactivated: BTreeSet<String>,
    /// App role assignments on Microsoft Graph.
    pub assignments: Vec<Assignment>,
    /// Delegated grants on Microsoft Graph.
    pub grants: Vec<Grant>,
    /// Which principal holds which permission, and whether that is an application permission.
    pub held: BTreeSet<(String, String, bool)>,
    /// Who is assigned to what.
    pub assigned: Vec<Assigned>,
    /// Provisioning jobs by the object ID of their principal.
    pub jobs: BTreeMap<String, Vec<Job>>,
    /// Application IDs of live principals of which it is proved that the integration made them.
    pub proved: BTreeSet<String>,
}

const MICROSOFT_GRAPH: &str = "00000003-0000-0000-c000-000000000000";

impl Truth {
    /// Reads the answer of `GET /truth/{tenant}`.
    pub fn read(answer: &Value) -> Self {
        let rows = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
        let mut truth = Self::default();
        for row in rows("servicePrincipals") {
            let principal = Principal {
                id: text(&row, "id"),
                is_enabled: row["accountEnabled"] == true,
                is_deactivated: row["isDisabled"] == true,
                needs_assignment: row["appRoleAssignmentRequired"] == true,
                credentials: credentials(&row),
            };
            truth.live.insert(text(&row, "appId"), principal);
        }
        for row in rows("deletedServicePrincipals") {
            truth.deleted.entry(text(&row, "appId")).or_default().push(text(&row, "id"));
        }
        for row in rows("applications") {
            truth.registrations.insert(text(&row, "appId"), text(&row, "id"));
        }
        for row in rows("deletedApplications") {
            truth.deleted_registrations.entry(text(&row, "appId")).or_default().push(text(&row, "id"));
        }
        let registrations = rows("applications").into_iter().chain(rows("deletedApplications"));
        let deactivated = registrations.filter(|row| row["isDisabled"] == true);
        truth.deactivated = deactivated.map(|row| text(&row, "appId")).collect();
        let graph = truth.live.get(MICROSOFT_GRAPH).map(|graph| graph.id.clone()).unwrap_or_default();
        for row in rows("appRoleAssignments").iter().filter(|row| row["resourceId"] == graph.as_str()) {
            truth.assignments.push(Assignment {
                id: text(row, "id"),
                principal: text(row, "principalId"),
                role: text(row, "role"),
                role_id: text(row, "appRoleId"),
            });
        }
        for row in rows("appRoleAssignments").iter().filter(|row| row["resourceId"] != graph.as_str()) {
            let is_of_people = row["principalType"] != "ServicePrincipal";
            truth.assigned.push(Assigned { id: text(row, "id"), to: text(row, "resourceId"), is_of_people });
        }
        for (principal, jobs) in answer["synchronizationJobs"].as_object().into_iter().flatten() {
            truth.jobs.insert(principal.clone(), jobs.as_array().into_iter().flatten().map(job).collect());
        }
        truth.proved = proved(answer, &truth);
        let is_for_all = |row: &&Value| row["resourceId"] == graph.as_str() && row["consentType"] == "AllPrincipals";
        for row in rows("oauth2PermissionGrants").iter().filter(is_for_all) {
            let scopes = text(row, "scope").split_whitespace().map(str::to_owned).collect();
            truth.grants.push(Grant { id: text(row, "id"), client: text(row, "clientId"), scopes });
        }
        let roles = truth.assignments.iter().map(|row| (row.principal.clone(), row.role.clone(), true));
        let scopes = truth
            .grants
            .iter()
            .flat_map(|row| row.scopes.iter().map(|scope| (row.client.clone(), scope.clone(), false)));
        truth.held = roles.chain(scopes).collect();
        truth
    }

    /// The same without the times that move with every cycle of a job.
    pub fn essence(&self) -> Self {
        let mut essence = self.clone();
        for job in essence.jobs.values_mut().flatten() {
            (job.alive, job.next) = (job.alive.map(|_| Timestamp::MIN), None);
        }
        essence
    }

    /// Object ID of Microsoft Graph's own principal.
    pub fn graph(&self) -> String {
        self.live.get(MICROSOFT_GRAPH).map(|graph| graph.id.clone()).unwrap_or_default()
    }

    /// Whether the principal holds this application permission.
    pub fn holds_role(&self, principal: &str, role: &str) -> bool {
        self.held.contains(&(principal.to_owned(), role.to_owned(), true))
    }

    /// Whether the principal holds this delegated permission for everyone.
    pub fn holds_scope(&self, principal: &str, scope: &str) -> bool {
        self.held.contains(&(principal.to_owned(), scope.to_owned(), false))
    }
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

fn time(row: &Value) -> Option<Timestamp> {
    row.as_str()?.parse().ok().filter(|time| *time > Timestamp::UNIX_EPOCH)
}

fn credentials(row: &Value) -> Vec<Credential> {
    let list = |name: &str| row[name].as_array().cloned().unwrap_or_default();
    let active = row["preferredTokenSigningKeyThumbprint"].as_str().unwrap_or_default();
    // The one thumbprint that there is in a history is all zeros, in either writing.
    let is_active = |key: &Value| !active.is_empty() && text(key, "customKeyIdentifier").starts_with("AAAA");
    let certificates = list("keyCredentials").into_iter().filter_map(|key| {
        Some(Credential { is_certificate: true, is_active: is_active(&key), ends: time(&key["endDateTime"])? })
    });
    let secrets = list("passwordCredentials").into_iter().filter_map(|password| {
        Some(Credential { is_certificate: false, is_active: false, ends: time(&password["endDateTime"])? })
    });
    certificates.chain(secrets).collect()
}

fn job(row: &Value) -> Job {
    let (schedule, status) = (&row["schedule"], &row["status"]);
    let last = &status["lastExecution"];
    let got_through = ["Succeeded", "EntryLevelErrors"].contains(&text(last, "state").as_str());
    let last = got_through.then(|| time(&last["timeEnded"])).flatten();
    Job {
        id: text(row, "id"),
        template: text(row, "templateId"),
        schedule: text(schedule, "state"),
        code: text(status, "code"),
        synchronized: status["synchronizedEntryCountByType"]
            .as_array()
            .filter(|counts| !counts.is_empty())
            .map(|counts| counts.iter().filter_map(|count| count["value"].as_i64()).sum()),
        interval: text(schedule, "interval").parse().unwrap_or(SignedDuration::from_mins(40)),
        alive: time(&status["lastSuccessfulExecution"]["timeEnded"]).max(last),
        next: time(&row["nextRun"]),
    }
}

/// What says itself that the integration made it, or is owned by it; a registration proves the principal of the same
/// application.
fn proved(answer: &Value, truth: &Truth) -> BTreeSet<String> {
    let integration = truth.live.get(INTEGRATION).map(|principal| principal.id.as_str());
    let rows = |name: &str| answer[name].as_array().into_iter().flatten();
    let is_owned = |row: &Value| {
        integration.is_some_and(|id| row["owners"].as_array().into_iter().flatten().any(|owner| owner == id))
    };
    // Whose list of what it owns and created is asked for has to be there; what an object says itself can be read anyway,
    // but of principals only, and only under the name.
    let is_made = |row: &Value| row["createdByAppId"] == INTEGRATION;
    let principals = rows("servicePrincipals").filter(|row| {
        let is_named = text(row, "displayName").starts_with("Cisco Webex Identity");
        is_owned(row) || (is_made(row) && (is_named || integration.is_some()))
    });
    let registrations = rows("applications").filter(|row| integration.is_some() && (is_owned(row) || is_made(row)));
    let named = principals.chain(registrations).map(|row| text(row, "appId"));
    named.filter(|app_id| app_id != INTEGRATION && truth.live.contains_key(app_id)).collect()
}
