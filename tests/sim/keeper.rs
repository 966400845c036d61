//! What administrators do to provisioning, certificates and assignments, and what Control Hub's wizard does.

use bytes::Bytes;
use http::{Request, header};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{act::Done, dice::Dice, oracle::INTEGRATION, person::Person, truth::Principal};

/// The role of whoever is assigned without one.
const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";

/// Certificates are read anew after six hours only; no history waits for that at a quick pace.
const SLOW_ENOUGH: i64 = 300;

impl Person<'_> {
    fn live(&self, application: &str) -> Option<Principal> {
        self.world.histories[self.tenant].last().live.get(application).cloned()
    }

    /// Adds a delegated permission that nobody asked for.
    pub fn widen_scope(&mut self, application: &str) -> Done {
        let Some(principal) = self.principal(application) else { return "nothing" };
        let truth = self.world.histories[self.tenant].last();
        let Some(grant) = truth.grants.iter().find(|row| row.client == principal).cloned() else { return "nothing" };
        let scope = format!("{} Files.Read.All", grant.scopes.join(" "));
        self.ask("PATCH", &format!("/oauth2PermissionGrants/{}", grant.id), &json!({"scope": scope}));
        "grant something extra"
    }

    /// Changes what is of no concern, so that the audit log holds more than what made a difference.
    pub fn write_note(&mut self, application: &str) -> Done {
        let Some(principal) = self.principal(application) else { return "nothing" };
        let text = format!("seen at {}", self.world.now());
        self.ask("PATCH", &format!("/servicePrincipals/{principal}"), &json!({"notes": text}));
        "write a note on a principal"
    }

    pub fn require_assignment(&mut self, application: &str) -> Done {
        let Some(principal) = self.live(application) else { return "nothing" };
        let body = json!({"appRoleAssignmentRequired": !principal.needs_assignment});
        self.ask("PATCH", &format!("/servicePrincipals/{}", principal.id), &body);
        "require assignment or not"
    }

    /// Assigns the administrator, or takes an assignment away.
    pub fn assign(&mut self, application: &str, dice: &mut Dice) -> Done {
        let Some(principal) = self.principal(application) else { return "nothing" };
        let truth = self.world.histories[self.tenant].last();
        let assigned = truth.assigned.iter().find(|one| one.to == principal).map(|one| one.id.clone());
        if let Some(id) = assigned.filter(|_| dice.once_in(2)) {
            self.ask("DELETE", &format!("/servicePrincipals/{principal}/appRoleAssignedTo/{id}"), &Value::Null);
            return "take an assignment away";
        }
        let administrator = &self.world.tenants[self.tenant].administrator_id;
        let body = json!({"principalId": administrator, "resourceId": principal, "appRoleId": DEFAULT_ACCESS});
        self.ask("POST", &format!("/servicePrincipals/{principal}/appRoleAssignedTo"), &body);
        "assign somebody"
    }

    /// Pauses, starts, deletes or makes a job, or writes its credentials.
    pub fn provisioning(&mut self, application: &str, dice: &mut Dice) -> Done {
        let Some(principal) = self.principal(application) else { return "nothing" };
        let base = format!("/servicePrincipals/{principal}/synchronization");
        let truth = self.world.histories[self.tenant].last();
        let jobs = truth.jobs.get(&principal).cloned().unwrap_or_default();
        let Some(job) = dice.pick_if_any(&jobs).cloned() else {
            self.ask("POST", &format!("{base}/jobs"), &json!({"templateId": "CiscoWebex"}));
            return "make a job";
        };
        match dice.between(0, 7) {
            0 | 1 => {
                self.ask("POST", &format!("{base}/jobs/{}/pause", job.id), &Value::Null);
                "pause a job"
            }
            2 | 3 => {
                self.ask("POST", &format!("{base}/jobs/{}/start", job.id), &Value::Null);
                "start a job"
            }
            4 | 5 => {
                self.ask("DELETE", &format!("{base}/jobs/{}", job.id), &Value::Null);
                "delete a job"
            }
            6 => {
                let template = *dice.pick(&["scim", "CiscoWebex"]);
                self.ask("POST", &format!("{base}/jobs"), &json!({"templateId": template}));
                "make a further job"
            }
            _ => {
                let token = format!("token-{}", self.world.now().as_second());
                let secrets = json!({"value": [{"key": "SecretToken", "value": token}]});
                self.ask("PUT", &format!("{base}/secrets"), &secrets);
                "write the credentials of jobs"
            }
        }
    }

    /// Breaks what jobs provision into, or empties their scope; nobody of the tenant does that.
    pub fn provisioning_target(&mut self, application: &str, dice: &mut Dice) -> Done {
        let changes = [
            (json!({"credentials": "Broken"}), "break the credentials of jobs"),
            (json!({"credentials": "Good"}), "mend the target of jobs"),
            (json!({"quarantine": "TooManyDeletes"}), "put jobs into quarantine"),
            (json!({"scopeEmpty": true}), "empty the scope of jobs"),
            (json!({"scopeEmpty": true}), "empty the scope of jobs"),
            (json!({"scopeEmpty": false}), "fill the scope of jobs"),
        ];
        let (change, done) = dice.pick(&changes).clone();
        self.target(application, change, done)
    }

    fn target(&mut self, application: &str, mut change: Value, done: Done) -> Done {
        let Some(principal) = self.principal(application) else { return "nothing" };
        let truth = self.world.histories[self.tenant].last();
        if truth.jobs.get(&principal).is_none_or(Vec::is_empty) {
            return "nothing";
        }
        let tenant = self.world.tenants[self.tenant].id.clone();
        change["tenantId"] = tenant.as_str().into();
        change["appId"] = application.into();
        let (code, _) = self.world.control("POST", "/synchronization", &change);
        self.world.note("webex", &format!("for {tenant}: {change} -> {code}"));
        self.world.survey(&[self.tenant]);
        done
    }

    /// Sets provisioning right: a target that works, people in scope, and a job that runs.
    pub fn mend_provisioning(&mut self, application: &str) -> Done {
        let Some(principal) = self.principal(application) else { return "nothing" };
        self.target(application, json!({"credentials": "Good", "scopeEmpty": false}), "mend the target of jobs");
        let base = format!("/servicePrincipals/{principal}/synchronization");
        let truth = self.world.histories[self.tenant].last();
        let mut jobs: Vec<String> =
            truth.jobs.get(&principal).into_iter().flatten().map(|job| job.id.clone()).collect();
        if jobs.is_empty() {
            let made = self.ask("POST", &format!("{base}/jobs"), &json!({"templateId": "CiscoWebex"}));
            jobs.extend(made["id"].as_str().map(str::to_owned));
        }
        for job in jobs {
            self.ask("POST", &format!("{base}/jobs/{job}/start"), &Value::Null);
        }
        "mend provisioning"
    }

    /// Adds a client secret that ends later.
    pub fn renew(&mut self, application: &str, dice: &mut Dice) -> Done {
        let theirs = self.world.objects.iter().filter(|object| object.tenant == self.tenant);
        let is_slow =
            theirs.map(|object| super::spec::interval_seconds(&object.spec)).all(|pause| pause >= SLOW_ENOUGH);
        let Some(principal) = self.principal(application).filter(|_| is_slow) else { return "nothing" };
        let days = *dice.pick(&[10, 40, 400]);
        let end = self.world.now() + SignedDuration::from_hours(24 * days);
        let body = json!({"passwordCredential": {"displayName": "sync", "endDateTime": end.to_string()}});
        self.ask("POST", &format!("/servicePrincipals/{principal}/addPassword"), &body);
        let now = self.world.now();
        for object in self.world.objects.iter_mut().filter(|object| object.tenant == self.tenant) {
            object.renewed = now;
        }
        "renew a client secret"
    }

    /// Sets "Cisco Webex Identity" up once more, gives its name to something else, or renames what has it.
    pub fn wizard(&mut self, dice: &mut Dice) -> Done {
        match dice.between(0, 5) {
            0 | 1 => self.set_up_again(),
            2 | 3 => {
                let made = self.ask("POST", "/applications", &json!({"displayName": "Cisco Webex Identity (test)"}));
                let Some(app_id) = made["appId"].as_str().map(str::to_owned) else { return "nothing" };
                self.ask("POST", "/servicePrincipals", &json!({"appId": app_id}));
                "give the name to something else"
            }
            4 => {
                let truth = self.world.histories[self.tenant].last();
                let Some(app_id) = dice.pick_if_any(&truth.proved.iter().cloned().collect::<Vec<_>>()).cloned() else {
                    return "nothing";
                };
                let Some(principal) = self.principal(&app_id) else { return "nothing" };
                let owner = self.principal(INTEGRATION);
                if let Some(owner) = owner.filter(|_| dice.once_in(2)) {
                    let path = format!("/servicePrincipals/{principal}/owners/{owner}/$ref");
                    self.ask("DELETE", &path, &Value::Null);
                    "take an owner away"
                } else {
                    let name = format!("Webex provisioning {}", self.world.now().as_second());
                    self.ask("PATCH", &format!("/servicePrincipals/{principal}"), &json!({"displayName": name}));
                    "rename Identity"
                }
            }
            _ => {
                let identity = self.world.tenants[self.tenant].identity.clone();
                match dice.between(0, 2) {
                    0 => self.delete(&identity),
                    1 => self.purge(&identity, dice),
                    _ => self.registration(&identity, dice),
                }
            }
        }
    }

    /// The wizard acts as the integration, as far as that may.
    fn set_up_again(&mut self) -> Done {
        let tenant = self.world.tenants[self.tenant].clone();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", INTEGRATION)
            .append_pair("client_secret", &tenant.wizard_secret)
            .append_pair("scope", &format!("{}/.default", super::world::BASE))
            .finish();
        let answer = self.as_wizard(&format!("/{}/oauth2/v2.0/token", tenant.id), None, form);
        let Some(token) = answer["access_token"].as_str().map(str::to_owned) else { return "nothing" };
        let body = json!({"displayName": "Cisco Webex Identity"}).to_string();
        let made = self.as_wizard("/v1.0/applications", Some(&token), body);
        let Some(app_id) = made["appId"].as_str().map(str::to_owned) else { return "nothing" };
        let made = self.as_wizard("/v1.0/servicePrincipals", Some(&token), json!({"appId": app_id}).to_string());
        self.world.survey(&[self.tenant]);
        let Some(principal) = made["id"].as_str().map(str::to_owned) else { return "nothing" };
        let base = format!("/servicePrincipals/{principal}/synchronization");
        self.ask("PUT", &format!("{base}/secrets"), &json!({"value": [{"key": "SecretToken", "value": "token"}]}));
        self.mend_provisioning(&app_id);
        "run the wizard again"
    }

    fn as_wizard(&mut self, path: &str, token: Option<&str>, body: String) -> Value {
        let kind = if token.is_some() { "application/json" } else { "application/x-www-form-urlencoded" };
        let mut request = Request::post(path).header(header::CONTENT_TYPE, kind);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Bytes::from(body)).expect("a request");
        let now = self.world.now();
        let response = self.world.emulator.handle(now, request);
        self.world.note("wizard", &format!("POST {path} -> {}", response.status().as_u16()));
        serde_json::from_slice(response.body()).unwrap_or_default()
    }
}
