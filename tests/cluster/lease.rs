//! Two processes of the built program and one Lease: one acts, the other takes over, and never do both write.
//!
//! Each process comes to the API server through a door of its own, and one book holds what came through both in the order
//! of arrival. The terms of the lease are a third of production's: it lasts 5 seconds, and its leader stops after 3⅓.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;
use serde_json::Value;
use webex_azure_operator::clock::Clock;

use crate::{
    door::{Book, Door, Entry, Mood},
    object::{integration, status},
    program::Program,
    scene::{Scene, eventually},
    stage::Stage,
    tenant::{INTEGRATION, TENANT},
};

/// Name of the Lease in each test's namespace.
const LEASE: &str = "operator";

/// How long the lease lasts here.
const LASTS: i64 = 5;

/// The pod's grace in the chart.
const GRACE: Duration = Duration::from_secs(30);

/// Objects of a test, all about one tenant, so that several passes are under way at once.
const OBJECTS: [&str; 4] = ["first", "second", "third", "fourth"];

const DELETED: &str = "Ready=False ServicePrincipalSoftDeleted";
const IN_SYNC: &str = "Ready=True InSync";

/// One process behind its door.
struct Replica {
    door: Door,
    program: Program,
    health: String,
    metrics: String,
    _folder: tempfile::TempDir,
}

/// A test's surroundings with two processes; the first leads and has brought all objects in order.
struct Pair<'a> {
    scene: Scene<'a>,
    book: Book,
    principal: String,
    one: Replica,
    two: Replica,
}

impl Replica {
    async fn start(scene: &Scene<'_>, who: &'static str, book: &Book) -> Self {
        let door = Door::open(who, scene.cluster.client.clone(), book.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, door.kubeconfig()).unwrap();
        let (lease, microsoft) = (format!("{}/{LEASE}", scene.namespace), scene.tenants.url());
        let arguments = [
            ["run", "--log-format=json"],
            ["--namespace", scene.namespace],
            ["--emulator", &microsoft],
            ["--timing-divisor", "30"],
            ["--lease", &lease],
            ["--health-address", "127.0.0.1:0"],
            ["--metrics-address", "127.0.0.1:0"],
        ];
        let environment = [("KUBECONFIG", kubeconfig.to_str().unwrap()), ("HOSTNAME", who)];
        let program = Program::start(arguments.as_flattened(), &environment);
        let address = async |what: &str| {
            let rest = program.until_logged(&format!("\"message\":\"{what}\",\"address\":\"")).await;
            format!("http://{}", rest.split('"').next().unwrap())
        };
        let health = address("answering probes at /livez and /readyz").await;
        let metrics = address("serving metrics at /metrics").await;
        Self { door, program, health, metrics, _folder: folder }
    }

    /// Status and text of an answer of its socket for probes.
    async fn probe(&self, path: &str) -> (u16, String) {
        get(&format!("{}{path}?verbose", self.health)).await
    }

    /// Waits until it says of itself that it is ready, and this.
    async fn until_ready(&self, says: &str) {
        eventually(&format!("it is ready and says: {says}"), async || {
            let (code, text) = self.probe("/readyz").await;
            code == 200 && text.contains(says)
        })
        .await;
    }

    async fn until_leading(&self) {
        self.until_ready("[+] objects: the WebexAzureIntegration objects are watched").await;
        assert!(self.metrics().await.contains("\nwebex_azure_operator_leader 1\n"));
    }

    async fn until_standby_of(&self, holder: &str) {
        self.until_ready(&format!("[+] lease: standing by; {holder} holds the lease")).await;
        assert!(self.metrics().await.contains("\nwebex_azure_operator_leader 0\n"));
    }

    async fn metrics(&self) -> String {
        let (code, text) = get(&format!("{}/metrics", self.metrics)).await;
        assert_eq!(code, 200, "{text}");
        text
    }

