//! Many histories, and what they came to.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::SignedDuration;

use super::history::{Outcome, run};

/// Histories in every run of the tests.
const SEEDS: u64 = 1000;

/// Threads, each with histories of its own.
const THREADS: usize = 2;

/// A number from the environment: which history, or how many.
#[expect(clippy::disallowed_methods, reason = "the one argument of a test binary that cargo passes on unchanged")]
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// Sums over all histories.
#[derive(Debug, Default)]
struct Totals {
    histories: u64,
    requests: u64,
    looks: u64,
    writes: u64,
    events: u64,
    starts: u64,
    lasted: SignedDuration,
    fired: BTreeMap<String, u64>,
    acts: BTreeMap<&'static str, u64>,
    comparisons: BTreeMap<&'static str, u64>,
}

fn add<K: Ord + Clone>(sum: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    for (key, count) in more {
        *sum.entry(key.clone()).or_default() += count;
    }
}

impl Totals {
    fn take_in(&mut self, outcome: &Outcome) {
        self.histories += 1;
        self.requests += outcome.requests;
        self.looks += outcome.counts.looks;
        self.writes += outcome.counts.writes;
        self.events += outcome.counts.events;
        self.starts += outcome.counts.starts;
        self.lasted += outcome.lasted;
        add(&mut self.fired, &outcome.fired);
        add(&mut self.acts, &outcome.counts.acts);
        add(&mut self.comparisons, &outcome.counts.comparisons);
    }

    fn print(&self) {
        let Self { histories, requests, looks, writes, events, starts, lasted, fired, acts, comparisons } = self;
        eprintln!("{histories} histories, {} hours of virtual time, {starts} processes", lasted.as_hours());
        eprintln!("{looks} looks, {requests} requests, {writes} status writes, {events} events");
        eprintln!("faults fired: {fired:#?}");
        eprintln!("acts: {acts:#?}");
        eprintln!("comparisons with the oracle, by what it expected: {comparisons:#?}");
    }
}

fn campaign(first: u64, count: u64) -> Totals {
    let next = AtomicU64::new(first);
    let totals = Mutex::new(Totals::default());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    let outcome = run(seed);
                    totals.lock().expect("no history panics here").take_in(&outcome);
                    if outcome.violation.is_some() {
                        failed.lock().expect("no history panics here").push(outcome);
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("all threads are done");
    failed.sort_by_key(|outcome| outcome.seed);
    for outcome in &failed {
        let violation = outcome.violation.as_ref().expect("failed ones have one");
        eprintln!("seed {} violates {}: {}", outcome.seed, violation.property, violation.text);
    }
    if let Some(worst) = failed.iter().min_by_key(|outcome| outcome.log.len()) {
        eprintln!("the shortest of them, seed {}:\n{}", worst.seed, worst.log);
    }
    let totals = totals.into_inner().expect("all threads are done");
    totals.print();
    assert!(failed.is_empty(), "{} of {count} histories violate a property", failed.len());
    totals
}

#[test]
fn every_history_ends_in_a_true_and_quiet_status() {
    if let Some(seed) = number("SIM_SEED") {
        let outcome = run(seed);
        eprint!("{}", outcome.log);
        assert_eq!(outcome.violation, None, "seed {seed}");
        return;
    }
    let totals = campaign(number("SIM_FIRST").unwrap_or(0), number("SIM_COUNT").unwrap_or(SEEDS));
    assert!(totals.looks > totals.histories * 20, "the tenants were hardly looked at");
}

#[test]
fn the_same_seed_gives_the_same_log_in_two_processes() {
    if number("SIM_SEED").is_some() {
        return;
    }
    let binary = std::env::current_exe().expect("the test binary has a path");
    for seed in ["3", "14", "15"] {
        let log = || {
            let test = "campaign::every_history_ends_in_a_true_and_quiet_status";
            let output = Command::new(&binary).args(["--exact", test, "--nocapture"]).env("SIM_SEED", seed).output();
            output.expect("the test binary runs").stderr
        };
        let (one, two) = (log(), log());
        assert!(one.len() > 10_000, "seed {seed} says little: {}", String::from_utf8_lossy(&one));
        assert!(one == two, "seed {seed} gives two different logs");
    }
}
