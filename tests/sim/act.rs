//! What people do: administrators to their tenants, authors to their objects, others to the cluster.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, header};
use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use serde_json::{Value, json};

use super::{
    api_server::{ApiService, WatchCut},
    dice::Dice,
    monitor::{Object, SecretState},
    oracle::INTEGRATION,
    spec,
    world::{BASE, Shared, World},
};

/// The annotation that asks for a look.
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// What a step of a history did, by name; for the totals.
pub type Done = &'static str;

/// One step of the people of this history.
pub fn step(shared: &Shared, service: &ApiService, dice: &mut Dice) {
    let mut done = "nothing";
    while done == "nothing" {
        done = match dice.between(0, 29) {
            20..=29 => mend(&mut shared.lock(), dice),
            0..=10 => in_tenant(&mut shared.lock(), dice),
            11..=17 => on_object(shared, service, dice),
            _ => in_cluster(shared, service, dice),
        };
    }
    *shared.lock().counts.acts.entry(done).or_default() += 1;
}

fn in_tenant(world: &mut World, dice: &mut Dice) -> Done {
    let tenant = usize::try_from(dice.between(0, u64::try_from(world.tenants.len()).expect("few") - 1)).expect("few");
    let markers = world.objects.iter().filter(|object| object.tenant == tenant).map(|object| object.marker.clone());
    let identity = world.tenants[tenant].identity.clone();
    let applications: Vec<String> =
        [INTEGRATION.to_owned(), INTEGRATION.to_owned(), identity].into_iter().chain(markers).collect();
    let application = dice.pick(&applications).clone();
    world.last_changed = Some((tenant, application.clone()));
    let mut person = Person { world, tenant };
    match dice.between(0, 15) {
        0..=2 => person.delete(&application),
        3 => person.restore(&application, dice),
        4 | 5 => person.purge(&application, dice),
        6 | 7 => person.revoke_role(&application, dice),
        8 => person.grant_role(&application, dice),
        9 => person.revoke_scope(&application, dice),
        10 | 11 => person.switch_sign_in(&application),
        12 => person.deactivate(&application),
        13 => person.registration(&application, dice),
        _ => person.consent(),
    }
}

/// Whoever changed something last, or who noticed, undoes it.
fn mend(world: &mut World, dice: &mut Dice) -> Done {
    let Some((tenant, application)) = world.last_changed.clone() else { return "nothing" };
    let truth = world.histories[tenant].last();
    let is_deleted = truth.deleted.contains_key(&application);
    let is_unregistered = truth.deleted_registrations.contains_key(&application);
    let is_off = truth.live.get(&application).is_some_and(|principal| !principal.is_enabled);
    let is_deactivated = truth.live.get(&application).is_some_and(|principal| principal.is_deactivated);
    let mut person = Person { world, tenant };
    if is_unregistered {
        person.registration(&application, dice)
    } else if is_off {
        person.switch_sign_in(&application)
    } else if is_deactivated {
        person.deactivate(&application)
    } else if application == INTEGRATION && dice.once_in(2) {
        person.consent()
    } else if is_deleted {
        person.restore(&application, dice)
    } else {
        person.grant_role(&application, dice)
    }
}

/// An administrator of one tenant.
struct Person<'a> {
    world: &'a mut World,
    tenant: usize,
}