    async fn is_alive(&self) {
        let (code, text) = self.probe("/livez").await;
        assert_eq!(code, 200, "{text}");
    }
}

impl<'a> Pair<'a> {
    async fn start(stage: &'a Stage, namespace: &'static str) -> Self {
        let scene = Scene::open(stage, namespace).await;
        for name in OBJECTS {
            scene.create(&integration(name)).await;
        }
        let book = Book::default();
        let one = Replica::start(&scene, "one", &book).await;
        one.until_leading().await;
        let two = Replica::start(&scene, "two", &book).await;
        two.until_standby_of("one").await;
        let pair = Self { scene, book, principal: String::new(), one, two };
        pair.until_all_say(IN_SYNC).await;
        let object = pair.scene.get(OBJECTS[0]).await;
        let application = status(&object).application("identity-integration").unwrap().clone();
        Self { principal: application.service_principal_id.unwrap(), ..pair }
    }

    async fn until_all_say(&self, condition: &str) {
        for name in OBJECTS {
            self.scene.until_says(name, condition).await;
        }
    }

    async fn delete(&self) {
        self.scene.tenants.delete(TENANT, INTEGRATION).await;
    }

    async fn restore(&self) {
        self.scene.tenants.restore(TENANT, &self.principal).await;
    }

    async fn lease(&self) -> LeaseSpec {
        let api: Api<Lease> = Api::namespaced(self.scene.cluster.client.clone(), self.scene.namespace);
        api.get(LEASE).await.unwrap().spec.unwrap()
    }

    /// The last term of this process in the Lease, as far as it was accepted: when it began and when it was last renewed.
    fn last_term(&self, who: &str) -> (Timestamp, Timestamp) {
        let is_term =
            |entry: &&Entry| entry.is_of_lease() && entry.body["spec"]["holderIdentity"] == who && is_good(entry);
        let entries = self.book.entries();
        let spec = entries.iter().rfind(is_term).unwrap().body["spec"].clone();
        (time(&spec["acquireTime"]), time(&spec["renewTime"]))
    }

    /// Who wrote to objects and events, each change of the writer once.
    fn writers(&self) -> Vec<&'static str> {
        let mut writers: Vec<_> = self.writes().iter().map(|entry| entry.who).collect();
        writers.dedup();
        writers
    }

    fn writes(&self) -> Vec<Entry> {
        self.book.entries().into_iter().filter(|entry| !entry.is_of_lease()).collect()
    }

    async fn close(self) {
        let Self { scene, one, two, .. } = self;
        drop((one, two));
        scene.close().await;
    }
}

pub async fn k24_a_killed_leader_is_followed_when_its_lease_has_run_out(stage: &Stage) {
    let pair = Pair::start(stage, "lease-killed").await;
    pair.one.program.signal("KILL").await;
    pair.delete().await;
    pair.until_all_say(DELETED).await;
    assert_eq!(pair.writers(), ["one", "two"]);
    let ((_, renewed), (acquired, _)) = (pair.last_term("one"), pair.last_term("two"));
    let gap = acquired.duration_since(renewed).as_secs_f64();
    assert!(gap >= 5.0, "the lease had {LASTS} seconds and was taken after {gap}");
    assert!(gap < 20.0, "{gap} seconds");
    pair.two.until_leading().await;
    assert!(pair.two.metrics().await.contains("\nwebex_azure_operator_leader_transitions_total 1\n"));

    let lease = pair.lease().await;
    assert_eq!(lease.holder_identity.as_deref(), Some("two"));
    assert_eq!(lease.lease_duration_seconds.map(i64::from), Some(LASTS));
    assert_eq!(lease.lease_transitions, Some(1));
    let shown = ["get", "lease", LEASE, "--namespace", pair.scene.namespace, "--no-headers"];
    let shown = pair.scene.cluster.kubectl(&shown).await.succeeded();
    assert_eq!(shown.split_whitespace().take(2).collect::<Vec<_>>(), [LEASE, "two"], "{shown}");
    pair.close().await;
}

