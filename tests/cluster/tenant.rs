//! The pretend tenants of one test, and the administrator who acts in them over HTTP.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use webex_azure_operator::{
    clock::Clock,
    emulator::{self, Emulator, Knobs, Scenario, server},
};

use crate::contract::{self, Contract};

/// Tenant of the incident.
pub const TENANT: &str = "00000000-0000-4000-8000-000000000001";

/// A second tenant, the same in everything but its id.
pub const OTHER: &str = "00000000-0000-4000-8000-000000000002";

/// The tenant with this number, for tests with many: from 3 on.
pub fn numbered(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// Application ID of the operator's own application.
pub const OPERATOR: &str = "00000000-0000-4000-8000-000000000031";

/// Application ID of "Cisco Webex Identity Integration".
pub const INTEGRATION: &str = "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae";

/// What the operator signs in with.
pub const SECRET: &str = "emulator-only-secret";

/// An emulator of this test's own.
pub struct Tenants {
    running: server::Running,
    http: reqwest::Client,
    /// Fails the test at its end if the emulator answered otherwise than Microsoft describes.
    _contract: Contract,
}

impl Tenants {
    /// Starts the emulator with the incident's tenant in it.
    pub fn start() -> Self {
        let clock = Clock::system();
        let mut emulator =
            Emulator::new(emulator::Settings { seed: 1, public_url: String::new(), knobs: Knobs::calm() });
        let mut scenario = serde_json::to_value(Scenario::incident()).unwrap();
        with_recent_cycle(&mut scenario);
        emulator.load(clock.now(), &serde_json::from_value(scenario).unwrap()).unwrap();
        let contract = contract::watch(&mut emulator);
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = server::serve(emulator, loopback, loopback, Arc::new(move || clock.now())).unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { running, http, _contract: contract }
    }

    /// Where Microsoft would be.
    pub fn url(&self) -> String {
        self.running.public_url()
    }

    /// Adds the second tenant.
    pub async fn add_other(&self) {
        self.load(OTHER, |_| {}).await;
    }

    /// Loads the incident's tenant anew, changed by this.
    pub async fn reload(&self, change: impl FnOnce(&mut Value)) {
        self.load(TENANT, change).await;
    }

    /// Loads a tenant of this id that is the incident's in everything else, changed by this.
    pub async fn load(&self, tenant: &str, change: impl FnOnce(&mut Value)) {
        let mut scenario = self.control("GET", "/scenarios/incident", None).await;
        scenario["tenant"]["id"] = tenant.into();
        with_recent_cycle(&mut scenario);
        change(&mut scenario);
        self.control("POST", "/tenants", Some(scenario)).await;
    }

    /// A request to Microsoft Graph by the administrator of this tenant.
    pub async fn act(&self, tenant: &str, method: &str, path: &str, body: Option<Value>) -> Value {
        let wish =
            json!({ "tenantId": tenant, "user": "admin@contoso.com", "method": method, "path": path, "body": body });
        self.control("POST", "/as", Some(wish)).await
    }

    /// Deletes the service principal of this application.
    pub async fn delete(&self, tenant: &str, app_id: &str) {
        self.act(tenant, "DELETE", &format!("/servicePrincipals(appId='{app_id}')"), None).await;
    }

    /// Restores this deleted object.
    pub async fn restore(&self, tenant: &str, object_id: &str) {
        self.act(tenant, "POST", &format!("/directory/deletedItems/{object_id}/restore"), None).await;
    }

    /// Takes an application permission away from the integration.
    pub async fn revoke(&self, tenant: &str, role: &str) {
        let truth = self.truth(tenant).await;
        let assignments = truth["appRoleAssignments"].as_array().unwrap();
        let principals = truth["servicePrincipals"].as_array().unwrap();
        let principal =
            principals.iter().find(|principal| principal["appId"] == INTEGRATION).unwrap()["id"].as_str().unwrap();
        let assignment = assignments.iter().find(|row| row["role"] == role && row["principalId"] == principal).unwrap();
        let id = assignment["id"].as_str().unwrap();
        self.act(tenant, "DELETE", &format!("/servicePrincipals/{principal}/appRoleAssignments/{id}"), None).await;
    }

    /// Puts the provisioning jobs of this application into quarantine.
    pub async fn quarantine(&self, tenant: &str, app_id: &str, reason: &str) {
        let wish = json!({ "tenantId": tenant, "appId": app_id, "quarantine": reason });
        self.control("POST", "/synchronization", Some(wish)).await;
    }

    /// Revokes what was issued to the operator in this tenant until now.
    pub async fn revoke_tokens(&self, tenant: &str) {
        self.control("POST", "/revoke", Some(json!({ "tenantId": tenant, "appId": OPERATOR }))).await;
    }

    /// Answers this tenant with nothing but 429, and this as `Retry-After`.
    pub async fn throttle(&self, tenant: &str, seconds: u32) {
        let wish = json!({ "tenantId": tenant, "retryAfterSeconds": seconds, "for": "all" });
        self.control("POST", "/throttle", Some(wish)).await;
    }

    /// Answers it again.
    pub async fn unthrottle(&self, tenant: &str) {
        self.control("DELETE", &format!("/throttle/{tenant}"), None).await;
    }

    /// Changes how awkward the emulator is.
    pub async fn turn(&self, knobs: &Value) {
        self.control("PATCH", "/knobs", Some(knobs.clone())).await;
    }

    /// Opens the consent page and presses Accept.
    pub async fn accept(&self, url: &str) {
        let page = self.http.get(url).send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        let decision = [("decision", "accept")].into_iter();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(hidden_fields(&page).chain(decision))
            .finish();
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
        let status = request.send().await.unwrap().status();
        assert!(status.is_success() || status.is_redirection(), "the consent page answered {status}");
    }

    /// The tenant as it is.
    pub async fn truth(&self, tenant: &str) -> Value {
        self.control("GET", &format!("/truth/{tenant}"), None).await
    }

    /// Everything that was asked about this tenant so far, with token requests.
    pub async fn requests(&self, tenant: &str) -> Vec<Value> {
        let log = self.control("GET", "/requests", None).await;
        let is_of_tenant = |entry: &&Value| {
            entry["tenant"] == tenant || entry["path"].as_str().is_some_and(|path| path.contains(tenant))
        };
        log["requests"].as_array().unwrap().iter().filter(is_of_tenant).cloned().collect()
    }

    /// How many requests there were so far.
    pub async fn count(&self) -> u64 {
        let log = self.control("GET", "/requests", None).await;
        log["requests"].as_array().unwrap().last().map_or(0, |entry| entry["n"].as_u64().unwrap())
    }

    /// How many looks at each tenant there were after this many requests.
    pub async fn looks_since(&self, count: u64) -> BTreeMap<String, usize> {
        let log = self.control("GET", &format!("/requests?since={count}"), None).await;
        let mut looks = BTreeMap::new();
        for entry in log["requests"].as_array().unwrap() {
            if entry["path"].as_str().unwrap().ends_with("/$batch") {
                *looks.entry(entry["tenant"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
        looks
    }

    /// How many looks at this tenant there were so far.
    pub async fn looks(&self, tenant: &str) -> usize {
        let is_look = |entry: &&Value| entry["path"].as_str().is_some_and(|path| path.ends_with("/$batch"));
        self.requests(tenant).await.iter().filter(is_look).count()
    }

    /// Stops listening.
    pub async fn stop(self) {
        self.running.stop().await;
    }

    /// How many tokens were asked for in this tenant so far.
    pub async fn sign_ins(&self, tenant: &str) -> usize {
        let is_token = |entry: &&Value| entry["path"].as_str().is_some_and(|path| path.ends_with("/token"));
        self.requests(tenant).await.iter().filter(is_token).count()
    }

    async fn control(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.running.control_url());
        let mut request = self.http.request(method.parse().unwrap(), url).header("content-type", "application/json");
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{method} {path} was answered with {status}: {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }
}

/// The provisioning job of the incident succeeded in the year of the incident, and tests live now.
fn with_recent_cycle(scenario: &mut Value) {
    let now = Clock::system().now().to_string();
    for jobs in scenario["synchronizationJobs"].as_object_mut().unwrap().values_mut() {
        for job in jobs.as_array_mut().unwrap() {
            for field in ["lastExecution", "lastSuccessfulExecution"] {
                job["status"][field]["timeBegan"] = now.as_str().into();
                job["status"][field]["timeEnded"] = now.as_str().into();
            }
        }
    }
}

/// Names and values of the hidden fields of a form.
fn hidden_fields(page: &str) -> impl Iterator<Item = (&str, &str)> {
    fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        Some(rest.split_once('"')?.0)
    }
    let tags = page.split("<input ").skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag);
    let hidden = tags.filter(|tag| tag.contains("type=\"hidden\""));
    hidden.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
}
