//! The tenants of a history as scenarios of the emulator: the incident's, with identifiers of their own.

use jiff::SignedDuration;
use serde_json::{Value, json};
use webex_azure_operator::emulator::Scenario;

use super::{dice::Dice, history::BEGINNING, oracle::INTEGRATION};

/// What is needed to speak to one tenant and about it.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its ID.
    pub id: String,
    /// The operator's application in it.
    pub client: String,
    /// The client secret that it accepts. Shows nowhere else, so that it betrays where it went.
    pub secret: String,
    /// Application ID of "Cisco Webex Identity" there.
    pub identity: String,
}

/// The prefix of all identifiers that the incident's scenario invents.
const INVENTED: &str = "00000000-0000-4000-8000-";

/// An identifier of this tenant.
pub fn identifier(tenant: usize, number: usize) -> String {
    format!("{:08x}-5eed-4000-8000-{number:012x}", tenant + 1)
}

/// Application ID of the one application that only this object asks for; its requests are known by it.
pub fn marker(tenant: usize, object: usize) -> String {
    identifier(tenant, 0x1000 + object)
}

impl Tenant {
    /// The tenant with this number, and its scenario with a marker application for each of these objects.
    pub fn seeded(seed: u64, number: usize, objects: &[usize]) -> (Self, Scenario) {
        let mut dice = Dice::new(seed, 100 + u64::try_from(number).expect("few tenants"));
        let incident = serde_json::to_string(&Scenario::incident()).expect("a scenario is JSON");
        let prefix = format!("{:08x}-5eed-4000-8000-", number + 1);
        let mut scenario: Value = serde_json::from_str(&incident.replace(INVENTED, &prefix)).expect("still JSON");
        let tenant = Self {
            id: scenario["tenant"]["id"].as_str().expect("an ID").to_owned(),
            client: scenario["operatorAppId"].as_str().expect("an ID").to_owned(),
            secret: format!("canary-secret-{number}~Q{seed}"),
            identity: identifier(number, 0x12),
        };
        scenario["clientSecrets"][0]["secret"] = tenant.secret.as_str().into();
        push(
            &mut scenario["servicePrincipals"],
            json!({"id": identifier(number, 0x41), "appId": "00000003-0000-0000-c000-000000000000"}),
        );
        for object in objects {
            add_marker(&mut scenario, number, *object);
        }
        vary_consent(&mut scenario, &mut dice);
        let jobs = provisioning_job(&scenario, &mut dice);
        scenario["synchronizationJobs"] = json!({tenant.identity.as_str(): [jobs]});
        (tenant, serde_json::from_value(scenario).expect("still a scenario"))
    }
}

fn push(list: &mut Value, item: Value) {
    list.as_array_mut().expect("a list").push(item);
}

fn add_marker(scenario: &mut Value, tenant: usize, object: usize) {
    let app_id = marker(tenant, object);
    push(
        &mut scenario["applications"],
        json!({
            "id": identifier(tenant, 0x2000 + object), "appId": app_id, "displayName": format!("Hybrid Calendar {object}"),
        }),
    );
    push(&mut scenario["servicePrincipals"], json!({"id": identifier(tenant, 0x3000 + object), "appId": app_id}));
    for role in ["Group.Read.All", "Policy.Read.All"] {
        push(&mut scenario["appRoleAssignments"], json!({"client": app_id, "role": role}));
    }
    push(&mut scenario["oauth2PermissionGrants"], json!({"client": app_id, "scope": "User.Read  Domain.Read.All"}));
}

/// The incident's job, whose last cycle ended a while before the history begins.
fn provisioning_job(scenario: &Value, dice: &mut Dice) -> Value {
    let jobs = scenario["synchronizationJobs"].as_object().expect("jobs by application");
    let mut job = jobs.values().next().expect("one application provisions")[0].clone();
    let began = BEGINNING - SignedDuration::from_mins(i64::try_from(dice.between(1, 39)).expect("minutes"));
    for execution in ["lastExecution", "lastSuccessfulExecution"] {
        job["status"][execution]["timeBegan"] = began.to_string().into();
        job["status"][execution]["timeEnded"] = (began + SignedDuration::from_secs(5)).to_string().into();
    }
    job
}

/// Some tenants gave less consent than is published, none at all, or gave a permission as a delegated one.
fn vary_consent(scenario: &mut Value, dice: &mut Dice) {
    let of_integration = |row: &Value| row["client"] == INTEGRATION;
    let assignments = scenario["appRoleAssignments"].as_array_mut().expect("a list");
    match dice.between(0, 9) {
        0 => assignments.retain(|row| !of_integration(row)),
        1 | 2 => {
            let lacks = *dice.pick(&["Place.Read.All", "Domain.Read.All", "User.Read.All"]);
            assignments.retain(|row| !of_integration(row) || row["role"] != lacks);
        }
        3 | 4 => {
            assignments.retain(|row| !of_integration(row) || row["role"] != "User.Read.All");
            let grants = scenario["oauth2PermissionGrants"].as_array_mut().expect("a list");
            for grant in grants.iter_mut().filter(|row| of_integration(row)) {
                grant["scope"] = "User.Read User.Read.All".into();
            }
        }
        _ => {}
    }
}
