//! One emulated cloud with the incident's tenant, and short ways to ask it something.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use webex_azure_operator::emulator::{AppRoleAssignment, Emulator, Knobs, Scenario, Settings};

use super::contract::{self, Contract};

pub const TENANT: &str = "00000000-0000-4000-8000-000000000001";
pub const INTEGRATION_APP: &str = "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae";
pub const INTEGRATION: &str = "00000000-0000-4000-8000-000000000021";
pub const IDENTITY_APP: &str = "00000000-0000-4000-8000-000000000012";
pub const IDENTITY: &str = "00000000-0000-4000-8000-000000000011";
pub const IDENTITY_REGISTRATION: &str = "00000000-0000-4000-8000-000000000013";
pub const OPERATOR_APP: &str = "00000000-0000-4000-8000-000000000031";
pub const OPERATOR: &str = "00000000-0000-4000-8000-000000000032";
pub const SECRET: &str = "emulator-only-secret";
pub const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
pub const GRAPH: &str = "00000000-0000-4000-8000-000000000041";
pub const URL: &str = "http://127.0.0.1:8080";

/// App role `AuditLog.Read.All` of Microsoft Graph.
pub const AUDIT_LOG_READ_ALL: &str = "b0afded3-3588-46d8-8b3d-9842eff778da";

/// What one may do who may do everything.
pub const ALL_ROLES: [&str; 4] = [
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.ReadWrite.All",
];

pub struct Cloud {
    pub emulator: Emulator,
    pub now: Timestamp,
    pub token: String,
    contract: Contract,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The error code of Graph, or of the token endpoint.
    pub fn code(&self) -> String {
        let code = self.body["error"]["code"].as_str().or_else(|| self.body["error"].as_str());
        code.unwrap_or_default().to_owned()
    }

    pub fn values(&self) -> Vec<Value> {
        self.body["value"].as_array().unwrap_or_else(|| panic!("a list was expected: {}", self.text)).clone()
    }
}

/// The incident's tenant on the service's best day.
pub fn calm() -> Cloud {
    with(Knobs::calm(), &Scenario::incident())
}

/// The same, with an operator that also has these roles.
pub fn with_roles(roles: &[&str]) -> Cloud {
    with(Knobs::calm(), &incident_with_roles(roles))
}

/// The same, with an operator that has exactly these roles.
pub fn with_only_roles(roles: &[&str]) -> Cloud {
    let mut scenario = incident_with_roles(&[]);
    scenario.app_role_assignments.retain(|assignment| assignment.client != OPERATOR_APP);
    give(&mut scenario, roles);
    with(Knobs::calm(), &scenario)
}

pub fn incident_with_roles(roles: &[&str]) -> Scenario {
    let mut scenario = Scenario::incident();
    give(&mut scenario, roles);
    scenario
}

fn give(scenario: &mut Scenario, roles: &[&str]) {
    scenario.app_role_assignments.extend(roles.iter().map(|role| AppRoleAssignment {
        client: OPERATOR_APP.to_owned(),
        resource: GRAPH_APP.to_owned(),
        role: (*role).to_owned(),
        created: None,
    }));
}

pub fn with(knobs: Knobs, scenario: &Scenario) -> Cloud {
    let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    let settings = Settings { seed: 1, public_url: URL.to_owned(), knobs };
    let mut emulator = Emulator::new(settings);
    emulator.load(now, scenario).unwrap();
    let contract = contract::watch(&mut emulator);
    let mut cloud = Cloud { emulator, now, token: String::new(), contract };
    cloud.sign_in();
    cloud
}

impl Cloud {
    /// Gets a new token for the operator.
    pub fn sign_in(&mut self) {
        let answer = self.ask_token(TENANT, &sign_in_form());
        let token = answer.body["access_token"].as_str();
        token.unwrap_or_else(|| panic!("{}", answer.text)).clone_into(&mut self.token);
    }

    pub fn ask_token(&mut self, tenant: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(format!("/{tenant}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .unwrap();
        self.handle(request)
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None, &[])
    }

    pub fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body), &[])
    }

    pub fn patch(&mut self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, Some(body), &[])
    }

    pub fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, None, &[])
    }

    /// A Graph request as the operator. Spaces in the path may stand as they are; whole addresses are followed.
    pub fn send(&mut self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Answer {
        let path = path.strip_prefix(URL).unwrap_or(path);
        let path = path.strip_prefix("/v1.0").unwrap_or(path).replace(' ', "%20");
        let mut request = Request::builder().method(method).uri(format!("/v1.0{path}"));
        request = request.header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        self.handle(request.body(Bytes::from(body)).unwrap())
    }

    pub fn handle(&mut self, request: Request<Bytes>) -> Answer {
        let response = self.emulator.handle(self.now, request);
        self.contract.check();
        answer(response)
    }

    pub fn control(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder().method(method).uri(path).body(Bytes::from(body)).unwrap();
        answer(self.emulator.control(self.now, request))
    }

    /// A Graph request as the tenant's administrator.
    pub fn as_admin(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let wish =
            json!({"tenantId": TENANT, "user": "admin@contoso.com", "method": method, "path": path, "body": body});
        self.control("POST", "/as", Some(&wish))
    }

    pub fn truth(&mut self) -> Value {
        self.control("GET", &format!("/truth/{TENANT}"), None).body
    }

    pub fn knob(&mut self, name: &str, value: impl Into<Value>) {
        let answer = self.control("PATCH", "/knobs", Some(&json!({name: value.into()})));
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    pub fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub fn wait_days(&mut self, days: i64) {
        self.wait(days * 24 * 60 * 60);
        self.sign_in();
    }

    /// The audit records the service shows, newest first.
    pub fn audits(&mut self) -> Vec<Value> {
        self.get("/auditLogs/directoryAudits").values()
    }
}

pub fn sign_in_form() -> [(&'static str, &'static str); 4] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", OPERATOR_APP),
        ("client_secret", SECRET),
        ("scope", "https://graph.microsoft.com/.default"),
    ]
}

fn answer(response: http::Response<Bytes>) -> Answer {
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status: parts.status, headers: parts.headers, body, text }
}

/// The names of an object's members.
pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("an object was expected: {value}")).keys().map(String::as_str).collect()
}

/// The texts of one property in a list.
pub fn column(values: &[Value], name: &str) -> Vec<String> {
    values.iter().map(|value| value[name].as_str().unwrap_or_default().to_owned()).collect()
}