impl Person<'_> {
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> u16 {
        let tenant = self.world.tenants[self.tenant].id.clone();
        let wish = json!({"tenantId": tenant, "method": method, "path": path, "body": body});
        let (code, _) = self.world.control("POST", "/as", &wish);
        self.world.note("admin", &format!("of {tenant}: {method} {path} {body} -> {code}"));
        self.world.survey(&[self.tenant]);
        code
    }

    fn principal(&self, application: &str) -> Option<String> {
        self.world.histories[self.tenant].last().live.get(application).map(|principal| principal.id.clone())
    }

    fn deleted(&self, application: &str) -> Vec<String> {
        self.world.histories[self.tenant].last().deleted.get(application).cloned().unwrap_or_default()
    }

    fn delete(&mut self, application: &str) -> Done {
        let Some(id) = self.principal(application) else { return "nothing" };
        self.ask("DELETE", &format!("/servicePrincipals/{id}"), &Value::Null);
        "delete a principal"
    }

    fn restore(&mut self, application: &str, dice: &mut Dice) -> Done {
        let deleted = self.deleted(application);
        let Some(id) = dice.pick_if_any(&deleted) else { return "nothing" };
        self.ask("POST", &format!("/directory/deletedItems/{id}/restore"), &Value::Null);
        "restore a principal"
    }

    fn purge(&mut self, application: &str, dice: &mut Dice) -> Done {
        let deleted = self.deleted(application);
        let Some(id) = dice.pick_if_any(&deleted) else { return "nothing" };
        self.ask("DELETE", &format!("/directory/deletedItems/{id}"), &Value::Null);
        "delete a principal for good"
    }

    fn revoke_role(&mut self, application: &str, dice: &mut Dice) -> Done {
        let Some(principal) = self.principal(application) else { return "nothing" };
        let truth = self.world.histories[self.tenant].last();
        let held: Vec<_> =
            truth.assignments.iter().filter(|row| row.principal == principal).map(|row| row.id.clone()).collect();
        let Some(id) = dice.pick_if_any(&held) else { return "nothing" };
        self.ask("DELETE", &format!("/servicePrincipals/{principal}/appRoleAssignments/{id}"), &Value::Null);
        "revoke an app role"
    }

    fn grant_role(&mut self, application: &str, dice: &mut Dice) -> Done {
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

    fn revoke_scope(&mut self, application: &str, dice: &mut Dice) -> Done {
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

    fn switch_sign_in(&mut self, application: &str) -> Done {
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
    fn deactivate(&mut self, application: &str) -> Done {
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

    fn registration(&mut self, application: &str, dice: &mut Dice) -> Done {
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
    fn consent(&mut self) -> Done {
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
        self.world.survey(&[self.tenant]);
        "accept on the consent page"
    }
}

fn on_object(shared: &Shared, service: &ApiService, dice: &mut Dice) -> Done {
    let place = {
        let world = shared.lock();
        usize::try_from(dice.between(0, u64::try_from(world.objects.len()).expect("few") - 1)).expect("few")
    };
    let exists = shared.lock().objects[place].exists;
    if !exists {
        create(shared, service, place);
        return "create an object again";
    }
    let (mut spec, is_broken, is_suspended, secret_state) = {
        let world = shared.lock();
        let object = &world.objects[place];
        (object.spec.clone(), object.is_broken, object.spec["suspend"] == true, object.secret_state)
    };
    match dice.between(0, 13) {
        _ if is_broken && dice.once_in(2) => {
            spec["interval"] = "5m".into();
            edit(shared, service, place, spec, false, "mends the spec")
        }
        _ if is_suspended && dice.once_in(2) => {
            spec["suspend"] = false.into();
            edit(shared, service, place, spec, is_broken, "resumes")
        }
        _ if secret_state != SecretState::Good && dice.once_in(2) => rotate(shared, service, place, SecretState::Good),
        0..=3 => {
            let what = spec::edit(&mut spec, dice);
            let stays_broken = is_broken && what != "another interval";
            edit(shared, service, place, spec, stays_broken, what)
        }
        // A suspended object with a broken spec is said in two ways by the design, so it is not made here.
        4 if !is_suspended && dice.once_in(2) => {
            spec::break_rule(&mut spec, dice);
            edit(shared, service, place, spec, true, "breaks a rule")
        }
        5 | 6 if !is_broken => {
            spec["suspend"] = (!is_suspended).into();
            edit(shared, service, place, spec, false, "suspends or resumes")
        }
        7 | 8 => {
            ask(shared, service, place);
            "ask for a look"
        }
        9..=11 => {
            let states = [
                SecretState::Wrong,
                SecretState::Wrong,
                SecretState::Missing,
                SecretState::Unlabelled,
                SecretState::Keyless,
                SecretState::Empty,
            ];
            rotate(shared, service, place, *dice.pick(&states))
        }
        _ => {
            let (namespace, name) = name_of(shared, place);
            service.server().delete(&namespace, &name);
            touch(shared, place, "deletes the object", |object| object.exists = false);
            if dice.once_in(2) {
                create(shared, service, place);
                return "delete and create an object in one go";
            }
            "delete an object"
        }
    }
}

/// Whoever changed a tenant asks for a look at it, while some of its copies do not show the change yet.
pub fn ask_about_last_change(shared: &Shared, service: &ApiService) {
    let place = {
        let world = shared.lock();
        let Some((tenant, _)) = &world.last_changed else { return };
        world.objects.iter().position(|object| object.exists && object.tenant == *tenant)
    };
    if let Some(place) = place {
        ask(shared, service, place);
    }
}

fn ask(shared: &Shared, service: &ApiService, place: usize) {
    let (namespace, name) = name_of(shared, place);
    let value = shared.lock().now().to_string();
    service.server().annotate(&namespace, &name, REQUESTED_AT, &value);
    touch(shared, place, &format!("asks for a look at {value}"), |object| object.requested_at = Some(value.clone()));
}

fn name_of(shared: &Shared, place: usize) -> (String, String) {
    let world = shared.lock();
    (world.objects[place].namespace.clone(), world.objects[place].name.clone())
}

/// Notes a change of an object in the log and in what is known of it.
fn touch(shared: &Shared, place: usize, what: &str, change: impl FnOnce(&mut Object)) {
    let mut world = shared.lock();
    let now = world.now();
    let object = &mut world.objects[place];
    change(object);
    object.touched = now;
    object.edited = now;
    let line = format!("of {}: {what}", object.key());
    world.note("author", &line);
}

fn edit(shared: &Shared, service: &ApiService, place: usize, spec: Value, is_broken: bool, what: &'static str) -> Done {
    let (namespace, name) = name_of(shared, place);
    let stored = service.server().set_spec(&namespace, &name, spec.clone());
    let generation = stored["metadata"]["generation"].as_i64().expect("an object has a generation");
    touch(shared, place, &format!("{what}: generation {generation}, interval {}", spec["interval"]), |object| {
        // The longer of two intervals counts for what was begun before the edit.
        object.spec = spec;
        object.is_broken = is_broken;
        object.generation = generation;
    });
    what
}

/// Puts something into the Secret of an object.
pub fn rotate(shared: &Shared, service: &ApiService, place: usize, state: SecretState) -> Done {
    let (namespace, secret, value) = {
        let world = shared.lock();
        let object = &world.objects[place];
        (object.namespace.clone(), object.secret.clone(), world.tenants[object.tenant].secret.clone())
    };
    let value = match state {
        SecretState::Good => format!("{value}\n"),
        SecretState::Wrong => "wrong-canary".to_owned(),
        SecretState::Empty => "\n".to_owned(),
        SecretState::Missing | SecretState::Unlabelled | SecretState::Keyless => value,
    };
    let key = if state == SecretState::Keyless { "another-key" } else { spec::SECRET_KEY };
    if state == SecretState::Missing {
        service.server().delete_secret(&namespace, &secret);
    } else {
        let labels = [("webexazure.dev/credentials".to_owned(), "true".to_owned())];
        let labels = (state != SecretState::Unlabelled).then(|| labels.into());
        let stored = Secret {
            metadata: ObjectMeta { name: Some(secret), labels, ..ObjectMeta::default() },
            data: Some([(key.to_owned(), ByteString(value.into_bytes()))].into()),
            ..Secret::default()
        };
        service.server().put_secret(&namespace, &stored);
    }
    touch(shared, place, &format!("makes the Secret {state:?}"), |object| object.secret_state = state);
    let mut world = shared.lock();
    let now = world.now();
    world.objects[place].secret_states.push((now, state));
    drop(world);
    if state == SecretState::Good { "mend a Secret" } else { "spoil a Secret" }
}

/// Creates an object that does not exist, with the spec it had.
pub fn create(shared: &Shared, service: &ApiService, place: usize) {
    let (namespace, name) = name_of(shared, place);
    let spec = shared.lock().objects[place].spec.clone();
    let stored = service.server().create(&namespace, &name, spec);
    let line =
        format!("creates the object, uid {}, interval {}", stored["metadata"]["uid"], stored["spec"]["interval"]);
    touch(shared, place, &line, |object| {
        object.exists = true;
        object.generation = stored["metadata"]["generation"].as_i64().expect("an object has a generation");
        object.requested_at = None;
        object.status = stored["status"].clone();
    });
}

fn in_cluster(shared: &Shared, service: &ApiService, dice: &mut Dice) -> Done {
    let (cut, done) = match dice.between(0, 6) {
        0 => (Some(WatchCut::Broken), "break the watches"),
        1 => (Some(WatchCut::Ended), "end the watches"),
        2 => (Some(WatchCut::Expired), "expire the watches"),
        3 => (Some(WatchCut::Silent), "silence the watches"),
        4 => (None, "compact"),
        5 => {
            service.server().hold_cache();
            let mut world = shared.lock();
            world.is_cache_held = true;
            world.note("cluster", "the watch cache stands still");
            return "hold the watch cache";
        }
        _ => {
            // Somebody else writes to the object; nothing of it concerns the operator.
            let place = usize::try_from(dice.between(0, u64::try_from(shared.lock().objects.len()).expect("few") - 1))
                .expect("few");
            let (namespace, name) = name_of(shared, place);
            if shared.lock().objects[place].exists {
                let value = shared.lock().now().to_string();
                service.server().annotate(&namespace, &name, "example.com/touched", &value);
                shared.lock().note("author", &format!("of {namespace}/{name}: writes an annotation of no concern"));
            }
            return "write an annotation of no concern";
        }
    };
    match cut {
        Some(cut) => service.server().cut_watches(cut),
        None => service.server().compact(),
    }
    let mut world = shared.lock();
    // A watch that says nothing is given up after its 290 s and a margin.
    world.deafen(if cut == Some(WatchCut::Silent) { 300 } else { 30 });
    world.note("cluster", done);
    done
}

/// Lets the watch cache catch up, if it stands still.
pub fn release_cache(shared: &Shared, service: &ApiService) {
    if std::mem::take(&mut shared.lock().is_cache_held) {
        service.server().release_cache();
        let mut world = shared.lock();
        world.deafen(30);
        world.note("cluster", "the watch cache catches up");
    }
}
