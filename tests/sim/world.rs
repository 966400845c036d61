//! What both seams and the people of a history share: emulator, faults, log, and what is known of each object.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;
use webex_azure_operator::{clock::Clock, emulator::Emulator};

use super::{
    check::{self, Violation},
    contract::Contract,
    deed::{self, Deed},
    dice::Dice,
    fault::Faults,
    journal::Journal,
    monitor::{History, Object},
    oracle::{self, Expected},
    tenant::Tenant,
    truth::Truth,
};

/// Where the emulator says that it is reached.
pub const BASE: &str = "http://microsoft.invalid";

/// What was counted in a history.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Looks that reached a tenant.
    pub looks: u64,
    /// Statuses that were written.
    pub writes: u64,
    /// Events that were written.
    pub events: u64,
    /// Acts of people.
    pub acts: BTreeMap<&'static str, u64>,
    /// Times at which a status was compared with the oracle.
    pub comparisons: BTreeMap<&'static str, u64>,
    /// Processes that were started.
    pub starts: u64,
}

/// Everything but the Kubernetes API, which has a lock of its own: take that first, never while holding this.
pub struct World {
    pub clock: Clock,
    pub emulator: Emulator,
    /// What is found in the emulator's answers.
    pub contract: Contract,
    pub tenants: Vec<Tenant>,
    pub histories: Vec<History>,
    /// What people did, by tenant.
    pub deeds: Vec<Vec<Deed>>,
    /// When consent was given, by tenant.
    pub consents: Vec<Vec<Timestamp>>,
    /// Whether the audit log can be read as far back as needed.
    pub tells_who: bool,
    pub objects: Vec<Object>,
    pub faults: Faults,
    pub latency: Dice,
    pub journal: Journal,
    pub counts: Counts,
    pub lag: SignedDuration,
    /// The longest time until an audit record shows.
    pub audit_delay: SignedDuration,
    /// Tokens that were issued, and for which tenant.
    pub tokens: BTreeMap<String, usize>,
    /// Links to further pages that were given, and to whom.
    pub links: BTreeMap<String, usize>,
    pub violation: Option<Violation>,
    /// Whether the watch cache of the API server stands still.
    pub is_cache_held: bool,
    /// The application that an administrator changed last, and in which tenant.
    pub last_changed: Option<(usize, String)>,
    /// Told when the process is to end at once.
    pub crash: Arc<Notify>,
    /// What follows when the request to Kubernetes that is being served is done.
    pub after: After,
    /// Told when there is a violation.
    pub alarm: Arc<Notify>,
}

/// What follows when a request was served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// Its answer, or what the verdict made of it.
    #[default]
    Answer,
    /// Nothing, ever.
    Silence,
    /// The end of the process.
    Crash,
}

/// The world as it is shared.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<World>>);

