//! What people do: administrators to their tenants, authors to their objects, others to the cluster.

use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use serde_json::Value;

use super::{
    api_server::{ApiService, WatchCut},
    dice::Dice,
    monitor::{Object, SecretState},
    oracle::INTEGRATION,
    person::Person,
    spec,
    world::{Shared, World},
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
    let applications: Vec<String> = [INTEGRATION.to_owned(), INTEGRATION.to_owned(), identity.clone(), identity]
        .into_iter()
        .chain(markers)
        .collect();
    let application = dice.pick(&applications).clone();
    world.last_changed = Some((tenant, application.clone()));
    let mut person = Person::of(world, tenant, dice);
    match dice.between(0, 29) {
        0..=2 => person.delete(&application),
        3 => person.restore(&application, dice),
        4 => person.purge(&application, dice),
        5 | 6 => person.revoke_role(&application, dice),
        7 => person.grant_role(&application, dice),
        8 => person.revoke_scope(&application, dice),
        9 | 10 => person.switch_sign_in(&application),
        11 => person.deactivate(&application),
        12 => person.registration(&application, dice),
        13..=15 => person.consent(),
        16 => person.widen_scope(&application),
        17 => person.write_note(&application),
        18 | 19 => person.require_assignment(&application),
        20 => person.assign(&application, dice),
        21..=24 => person.provisioning(&application, dice),
        25 | 26 => person.provisioning_target(&application, dice),
        27 => person.renew(&application, dice),
        _ => person.wizard(dice),
    }
}

/// Whoever changed something last, or who noticed, undoes it.
fn mend(world: &mut World, dice: &mut Dice) -> Done {
    let Some((tenant, application)) = world.last_changed.clone() else { return "nothing" };
    let truth = world.histories[tenant].last();
    let is_deleted = truth.deleted.contains_key(&application);
    let is_unregistered = truth.deleted_registrations.contains_key(&application);
    let principal = truth.live.get(&application);
    let is_off = principal.is_some_and(|principal| !principal.is_enabled);
    let is_deactivated = principal.is_some_and(|principal| principal.is_deactivated);
    let is_closed = principal.is_some_and(|principal| principal.needs_assignment);
    let provisions = principal.is_some_and(|principal| truth.jobs.contains_key(&principal.id));
    let mut person = Person::of(world, tenant, dice);
    if is_unregistered {
        person.registration(&application, dice)
    } else if is_off {
        person.switch_sign_in(&application)
    } else if is_deactivated {
        person.deactivate(&application)
    } else if is_closed && dice.once_in(2) {
        person.require_assignment(&application)
    } else if application == INTEGRATION && dice.once_in(2) {
        person.consent()
    } else if is_deleted {
        person.restore(&application, dice)
    } else if provisions && dice.once_in(2) {
        person.mend_provisioning(&application)
    } else {
        person.grant_role(&application, dice)
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
        0 if spec["identity"]["appId"].is_null() => {
            let tenant = shared.lock().objects[place].tenant;
            spec["identity"]["appId"] = shared.lock().tenants[tenant].identity.clone().into();
            edit(shared, service, place, spec, is_broken, "pin which application Identity is")
        }
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
