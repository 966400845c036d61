//! One history: a few objects and tenants, some hours of acts and faults, then silence; all from one seed.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use webex_azure_operator::{
    clock::Clock,
    controller::{Area, Controller, Settings, credential::OperatorIdentity, queue::Limits},
    domain::Timing,
    emulator::{Emulator, Knobs, Settings as EmulatorSettings, UNKNOWNS},
};

use super::{
    act,
    api_server::{ApiServer, ApiService},
    check::Violation,
    contract,
    dice::Dice,
    fault::Faults,
    graph_seam::GraphSeam,
    journal::Journal,
    kube_seam::KubeSeam,
    monitor::{History, Object, SecretState},
    spec,
    tenant::{Tenant, marker},
    world::{BASE, Counts, Shared, World},
};

/// When every history begins.
pub const BEGINNING: Timestamp = Timestamp::constant(1_795_420_800, 0);

/// How long the acts of people last at most.
const ACTS: SignedDuration = SignedDuration::from_hours(3);

/// How long everything is left alone at the end, beyond the time by which it must have settled: one heartbeat at least.
const SILENCE: SignedDuration = SignedDuration::from_mins(75);

/// What came of a history.
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Its log.
    pub log: String,
    /// What was counted.
    pub counts: Counts,
    /// Faults that fired, by kind.
    pub fired: std::collections::BTreeMap<String, u64>,
    /// Requests over both seams.
    pub requests: u64,
    /// How much virtual time passed.
    pub lasted: SignedDuration,
    /// The first property that did not hold.
    pub violation: Option<Violation>,
}

/// Runs the history of a seed.
pub fn run(seed: u64) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets can be made");
    runtime.block_on(history(seed))
}

async fn history(seed: u64) -> Outcome {
    let mut dice = Dice::new(seed, 0);
    let shared = world(seed, &mut dice);
    let (crash, alarm) = {
        let world = shared.lock();
        (Arc::clone(&world.crash), Arc::clone(&world.alarm))
    };
    let clock = shared.lock().clock.clone();
    let server = ApiServer::new(seed, Arc::new(move || clock.now()));
    let service = ApiService::new(server);
    let seam = KubeSeam::new(service.clone(), shared.clone());
    let story = story(shared.clone(), service, &mut dice);
    let mut story = std::pin::pin!(story);
    let mut pauses = Dice::new(seed, 3);
    for process in 1.. {
        let stop = CancellationToken::new();
        let controller = start(seed, process, &shared, &seam);
        let has_ended = {
            let mut running = std::pin::pin!(controller.run(stop));
            tokio::select! {
                biased;
                () = alarm.notified() => true,
                () = crash.notified() => false,
                () = &mut story => true,
                ended = &mut running => panic!("the controller ended by itself: {ended:?}"),
            }
        };
        if has_ended {
            break;
        }
        let pause = pauses.millis(0, 40_000);
        {
            let mut world = shared.lock();
            let seconds = i64::try_from(pause.as_secs()).expect("short") + 1;
            world.hit(|_| true, seconds);
            world.note("process", &format!("{process} is gone; the next one starts in {pause:?}"));
        }
        let is_over = tokio::select! {
            biased;
            () = alarm.notified() => true,
            () = &mut story => true,
            () = tokio::time::sleep(pause) => false,
        };
        if is_over {
            break;
        }
    }
    let mut world = shared.lock();
    world.hold_to_contract();
    Outcome {
        seed,
        log: world.journal.text(),
        counts: world.counts.clone(),
        fired: world.faults.fired().clone(),
        requests: world.faults.requests(),
        lasted: world.now().duration_since(BEGINNING),
        violation: world.violation.take(),
    }
}

/// Starts a process: nothing is remembered but what is in the cluster.
fn start(seed: u64, process: u64, shared: &Shared, seam: &KubeSeam) -> Controller<GraphSeam> {
    let mut world = shared.lock();
    world.counts.starts += 1;
    world.note("process", &format!("{process} starts"));
    let clock = Clock::seeded(world.now(), seed.wrapping_add(process << 32));
    let settings = Settings {
        areas: BTreeSet::from([Area::All]),
        limits: Limits { total: 4, per_tenant: 2 },
        timing: Timing::PRODUCTION,
        server: Some(BASE.to_owned()),
        exchange_audience: None,
        operator: OperatorIdentity::default(),
        linkable: Vec::new(),
        attribution: webex_azure_operator::domain::Attribution::Names,
        instance: format!("operator-{process}"),
    };
    drop(world);
    Controller::new(seam.client(), GraphSeam(shared.clone()), clock, settings)
}

fn knobs(dice: &mut Dice) -> Knobs {
    let knobs = Knobs {
        page_size: *dice.pick(&[1, 3, 5, 8, 100, 100]),
        trailing_empty_page: dice.once_in(2),
        replication_lag: SignedDuration::from_secs(*dice.pick(&[0, 5, 20, 40, 40])),
        audit_delay: SignedDuration::from_secs(*dice.pick(&[0, 60, 300, 900])),
        audit_licensed: !dice.once_in(8),
        provisioning_restore_delay: SignedDuration::from_mins(*dice.pick(&[0, 40, 150])),
        replicas: *dice.pick(&[1, 1, 2, 3]),
        throttle_every: *dice.pick(&[None, None, Some(40), Some(15)]),
        retry_after_seconds: *dice.pick(&[1, 5, 10]),
        shuffle_batch: dice.once_in(2),
        ..Knobs::calm()
    };
    UNKNOWNS.iter().fold(knobs, |knobs, unknown| {
        let setting = dice.pick(unknown.settings);
        unknown.turned(&knobs, setting).expect("the table names knobs and their values")
    })
}

