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
    /// The secret with which Control Hub's wizard signs in as the integration.
    pub wizard_secret: String,
    /// Application ID of "Cisco Webex Identity" there.
    pub identity: String,
    /// Who accepts on the consent page: sign-in name,
    pub administrator: String,
    /// and object ID.
    pub administrator_id: String,
    /// Whether its job stands still without being stopped.
    pub is_stuck: bool,
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
        let mut tenant = Self {
            id: scenario["tenant"]["id"].as_str().expect("an ID").to_owned(),
            client: scenario["operatorAppId"].as_str().expect("an ID").to_owned(),
            secret: format!("canary-secret-{number}~Q{seed}"),
            wizard_secret: format!("wizard-{number}"),
            identity: identifier(number, 0x12),
            administrator: text(&scenario["tenant"]["administrator"]["userPrincipalName"]),
            administrator_id: text(&scenario["tenant"]["administrator"]["id"]),
            is_stuck: false,
        };
        scenario["clientSecrets"][0]["secret"] = tenant.secret.as_str().into();
        push(&mut scenario["clientSecrets"], json!({"appId": INTEGRATION, "secret": tenant.wizard_secret}));
        push(
            &mut scenario["servicePrincipals"],
            json!({"id": identifier(number, 0x41), "appId": "00000003-0000-0000-c000-000000000000"}),
        );
        for object in objects {
            add_marker(&mut scenario, number, *object);
        }
        vary_consent(&mut scenario, &mut dice);
        tenant.is_stuck = vary_provisioning(&mut scenario, &tenant.identity, &mut dice);
        vary_proof(&mut scenario, &tenant.identity, &mut dice);
        vary_credentials(&mut scenario, &tenant.identity, &mut dice);
        (tenant, serde_json::from_value(scenario).expect("still a scenario"))
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
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

/// The incident's job ran a while before the history begins, long ago, never, or is in quarantine; or there is none.
/// Tells whether it stands still without being stopped.
fn vary_provisioning(scenario: &mut Value, identity: &str, dice: &mut Dice) -> bool {
    let jobs = scenario["synchronizationJobs"].as_object().expect("jobs by application");
    let mut job = jobs.values().next().expect("one application provisions")[0].clone();
    let minutes = |low: u64, high: u64, dice: &mut Dice| {
        SignedDuration::from_mins(i64::try_from(dice.between(low, high)).expect("minutes"))
    };
    let kind = dice.between(0, 11);
    // Three pauses of its schedule and six hours make eight.
    let ago = if kind == 0 { minutes(400, 490, dice) } else { minutes(1, 39, dice) };
    let began = BEGINNING - ago;
    for execution in ["lastExecution", "lastSuccessfulExecution"] {
        job["status"][execution]["timeBegan"] = began.to_string().into();
        job["status"][execution]["timeEnded"] = (began + SignedDuration::from_secs(5)).to_string().into();
    }
    let jobs = match kind {
        1 => json!([]),
        2 => json!([{"templateId": "CiscoWebex", "schedule": {"state": "Disabled"}}]),
        3 => {
            let series = BEGINNING - SignedDuration::from_hours(28 * 24) + minutes(0, 120, dice);
            job["status"]["code"] = "Quarantine".into();
            job["status"]["quarantine"] = json!({
                "reason": "EncounteredQuarantineException", "seriesBegan": series.to_string(),
                "currentBegan": series.to_string(), "seriesCount": 27,
            });
            json!([job])
        }
        _ => json!([job]),
    };
    scenario["synchronizationJobs"] = json!({identity: jobs});
    kind == 0
}

/// In some tenants only one of the two proofs is there that the integration made Identity, or neither.
fn vary_proof(scenario: &mut Value, identity: &str, dice: &mut Dice) {
    let kind = dice.between(0, 7);
    if kind <= 2 {
        scenario["owners"] = json!([]);
    }
    if (2..=4).contains(&kind) || kind == 0 {
        let registrations = scenario["applications"].as_array_mut().expect("a list");
        for registration in registrations.iter_mut().filter(|row| row["appId"] == identity) {
            registration.as_object_mut().expect("an object").remove("createdByAppId");
        }
    }
}

/// The certificate of the incident lasts for years; some end soon, during the history, or have ended.
fn vary_credentials(scenario: &mut Value, identity: &str, dice: &mut Dice) {
    let hours = SignedDuration::from_hours;
    let ends = [
        SignedDuration::from_mins(40),
        hours(2),
        hours(20 * 24),
        hours(30 * 24) + SignedDuration::from_mins(50),
        -hours(30),
    ];
    let end = BEGINNING + *dice.pick(&ends);
    let principals = scenario["servicePrincipals"].as_array_mut().expect("a list");
    let Some(principal) = principals.iter_mut().find(|row| row["appId"] == identity) else { return };
    match dice.between(0, 5) {
        0 | 1 => principal["keyCredentials"][0]["endDateTime"] = end.to_string().into(),
        2 => {
            principal["passwordCredentials"] = json!([{
                "keyId": "00000000-5eed-4000-8000-000000000099", "endDateTime": end.to_string(),
                "startDateTime": "2023-04-12T00:00:00Z", "displayName": "old",
            }]);
        }
        _ => {}
    }
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
