//! Candidates in virtual time on an API server in memory that holds one Lease.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::{Value, json};
use tower::BoxError;

use super::*;

/// What the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    /// No answer ever comes.
    Silent,
    /// Writes succeed, and nobody is told.
    Mute,
    Forbidding,
}

#[derive(Debug)]
struct State {
    mood: Mood,
    lease: Option<Value>,
    version: u64,
    /// Holders in the order of the writes.
    holders: Vec<String>,
    others: u32,
}

#[derive(Debug, Clone)]
struct Server(Arc<Mutex<State>>);

impl Server {
    fn start() -> Self {
        let state = State { mood: Mood::Well, lease: None, version: 0, holders: Vec::new(), others: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self) -> Client {
        let server = self.clone();
        let answer = move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, BoxError>(server.answer(request).await) }
        };
        Client::new(tower::service_fn(answer), "default")
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let mood = self.state().mood;
        let answer = match mood {
            Mood::Forbidding => Err((403, "Forbidden")),
            Mood::Silent => std::future::pending().await,
            Mood::Well | Mood::Mute => self.state().act(&parts.method, parts.uri.path(), &body),
        };
        if mood == Mood::Mute && parts.method != Method::GET {
            std::future::pending::<()>().await;
        }
        let (code, body) = match answer {
            Ok(body) => (200, body),
            Err((code, reason)) => {
                let message = format!("leases.coordination.k8s.io: {reason}");
                (
                    code,
                    json!({ "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message }),
                )
            }
        };
        let body = Body::from(body.to_string().into_bytes());
        Response::builder().status(StatusCode::from_u16(code).unwrap()).body(body).unwrap()
    }
}

impl State {
    fn act(&mut self, method: &Method, path: &str, body: &[u8]) -> Result<Value, (u16, &'static str)> {
        if !path.contains("/namespaces/webex/leases") {
            self.others += 1;
            return Ok(json!({}));
        }
        if method == Method::GET {
            return self.lease.clone().ok_or((404, "NotFound"));
        }
        let mut lease: Value = serde_json::from_slice(body).unwrap();
        let stands = self.lease.as_ref().map(|lease| lease["metadata"]["resourceVersion"].clone());
        match (method == Method::POST, stands) {
            (true, None) => {}
            (false, Some(stands)) if lease["metadata"]["resourceVersion"] == stands => {}
            (true, Some(_)) => return Err((409, "AlreadyExists")),
            (false, Some(_)) => return Err((409, "Conflict")),
            (false, None) => return Err((404, "NotFound")),
        }
        self.version += 1;
        lease["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.holders.push(lease["spec"]["holderIdentity"].as_str().unwrap().to_owned());
        self.lease = Some(lease.clone());
        Ok(lease)
    }

    fn spec(&self, field: &str) -> Value {
        self.lease.as_ref().unwrap()["spec"][field].clone()
    }
}

/// A process: its signs of life, how many runs of it began and ended, and its log of what it does.
struct Process {
    vital: Vital,
    stop: CancellationToken,
    runs: Arc<Mutex<Vec<&'static str>>>,
    tasks: JoinSet<Result<(), RunError>>,
}

/// Ends with the run, however that ends.
struct Noted(Arc<Mutex<Vec<&'static str>>>);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push("ended");
    }
}

fn clock() -> Clock {
    Clock::seeded("2026-11-23T08:00:00Z".parse().unwrap(), 1)
}

fn lease_name() -> LeaseName {
    "webex/operator".parse().unwrap()
}

impl Process {
    /// A process whose run writes every second until it is told to stop, and takes two more seconds to end then.
    fn start(server: &Server, name: &str) -> Self {
        let clock = clock();
        let vital = Vital::new(clock.clone());
        let candidate =
            Candidate::new(server.client(), lease_name(), name.to_owned(), Terms::PRODUCTION, clock, vital.clone());
        let (stop, runs) = (CancellationToken::new(), Arc::<Mutex<Vec<&'static str>>>::default());
        let (noted, told) = (Arc::clone(&runs), stop.clone());
        let run = move |client: Client| {
            let (noted, told) = (Arc::clone(&noted), told.clone());
            async move {
                noted.lock().unwrap_or_else(PoisonError::into_inner).push("began");
                let _noted = Noted(noted);
                while !told.is_cancelled() {
                    let request = Request::post("/events").body(Body::empty()).unwrap();
                    let _ = client.send(request).await;
                    sleep(Duration::from_secs(1)).await;
                }
                sleep(Duration::from_secs(2)).await;
                Ok(())
            }
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(candidate.lead(stop.clone(), run));
        Self { vital, stop, runs, tasks }
    }

    fn runs(&self) -> Vec<&'static str> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn until(&self, standing: Standing) {
        let is_so = async {
            while self.vital.standing() != standing {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), is_so).await;
        assert!(waited.is_ok(), "waited in vain for {standing:?}: {:?}", self.vital.standing());
    }

    async fn stop(&mut self) {
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap().unwrap();
    }
}

fn standby(holder: &str) -> Standing {
    Standing::Standby(holder.to_owned())
}

#[tokio::test(start_paused = true)]
async fn k25_at_the_end_the_run_ends_first_then_the_lease_is_released_and_the_other_takes_over_at_once() {
    let server = Server::start();
    let clock = clock();
    let mut one = Process::start(&server, "one");
    one.until(Standing::Leading).await;
    let mut two = Process::start(&server, "two");
    two.until(standby("one")).await;
    assert_eq!((one.runs(), two.runs()), (vec!["began"], vec![]), "a standby runs nothing");

    one.stop().await;
    assert_eq!(one.runs(), ["began", "ended"]);
    assert_eq!(server.state().spec("holderIdentity"), "");
    assert_eq!(server.state().spec("leaseDurationSeconds"), 1);
    let released = clock.instant();
    two.until(Standing::Leading).await;
    assert!(clock.instant() - released <= Duration::from_millis(2300), "a pause between two tries, not a lease");
    assert_eq!(server.state().spec("leaseTransitions"), 1);
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_gone_without_a_word_is_followed_within_twenty_seconds() {
    let server = Server::start();
    let clock = clock();
    let mut one = Process::start(&server, "one");
    one.until(Standing::Leading).await;
    let two = Process::start(&server, "two");
    two.until(standby("one")).await;
    sleep(Duration::from_secs(30)).await;
    assert_eq!(two.vital.standing(), standby("one"));

    one.tasks.shutdown().await;
    let gone = clock.instant();
    two.until(Standing::Leading).await;
    let took = clock.instant() - gone;
    assert!((10..20).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn k09_a_leader_that_is_cut_off_drops_its_run_before_others_may_begin_and_comes_back() {
    for mood in [Mood::Silent, Mood::Mute, Mood::Forbidding] {
        let server = Server::start();
        let clock = clock();
        let mut one = Process::start(&server, "one");
        one.until(Standing::Leading).await;
        sleep(Duration::from_mins(1)).await;
        server.state().mood = mood;
        let cut = clock.instant();
        one.until(standby("")).await;
        let took = clock.instant() - cut;
        assert!((7..=10).contains(&took.as_secs()), "{mood:?}: {took:?}");
        assert_eq!(one.runs(), ["began", "ended"], "{mood:?}");
        assert!(one.vital.live().iter().all(|sign| sign.state.is_ok()), "{mood:?}: a restart would not help");

        server.state().mood = Mood::Well;
        one.until(Standing::Leading).await;
        assert_eq!(server.state().spec("leaseTransitions"), 0, "{mood:?}: nobody else had it");
        one.stop().await;
        assert_eq!(one.runs(), ["began", "ended", "began", "ended"], "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn k15_a_leader_whose_lease_was_taken_stops_at_its_next_renewal() {
    let server = Server::start();
    let one = Process::start(&server, "one");
    one.until(Standing::Leading).await;
    let thief = json!({
        "metadata": { "resourceVersion": "stolen" },
        "spec": { "holderIdentity": "thief", "leaseDurationSeconds": 15, "leaseTransitions": 7 },
    });
    server.state().lease = Some(thief);
    one.until(standby("thief")).await;
    assert_eq!(one.runs(), ["began", "ended"]);
    let before = server.state().others;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(server.state().others, before, "a standby writes nothing");
    one.until(Standing::Leading).await;
    assert_eq!(server.state().spec("leaseTransitions"), 8);
}

#[tokio::test(start_paused = true)]
async fn k23_a_lease_that_may_not_be_read_is_told_with_what_is_missing() {
    let server = Server::start();
    server.state().mood = Mood::Forbidding;
    let mut one = Process::start(&server, "one");
    sleep(Duration::from_secs(30)).await;
    let Standing::Candidate(Some(trouble)) = one.vital.standing() else { panic!("{:?}", one.vital.standing()) };
    let expected =
        "may not get the lease webex/operator: the Role with get, create and update on leases of coordination.k8s.io";
    assert!(trouble.starts_with(expected), "{trouble}");
    assert_eq!(one.runs(), [""; 0]);
    one.stop().await;
    assert_eq!(server.state().holders, [""; 0], "a process that is told to stop takes no lease");
}

#[tokio::test(start_paused = true)]
async fn a_try_whose_answer_is_open_at_the_end_is_released_all_the_same() {
    let server = Server::start();
    server.state().mood = Mood::Mute;
    let mut one = Process::start(&server, "one");
    while server.state().holders.is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
    server.state().mood = Mood::Well;
    one.stop().await;
    assert_eq!(server.state().holders, ["one", ""]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_panics_ends_the_process_and_releases_the_lease() {
    let server = Server::start();
    let clock = clock();
    let vital = Vital::new(clock.clone());
    let candidate =
        Candidate::new(server.client(), lease_name(), "one".to_owned(), Terms::PRODUCTION, clock, vital.clone());
    let run = |_: Client| async { panic!("a bug") };
    let ended = candidate.lead(CancellationToken::new(), run).await;
    assert!(matches!(ended, Err(RunError::Broken)), "{ended:?}");
    assert_eq!(server.state().holders, ["one", ""]);
}

#[tokio::test(start_paused = true)]
async fn what_others_wrote_into_the_lease_stays_in_it() {
    let server = Server::start();
    let foreign = json!({
        "metadata": { "resourceVersion": "x", "labels": { "team": "identity" } },
        "spec": { "holderIdentity": "", "strategy": "OldestEmulationVersion" },
    });
    server.state().lease = Some(foreign);
    let mut one = Process::start(&server, "one");
    one.until(Standing::Leading).await;
    one.stop().await;
    let lease = server.state().lease.clone().unwrap();
    assert_eq!(lease["metadata"]["labels"]["team"], "identity");
    assert_eq!(lease["spec"]["strategy"], "OldestEmulationVersion");
}

#[test]
fn a_name_of_a_lease_has_a_namespace() {
    for good in ["webex/operator", "w/y", "webex-2/my.operator-1"] {
        assert_eq!(good.parse::<LeaseName>().unwrap().to_string(), good);
    }
    for bad in
        ["", "/", "operator", "/operator", "webex/", "webex/a/b", "Webex/operator", "we.bex/a", "webex/-a", "webex/a b"]
    {
        assert!(bad.parse::<LeaseName>().is_err(), "{bad}");
    }
}

#[test]
fn the_page_names_what_is_counted() {
    let mut registry = Registry::with_prefix(crate::ops::endpoint::PREFIX);
    register_alone(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    let page = include_str!("../../../docs/metrics.md");
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(samples, ["webex_azure_operator_leader 1", "webex_azure_operator_leader_transitions_total 0"]);
    for sample in samples {
        let name = sample.split(' ').next().unwrap();
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}