pub async fn k25_a_leader_that_is_told_to_stop_ends_its_writes_and_hands_over_at_once(stage: &Stage) {
    let pair = Pair::start(stage, "lease-stopped").await;
    pair.one.door.turn(Mood::HoldsWrites);
    pair.delete().await;
    pair.one.door.until_holding(1).await;
    pair.one.program.signal("TERM").await;
    pair.one.program.until_logged("stopping").await;
    let (code, text) = pair.one.probe("/readyz").await;
    assert!(code == 503 && text.contains("[-] end: the process was told to stop"), "{code} {text}");
    // The lease is kept for as long as the write may take.
    let renewals = || pair.book.entries().iter().filter(|entry| entry.who == "one" && entry.is_of_lease()).count();
    let before = renewals();
    eventually("the lease is renewed", async || renewals() > before + 2).await;
    assert_eq!(pair.lease().await.holder_identity.as_deref(), Some("one"));
    pair.one.door.turn(Mood::Open);

    let Pair { scene, book, principal, one, two } = pair;
    let Replica { door, program, .. } = one;
    program.ended().await;
    let entries = book.entries();
    let of_one: Vec<_> = entries.iter().filter(|entry| entry.who == "one").collect();
    let last_write = of_one.iter().rposition(|entry| entry.path.ends_with("/status")).unwrap();
    assert!(is_good(of_one[last_write]), "{:?}", of_one[last_write]);
    let release = of_one.last().unwrap();
    assert!(release.is_of_lease() && is_good(release), "{release:?}");
    let released = &release.body["spec"];
    assert_eq!((&released["holderIdentity"], &released["leaseDurationSeconds"]), (&Value::from(""), &Value::from(1)));

    let one = Replica::start(&scene, "one again", &book).await;
    drop(door);
    let pair = Pair { scene, book, principal, one, two };
    pair.until_all_say(DELETED).await;
    eventually("the lease has a holder", async || pair.lease().await.holder_identity.as_deref() != Some("")).await;
    let acquired = pair.lease().await.acquire_time.unwrap().0;
    let gap = acquired.duration_since(time(&released["renewTime"])).as_secs_f64();
    assert!(gap < 5.0, "{gap} seconds: nobody waited until the lease had run out");
    pair.close().await;
}

pub async fn k25_a_write_without_an_answer_is_given_up_within_the_pods_grace(stage: &Stage) {
    let pair = Pair::start(stage, "lease-grace").await;
    pair.one.door.turn(Mood::HoldsWrites);
    pair.delete().await;
    pair.one.door.until_holding(1).await;
    let clock = Clock::system();
    let told = clock.instant();
    let Pair { scene, book, two, one, .. } = pair;
    let (_, log) = one.program.stop().await;
    let took = clock.instant() - told;
    assert!(took < GRACE, "{took:?}");
    assert!(log.contains("looks that did not end in time are dropped"), "{log}");
    assert!(log.contains("is released"), "{log}");
    two.until_leading().await;
    for name in OBJECTS {
        scene.until_says(name, DELETED).await;
    }
    // What was held back never reached the API server, and nothing else came from there.
    let is_late = |entry: &&Entry| entry.who == "one" && entry.path.ends_with("/status") && entry.status.is_none();
    assert!(book.entries().iter().filter(is_late).count() > 0);
    drop(two);
    scene.close().await;
}

