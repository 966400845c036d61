//! What administrators do to their tenants.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, header};
use serde_json::{Value, json};

use super::{
    act::Done,
    deed::Deed,
    dice::Dice,
    oracle::INTEGRATION,
    world::{BASE, World},
};

/// Whose names the audit log tells, beside the administrator's.
const PEOPLE: [&str; 3] = ["alice@contoso.com", "bob@contoso.com", "mallory@contoso.com"];

/// An administrator of one tenant.
pub struct Person<'a> {
    pub world: &'a mut World,
    pub tenant: usize,
    pub name: String,
}

impl<'a> Person<'a> {
    /// One of those who may do everything.
    pub fn of(world: &'a mut World, tenant: usize, dice: &mut Dice) -> Self {
        let name = dice.pick_if_any(&PEOPLE).expect("there are people").to_string();
        Self { world, tenant, name }
    }

    /// Does something in Microsoft Graph, and remembers what it changed.
    pub fn ask(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let tenant = self.world.tenants[self.tenant].id.clone();
        let wish = json!({"tenantId": tenant, "user": self.name, "method": method, "path": path, "body": body});
        let (code, answer) = self.world.control("POST", "/as", &wish);
        self.world.note(&self.name.clone(), &format!("in {tenant}: {method} {path} {body} -> {code}"));
        let by = self.name.clone();
        self.done_by(by);
        answer
    }

    /// Remembers what somebody just changed.
    fn done_by(&mut self, actor: String) {
        let before = self.world.histories[self.tenant].last().clone();
        self.world.survey(&[self.tenant]);
        let after = self.world.histories[self.tenant].last().clone();
        let deed = Deed { at: self.world.now(), actor, before, after };
        self.world.deeds[self.tenant].push(deed);
    }

    pub fn principal(&self, application: &str) -> Option<String> {
        self.world.histories[self.tenant].last().live.get(application).map(|principal| principal.id.clone())
    }

    pub fn deleted(&self, application: &str) -> Vec<String> {
        self.world.histories[self.tenant].last().deleted.get(application).cloned().unwrap_or_default()
    }

    pub fn delete(&mut self, application: &str) -> Done {
        let Some(id) = self.principal(application) else { return "nothing" };
        self.ask("DELETE", &format!("/servicePrincipals/{id}"), &Value::Null);
        "delete a principal"
    }

    pub fn restore(&mut self, application: &str, dice: &mut Dice) -> Done {
        let deleted = self.deleted(application);
        let Some(id) = dice.pick_if_any(&deleted) else { return "nothing" };
        self.ask("POST", &format!("/directory/deletedItems/{id}/restore"), &Value::Null);
        "restore a principal"
    }

    pub fn purge(&mut self, application: &str, dice: &mut Dice) -> Done {
        let deleted = self.deleted(application);
        let Some(id) = dice.pick_if_any(&deleted) else { return "nothing" };
        self.ask("DELETE", &format!("/directory/deletedItems/{id}"), &Value::Null);
        "delete a principal for good"
    }

    pub fn revoke_role(&mut self, application: &str, dice: &mut Dice) -> Done {
        let Some(principal) = self.principal(application) else { return "nothing" };
        let truth = self.world.histories[self.tenant].last();
        let held: Vec<_> =
            truth.assignments.iter().filter(|row| row.principal == principal).map(|row| row.id.clone()).collect();
        let Some(id) = dice.pick_if_any(&held) else { return "nothing" };
        self.ask("DELETE", &format!("/servicePrincipals/{principal}/appRoleAssignments/{id}"), &Value::Null);
        "revoke an app role"
    }

    pub fn grant_role(&mut self, application: &str, dice: &mut Dice) -> Done {
        let Some(principal) = self.principal(application) else { return "nothing" };
        let truth = self.world.histories[self.tenant].last();
        let roles: BTreeMap<&String, &String> = truth.assignments.iter().map(|row| (&row.role, &row.role_id)).collect();
        let lacking: Vec<String> =
            roles.iter().filter(|(role, _)| !truth.holds_role(&principal, role)).map(|(_, id)| (*id).clone()).collect();
        let Some(role) = dice.pick_if_any(&lacking) else { return "nothing" };
        let body = json!({"principalId": principal, "resourceId": truth.graph(), "appRoleId": role});
        self.ask("POST", &format!("/servicePrincipals/{principal}/appRoleAssignments"), &body);
        "grant an app role"
    }