impl Shared {
    /// Shares a world.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// The world. Release it before the next await.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn note(&mut self, actor: &str, what: &str) {
        let now = self.now();
        self.journal.note(now, actor, what);
    }

    /// Notes that a property does not hold. The first one counts.
    pub fn fail(&mut self, violation: Violation) {
        self.note("check", &format!("VIOLATION of {}: {}", violation.property, violation.text));
        if self.violation.is_none() {
            self.violation = Some(violation);
            self.alarm.notify_one();
        }
    }

    /// Fails if the emulator answered otherwise than Microsoft describes: then the simulation is of something else.
    pub fn hold_to_contract(&mut self) {
        for text in self.contract.take() {
            self.fail(Violation { property: "contract", text });
        }
    }

    /// Fails unless it holds.
    pub fn require(&mut self, property: &'static str, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.fail(Violation { property, text: text() });
        }
    }

    /// The time that a request takes there, and the answer back.
    pub fn travel(&mut self, longest: u64) -> (Duration, Duration) {
        let slow = if self.latency.once_in(40) { 10 } else { 1 };
        (self.latency.millis(0, longest * slow), self.latency.millis(1, longest))
    }

    /// Asks the emulator's control surface.
    pub fn control(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let now = self.now();
        let content = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = Request::builder().method(method).uri(path).body(content).expect("a request");
        let response = self.emulator.control(now, request);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
    }

    /// Notes the truth about these tenants, which somebody may have changed.
    pub fn survey(&mut self, touched: &[usize]) {
        let now = self.now();
        for &tenant in touched {
            let id = self.tenants[tenant].id.clone();
            let (code, answer) = self.control("GET", &format!("/truth/{id}"), &Value::Null);
            assert_eq!(code, 200, "the emulator knows its tenants");
            self.histories[tenant].note(now, Truth::read(&answer));
        }
        for object in self.objects.iter_mut().filter(|object| touched.contains(&object.tenant)) {
            object.touched = now;
        }
    }

    /// Notes what jobs did by themselves until now, and what time changed.
    pub fn catch_up(&mut self) {
        let now = self.now();
        for tenant in 0..self.tenants.len() {
            let runs =
                |truth: &Truth| truth.jobs.values().flatten().any(|job| job.next.is_some_and(|next| next <= now));
            if !runs(self.histories[tenant].last()) {
                continue;
            }
            let id = self.tenants[tenant].id.clone();
            let (code, answer) = self.control("GET", &format!("/truth/{id}"), &Value::Null);
            assert_eq!(code, 200, "the emulator knows its tenants");
            let truth = Truth::read(&answer);
            let before = self.histories[tenant].last();
            if *before == truth {
                continue;
            }
            if before.essence() != truth.essence() {
                for object in self.objects.iter_mut().filter(|object| object.tenant == tenant) {
                    object.touched = now;
                }
                self.note("jobs", &format!("of {id}: {:?}", truth.jobs));
            }
            self.histories[tenant].note(now, truth);
        }
        for object in &mut self.objects {
            let turn = object.last_turn(self.histories[object.tenant].last(), now);
            object.touched = object.touched.max(turn.unwrap_or(object.touched));
        }
    }

    /// A fault hit what these objects' looks depend on, and may do so for a while longer.
    pub fn hit(&mut self, is_hit: impl Fn(&Object) -> bool, for_seconds: i64) {
        let until = self.now() + SignedDuration::from_secs(for_seconds);
        for object in self.objects.iter_mut().filter(|object| is_hit(object)) {
            object.hit = object.hit.max(until);
        }
    }

    /// The watch may tell nothing for so long.
    pub fn deafen(&mut self, for_seconds: i64) {
        let until = self.now() + SignedDuration::from_secs(for_seconds);
        for object in &mut self.objects {
            object.deaf = object.deaf.max(until);
        }
    }

    /// The tenant with this ID.
    pub fn tenant(&self, id: &str) -> Option<usize> {
        self.tenants.iter().position(|tenant| tenant.id == id)
    }

    /// A status was stored.
    pub fn written(&mut self, namespace: &str, name: &str, after: Value) {
        self.catch_up();
        let now = self.now();
        let Some(place) = self.objects.iter().position(|object| object.namespace == namespace && object.name == name)
        else {
            self.fail(Violation {
                property: "K11",
                text: format!("the status of {namespace}/{name}, which nobody made, was written"),
            });
            return;
        };
        let object = &mut self.objects[place];
        self.counts.writes += 1;
        let before = std::mem::replace(&mut object.status, after);
        let flips = check::flips(object, &before);
        object.flips.extend(flips.into_iter().map(|condition| (now, condition)));
        let object = &self.objects[place];
        let mut found = check::written(object, &before, &object.status, &self.histories[object.tenant], self.lag, now);
        let line = summary(object);
        let (settled, quiet) = (object.settled(self.lag), object.quiet(self.lag, self.audit_delay));
        let changed = |part: fn(&Value) -> Value| part(&before) != part(&object.status);
        if (settled < now && changed(check::without_attribution)) || (quiet < now && changed(check::without_time)) {
            found.push(Violation {
                property: "L1",
                text: format!("{} stood still since {settled} and was written all the same", object.key()),
            });
        }
        let (history, deeds) = (&self.histories[object.tenant], &self.deeds[object.tenant]);
        let slanders = deed::slanders(object, &before, history, deeds);
        found.extend(slanders.into_iter().map(|text| Violation { property: "attribution", text }));
        self.objects[place].untold = check::news(&before, &self.objects[place].status);
        self.note("status", &line);
        for violation in found {
            let text = format!("{}: {}", self.objects[place].key(), violation.text);
            self.fail(Violation { text, ..violation });
        }
    }

    /// Compares every object that has been left alone for long enough with the oracle, and its looks with the clock.
    pub fn compare(&mut self) {
        self.catch_up();
        let now = self.now();
        if self.is_cache_held {
            return;
        }
        for place in 0..self.objects.len() {
            let object = &self.objects[place];
            if !object.exists {
                continue;
            }
            let mut wrong = Vec::new();
            if object.is_watched() && now > object.due() {
                wrong.push((
                    "L2",
                    format!("{} was due by {} and was last looked at at {}", object.key(), object.due(), object.looked),
                ));
            }
            if object.settled(self.lag) < now {
                let truth = self.histories[object.tenant].last();
                let expected = object.expected(truth, now);
                let mut mismatches = oracle::mismatches(&expected, object.scene(truth, now));
                if object.status["observedGeneration"] != object.generation {
                    mismatches.push(format!(
                        "observedGeneration is {}, not {}",
                        object.status["observedGeneration"], object.generation
                    ));
                }
                if object.status["lastHandledReconcileAt"].as_str() != object.requested_at.as_deref() {
                    mismatches.push(format!("lastHandledReconcileAt is not {:?}", object.requested_at));
                }
                let is_judged = matches!(expected, Expected::Differences(_) | Expected::NotProved(_));
                if is_judged && object.quiet(self.lag, self.audit_delay) < now && self.tells_who {
                    let (history, deeds) = (&self.histories[object.tenant], &self.deeds[object.tenant]);
                    let late = deed::unnamed(object, history, deeds);
                    wrong.extend(late.into_iter().map(|text| ("attribution", format!("{}: {text}", object.key()))));
                    let consents = &self.consents[object.tenant];
                    let advice = check::advice(object, consents, now - self.audit_delay);
                    wrong.extend(advice.into_iter().map(|text| ("advice", format!("{}: {text}", object.key()))));
                }
                if !mismatches.is_empty() {
                    let property = if is_false_health(&expected, &object.status) { "S5" } else { "L1" };
                    let text = format!(
                        "{} left alone since {} must say {expected:?}: {}",
                        object.key(),
                        object.touched.max(object.hit),
                        mismatches.join("; ")
                    );
                    wrong.push((property, text));
                }
                *self.counts.comparisons.entry(kind(&expected)).or_default() += 1;
            }
            for (property, text) in wrong {
                self.fail(Violation { property, text });
            }
        }
    }
}

fn kind(expected: &Expected) -> &'static str {
    match expected {
        Expected::Suspended => "Suspended",
        Expected::InvalidSpec => "InvalidSpec",
        Expected::Obstacle(reason) => reason,
        Expected::NotProved(_) => "IdentityNotProved",
        Expected::Differences(differences) => differences.first().map_or("InSync", |(_, reason)| reason),
    }
}

fn is_false_health(expected: &Expected, status: &Value) -> bool {
    let is_bad = matches!(
        expected,
        Expected::Differences(differences) | Expected::NotProved(differences) if !differences.is_empty()
    );
    is_bad && oracle::conditions(status).get("Drifted").is_some_and(|(status, _)| *status == "False")
}

/// A status in one line.
fn summary(object: &Object) -> String {
    let conditions = oracle::conditions(&object.status);
    let shown: Vec<String> =
        conditions.iter().map(|(condition, (status, reason))| format!("{condition}={status}:{reason}")).collect();
    let digest = super::journal::fingerprint(object.status.to_string().as_bytes());
    format!("{} generation {} {} [{digest}]", object.key(), object.status["observedGeneration"], shown.join(" "))
}