pub async fn k16_a_leader_that_was_frozen_writes_nothing_when_it_wakes(stage: &Stage) {
    let pair = Pair::start(stage, "lease-frozen").await;
    // It freezes at the worst moment: it has seen the difference and waits for the object to write it to.
    pair.one.door.turn(Mood::HoldsReads);
    pair.delete().await;
    pair.one.door.until_holding(OBJECTS.len()).await;
    pair.one.program.signal("STOP").await;
    pair.one.door.turn(Mood::Open);
    pair.two.until_leading().await;
    pair.until_all_say(DELETED).await;
    let by_one = |pair: &Pair<'_>| pair.writes().iter().filter(|entry| entry.who == "one").count();
    let before = by_one(&pair);

    pair.one.program.signal("CONT").await;
    pair.one.until_standby_of("two").await;
    pair.one.is_alive().await;
    pair.restore().await;
    pair.until_all_say(IN_SYNC).await;
    let writes = || pair.writes().into_iter().map(|entry| format!("{}: {}", entry.who, entry.path)).collect::<Vec<_>>();
    assert_eq!(by_one(&pair), before, "{:#?}", writes());
    assert_eq!(pair.writers(), ["one", "two"]);

    let Pair { scene, book, principal, one, two } = pair;
    two.program.stop().await;
    one.until_leading().await;
    let two = Replica::start(&scene, "two again", &book).await;
    let pair = Pair { scene, book, principal, one, two };
    pair.delete().await;
    pair.until_all_say(DELETED).await;
    assert_eq!(pair.writers(), ["one", "two", "one"]);
    pair.close().await;
}

pub async fn k15_a_leader_that_is_cut_off_stops_before_the_other_begins_and_comes_back(stage: &Stage) {
    let pair = Pair::start(stage, "lease-cut-off").await;
    pair.one.door.turn(Mood::Shut);
    pair.delete().await;
    pair.one.program.until_logged("could not be renewed in time").await;
    pair.one.is_alive().await;
    pair.until_all_say(DELETED).await;
    pair.two.until_leading().await;
    let stopped = logged_at(&pair.one.program.log(), "could not be renewed in time");
    let (acquired, _) = pair.last_term("two");
    assert!(stopped < acquired, "one stopped at {stopped}, two began at {acquired}");

    pair.one.door.turn(Mood::Open);
    pair.one.until_standby_of("two").await;
    let (_, log) = {
        let Pair { scene, book, principal, one, two } = pair;
        let said = two.program.stop().await;
        one.until_leading().await;
        let two = Replica::start(&scene, "two again", &book).await;
        let pair = Pair { scene, book, principal, one, two };
        pair.restore().await;
        pair.until_all_say(IN_SYNC).await;
        assert_eq!(pair.writers(), ["one", "two", "one"]);
        pair.close().await;
        said
    };
    assert!(log.contains("is released"), "{log}");
}

pub async fn without_a_lease_a_process_acts_alone_and_says_so(stage: &Stage) {
    let scene = Scene::open(stage, "lease-none").await;
    scene.create(&integration("contoso")).await;
    let book = Book::default();
    let door = Door::open("alone", scene.cluster.client.clone(), book.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, door.kubeconfig()).unwrap();
    let microsoft = scene.tenants.url();
    let arguments = ["run", "--log-format=json", "--namespace", scene.namespace, "--emulator", &microsoft];
    let program = Program::start(&arguments, &[("KUBECONFIG", kubeconfig.to_str().unwrap())]);
    program.until_logged("no lease is named (--lease)").await;
    scene.until_says("contoso", IN_SYNC).await;
    door.turn(Mood::HoldsWrites);
    scene.edit("contoso", &serde_json::json!({ "spec": { "interval": "1h" } })).await;
    door.until_holding(1).await;
    program.signal("TERM").await;
    program.until_logged("stopping").await;
    program.signal("TERM").await;
    assert_eq!(program.code().await, Some(128 + 15), "a second signal waits for nothing");
    assert!(book.entries().iter().all(|entry| !entry.is_of_lease()));
    scene.close().await;
}

fn is_good(entry: &Entry) -> bool {
    entry.status.is_some_and(|status| (200..300).contains(&status))
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// When the program logged this.
fn logged_at(log: &str, part: &str) -> Timestamp {
    let line = log.lines().find(|line| line.contains(part)).unwrap();
    time(&serde_json::from_str::<Value>(line).unwrap()["timestamp"])
}

async fn get(url: &str) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}