    pub fn revoke_scope(&mut self, application: &str, dice: &mut Dice) -> Done {
        let Some(principal) = self.principal(application) else { return "nothing" };
        let truth = self.world.histories[self.tenant].last();
        let Some(grant) = truth.grants.iter().find(|row| row.client == principal).cloned() else { return "nothing" };
        let path = format!("/oauth2PermissionGrants/{}", grant.id);
        if dice.once_in(2) && grant.scopes.len() > 1 {
            let kept: Vec<String> = grant.scopes.iter().skip(1).cloned().collect();
            self.ask("PATCH", &path, &json!({"scope": format!(" {}  ", kept.join("  "))}));
            return "narrow the delegated grant";
        }
        self.ask("DELETE", &path, &Value::Null);
        "revoke the delegated grant"
    }

    pub fn switch_sign_in(&mut self, application: &str) -> Done {
        let truth = self.world.histories[self.tenant].last();
        let Some(principal) = truth.live.get(application).cloned() else { return "nothing" };
        self.ask(
            "PATCH",
            &format!("/servicePrincipals/{}", principal.id),
            &json!({"accountEnabled": !principal.is_enabled}),
        );
        "switch sign-in"
    }

    /// The publisher of the integration does it to all tenants, the administrator to what is registered here.
    pub fn deactivate(&mut self, application: &str) -> Done {
        let truth = self.world.histories[self.tenant].last();
        if application == INTEGRATION {
            let is_off = truth.live.get(application).is_some_and(|principal| principal.is_deactivated);
            let (code, _) =
                self.world.control("PATCH", &format!("/published/{application}"), &json!({"isDisabled": !is_off}));
            self.world.note("cisco", &format!("deactivates {application}: {} -> {code}", !is_off));
            let all: Vec<usize> = (0..self.world.tenants.len()).collect();
            self.world.survey(&all);
            return "deactivate for everyone";
        }
        let Some(registration) = truth.registrations.get(application).cloned() else { return "nothing" };
        let is_off = truth.live.get(application).is_some_and(|principal| principal.is_deactivated);
        self.ask("PATCH", &format!("/applications/{registration}"), &json!({"isDisabled": !is_off}));
        "deactivate a registration"
    }

    pub fn registration(&mut self, application: &str, dice: &mut Dice) -> Done {
        let truth = self.world.histories[self.tenant].last();
        let gone = truth.deleted_registrations.get(application).cloned().unwrap_or_default();
        if let Some(id) = dice.pick_if_any(&gone) {
            self.ask("POST", &format!("/directory/deletedItems/{id}/restore"), &Value::Null);
            return "restore a registration";
        }
        let Some(id) = truth.registrations.get(application).cloned() else { return "nothing" };
        self.ask("DELETE", &format!("/applications/{id}"), &Value::Null);
        "delete a registration"
    }

    /// Opens the consent page and presses Accept.
    pub fn consent(&mut self) -> Done {
        let tenant = self.world.tenants[self.tenant].id.clone();
        let now = self.world.now();
        let page = Request::get(format!("/{tenant}/adminconsent?client_id={INTEGRATION}"))
            .body(Bytes::new())
            .expect("a request");
        let page = self.world.emulator.handle(now, page);
        let text = String::from_utf8(page.into_body().to_vec()).expect("a page is text");
        let hidden = text.split("<input type=\"hidden\" name=\"").skip(1);
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for input in hidden {
            let (name, rest) = input.split_once("\" value=\"").expect("a hidden field has a value");
            form.append_pair(name, &rest.split_once('"').expect("a value ends").0.replace("&amp;", "&"));
        }
        form.append_pair("decision", "accept");
        let request = Request::post(format!("/{tenant}/adminconsent"))
            .header(header::HOST, BASE.trim_start_matches("http://"))
            .header(header::ORIGIN, BASE)
            .body(Bytes::from(form.finish()))
            .expect("a request");
        let code = self.world.emulator.handle(now, request).status().as_u16();
        self.world.note("admin", &format!("of {tenant}: accepts on the consent page -> {code}"));
        let administrator = self.world.tenants[self.tenant].administrator.clone();
        self.done_by(administrator);
        if code == 200 {
            self.world.consents[self.tenant].push(now);
        }
        "accept on the consent page"
    }
}