fn world(seed: u64, dice: &mut Dice) -> Shared {
    let clock = Clock::seeded(BEGINNING, seed);
    let knobs = knobs(dice);
    let lag = knobs.replication_lag + knobs.deleted_items_lag;
    let audit_delay = knobs.audit_delay;
    let tells_who = knobs.audit_licensed && knobs.page_size >= 100;
    let mut emulator = Emulator::new(EmulatorSettings { seed, public_url: BASE.to_owned(), knobs });
    let contract = contract::watch(&mut emulator);
    let count = usize::try_from(*dice.pick(&[1, 1, 2, 2, 3, 4])).expect("few");
    let owners: Vec<usize> = {
        let tenants = dice.between(1, u64::try_from(count).expect("few"));
        (0..count).map(|object| object % usize::try_from(tenants).expect("few")).collect()
    };
    let mut tenants = Vec::new();
    for number in 0..=*owners.iter().max().expect("one at least") {
        let theirs: Vec<usize> = (0..count).filter(|object| owners[*object] == number).collect();
        let (tenant, scenario) = Tenant::seeded(seed, number, &theirs);
        emulator.load(BEGINNING, &scenario).expect("the scenario is sound");
        tenants.push(tenant);
    }
    let objects = owners.iter().enumerate().map(|(object, tenant)| Object {
        namespace: (*dice.pick(&["webex", "webex-2"])).to_owned(),
        name: format!("object-{object}"),
        tenant: *tenant,
        marker: marker(*tenant, object),
        secret: format!("secret-{object}"),
        secret_state: SecretState::Missing,
        secret_states: Vec::new(),
        exists: false,
        spec: spec::first(&tenants[*tenant], *tenant, object, &format!("secret-{object}"), dice),
        is_broken: false,
        generation: 0,
        requested_at: None,
        status: Value::Null,
        touched: BEGINNING,
        edited: BEGINNING,
        hit: BEGINNING - SignedDuration::from_hours(1),
        deaf: BEGINNING,
        renewed: BEGINNING - SignedDuration::from_hours(10),
        untold: 0,
        looked: BEGINNING,
        flips: Vec::new(),
    });
    let objects: Vec<Object> = objects.collect();
    let histories = tenants.iter().map(|_| History::default()).collect();
    let deeds = tenants.iter().map(|_| Vec::new()).collect();
    let consents = tenants.iter().map(|_| Vec::new()).collect();
    let faults = Faults::seeded(seed);
    let mut world = World {
        clock,
        emulator,
        contract,
        tenants,
        histories,
        deeds,
        consents,
        tells_who,
        objects,
        faults,
        latency: Dice::new(seed, 1),
        journal: Journal::default(),
        counts: Counts::default(),
        lag,
        audit_delay,
        tokens: std::collections::BTreeMap::new(),
        links: std::collections::BTreeMap::new(),
        violation: None,
        is_cache_held: false,
        last_changed: None,
        crash: Arc::new(Notify::new()),
        after: super::world::After::default(),
        alarm: Arc::new(Notify::new()),
    };
    let all: Vec<usize> = (0..world.tenants.len()).collect();
    for tenant in &all {
        // From now on the jobs live, but those that are stuck since long.
        let Tenant { id, identity, .. } = world.tenants[*tenant].clone();
        if world.tenants[*tenant].is_stuck {
            continue;
        }
        let (code, _) = world.control("POST", "/synchronization", &json!({"tenantId": id, "appId": identity}));
        assert_eq!(code, 204, "the incident's application provisions");
    }
    world.survey(&all);
    Shared::new(world)
}

/// What people do, and what is looked at in between.
async fn story(shared: Shared, service: ApiService, dice: &mut Dice) {
    let objects = shared.lock().objects.len();
    for place in 0..objects {
        if dice.once_in(4) {
            tokio::time::sleep(dice.millis(0, 60_000)).await;
        }
        let state = if dice.once_in(8) { SecretState::Wrong } else { SecretState::Good };
        act::rotate(&shared, &service, place, state);
        act::create(&shared, &service, place);
    }
    let acts = dice.between(2, 14);
    for _ in 0..acts {
        tokio::time::sleep(dice.pause()).await;
        shared.lock().compare();
        act::release_cache(&shared, &service);
        if shared.lock().now() >= BEGINNING + ACTS {
            break;
        }
        act::step(&shared, &service, dice);
        if dice.once_in(3) {
            tokio::time::sleep(dice.millis(0, 30_000)).await;
            act::ask_about_last_change(&shared, &service);
        }
        if dice.once_in(3) {
            let mut world = shared.lock();
            let (now, tenants) = (world.now(), world.tenants.len());
            world.faults.storm(dice, now, tenants);
        }
    }
    act::release_cache(&shared, &service);
    let (settled, silent) = {
        let mut world = shared.lock();
        world.faults.lift();
        let (code, _) = world.control("PATCH", "/knobs", &json!({"throttleEvery": null}));
        assert_eq!(code, 200, "the knob turns");
        world.note("story", "acts and faults are over");
        let lag = world.lag;
        let now = world.now();
        let audit_delay = world.audit_delay;
        let settled = world.objects.iter().map(|object| object.settled(lag)).max().unwrap_or(now).max(now);
        let quiet = |object: &Object| object.quiet(lag, audit_delay) + object.interval();
        let quiet = world.objects.iter().map(quiet).max().unwrap_or(now);
        (settled, (settled + SILENCE).max(quiet))
    };
    sleep_until(&shared, settled + SignedDuration::from_secs(1)).await;
    shared.lock().compare();
    sleep_until(&shared, silent).await;
    let mut world = shared.lock();
    world.compare();
    world.note("story", "the end");
}

async fn sleep_until(shared: &Shared, at: Timestamp) {
    let left = at.duration_since(shared.lock().now());
    tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
}
