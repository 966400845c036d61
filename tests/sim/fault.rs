//! Faults as rules in a list: where, when and how often a request meets which fault.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::dice::Dice;

/// Where a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seam {
    /// Under the Kubernetes client.
    Kubernetes,
    /// Under everything that speaks to Microsoft.
    Graph,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives.
    LoseRequest,
    /// It takes effect, and the answer never arrives.
    LoseAnswer,
    /// It is answered 429 without an effect; with this `Retry-After`, if any.
    TooMany(Option<&'static str>),
    /// It is answered 503 without an effect.
    Unavailable,
    /// It takes effect, and the connection stays open without an answer.
    Silence,
    /// It is answered 200 with somebody else's page, without an effect.
    Page,
    /// The process ends before the request has an effect.
    CrashBefore,
    /// The process ends when the request has had its effect.
    CrashAfter,
}

impl Fault {
    /// Its name in the totals.
    pub fn name(self) -> &'static str {
        match self {
            Self::LoseRequest => "lost request",
            Self::LoseAnswer => "lost answer",
            Self::TooMany(Some(_)) => "429 with Retry-After",
            Self::TooMany(None) => "429 without Retry-After",
            Self::Unavailable => "503",
            Self::Silence => "no answer",
            Self::Page => "a page in HTML",
            Self::CrashBefore => "crash before the effect",
            Self::CrashAfter => "crash after the effect",
        }
    }
}

/// When a rule applies.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// To one in so many requests between two times.
    Storm { from: Timestamp, until: Timestamp, one_in: u64 },
    /// To the request with this number, counted over both seams.
    Request(u64),
}

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Where; everywhere if not said.
    pub seam: Option<Seam>,
    /// For which tenant only.
    pub tenant: Option<usize>,
    /// When.
    pub when: When,
    /// What.
    pub fault: Fault,
}

/// The rules of a history, and what they did.
pub struct Faults {
    rules: Vec<Rule>,
    dice: Dice,
    requests: u64,
    fired: BTreeMap<String, u64>,
}

/// The forms of `Retry-After` that are sent; the product clamps them to 1 s … 15 min.
const RETRY_AFTER: [&str; 8] = ["1", "3", "10", "30", "2.128", "0", "120", "-4"];

impl Faults {
    /// No rules yet but the crashes.
    pub fn seeded(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 2);
        let mut rules = Vec::new();
        for _ in 0..*dice.pick(&[0, 0, 1, 1, 2, 4]) {
            let last = *dice.pick(&[20, 100, 600]);
            let request = dice.between(1, last);
            let fault = *dice.pick(&[Fault::CrashBefore, Fault::CrashAfter]);
            rules.push(Rule { seam: None, tenant: None, when: When::Request(request), fault });
        }
        Self { rules, dice, requests: 0, fired: BTreeMap::new() }
    }

    /// Adds a storm that begins now.
    pub fn storm(&mut self, dice: &mut Dice, now: Timestamp, tenants: usize) {
        let fault = match dice.between(0, 12) {
            0..=2 => Fault::LoseRequest,
            3..=5 => Fault::LoseAnswer,
            6..=7 => Fault::TooMany(Some(*dice.pick(&RETRY_AFTER))),
            8 => Fault::TooMany(None),
            9 => Fault::Unavailable,
            10 => Fault::Silence,
            11 => Fault::Page,
            _ => *dice.pick(&[Fault::CrashBefore, Fault::CrashAfter]),
        };
        let is_crash = matches!(fault, Fault::CrashBefore | Fault::CrashAfter);
        let length = jiff::SignedDuration::from_secs(*dice.pick(&[3, 20, 90, 400, 1500]));
        let tenant = usize::try_from(dice.between(0, 5)).expect("small");
        self.rules.push(Rule {
            seam: *dice.pick(&[None, Some(Seam::Graph), Some(Seam::Graph), Some(Seam::Kubernetes)]),
            tenant: (tenant < tenants).then_some(tenant),
            when: When::Storm {
                from: now,
                until: now + length,
                one_in: *dice.pick(if is_crash { &[5, 10, 20] } else { &[1, 2, 4, 10] }),
            },
            fault,
        });
    }

    /// Counts a request and tells what becomes of it.
    pub fn strike(&mut self, seam: Seam, tenant: Option<usize>, now: Timestamp) -> Option<Fault> {
        self.requests += 1;
        let requests = self.requests;
        let mut struck = None;
        for rule in &self.rules {
            let is_meant =
                rule.seam.is_none_or(|wanted| wanted == seam) && (rule.tenant.is_none() || rule.tenant == tenant);
            let is_due = match rule.when {
                When::Storm { from, until, one_in } => from <= now && now < until && self.dice.once_in(one_in),
                When::Request(number) => number == requests,
            };
            if is_meant && is_due {
                struck = Some(rule.fault);
                break;
            }
        }
        if let Some(fault) = struck {
            self.count(&format!("{seam:?}: {}", fault.name()));
        }
        struck
    }

    /// Counts a fault that fired without a rule.
    pub fn count(&mut self, what: &str) {
        *self.fired.entry(what.to_owned()).or_default() += 1;
    }

    /// Lifts all rules.
    pub fn lift(&mut self) {
        self.rules.clear();
    }

    /// How often what fired.
    pub fn fired(&self) -> &BTreeMap<String, u64> {
        &self.fired
    }

    /// Requests over both seams.
    pub fn requests(&self) -> u64 {
        self.requests
    }
}
