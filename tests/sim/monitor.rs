//! What is known of one object beside its status: its specs, who disturbed it when, and what its tenant was like.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    living,
    oracle::{self, Expected, Scene},
    spec,
    truth::Truth,
};

/// The longest confirmation, that of a whole service principal; other absences take a minute (design.md 3.2 rule 4).
const CONFIRMATION: SignedDuration = SignedDuration::from_mins(3);

/// A consent may not show in all reads before this; until then it was not in vain.
const CONSENT_SHOWS_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// Certificates are read this often; design.md 4.1.
const CREDENTIALS_REREAD: SignedDuration = SignedDuration::from_hours(6);

/// The longest pause between looks that fail; faults.md G2.
const BACKOFF_CAP: SignedDuration = SignedDuration::from_secs(300);

/// A verdict outlives the last complete look by the interval and this; design.md 3.2.
const STALE_MARGIN: SignedDuration = SignedDuration::from_mins(15);

/// A Secret is read again after this at the latest; design.md 4.3.
const SECRET_REREAD: SignedDuration = SignedDuration::from_mins(10);

/// What a look and its write may take while everything answers: some dozens of requests of at most 0.7 s.
pub const LOOK: SignedDuration = SignedDuration::from_secs(20);

/// What a Secret holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// The value that the tenant accepts.
    Good,
    /// Another value.
    Wrong,
    /// It does not exist.
    Missing,
    /// It lacks the label.
    Unlabelled,
    /// It lacks the key.
    Keyless,
    /// The key holds nothing but a line break.
    Empty,
}

impl SecretState {
    /// The reason that an object then gives, if it cannot be looked at.
    pub fn obstacle(self) -> Option<&'static str> {
        match self {
            Self::Good => None,
            Self::Wrong => Some("CredentialInvalid"),
            Self::Missing => Some("SecretNotFound"),
            Self::Unlabelled => Some("SecretNotLabelled"),
            Self::Keyless | Self::Empty => Some("SecretKeyMissing"),
        }
    }
}

/// One object of a history.
#[derive(Debug)]
pub struct Object {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The number of its tenant.
    pub tenant: usize,
    /// Application ID that only this object asks for.
    pub marker: String,
    /// Its Secret, which it shares with no other object.
    pub secret: String,
    /// What that holds.
    pub secret_state: SecretState,
    /// What it held, and since when.
    pub secret_states: Vec<(Timestamp, SecretState)>,
    /// Whether it exists.
    pub exists: bool,
    /// Its spec as it stands.
    pub spec: Value,
    /// Whether a rule of the spec is broken.
    pub is_broken: bool,
    /// Its generation.
    pub generation: i64,
    /// The value of the annotation that asks for a look.
    pub requested_at: Option<String>,
    /// Its status as it stands.
    pub status: Value,
    /// The last time when somebody changed it, its Secret or its tenant.
    pub touched: Timestamp,
    /// The last time when somebody changed it or its Secret.
    pub edited: Timestamp,
    /// The last time when a fault hit something that its looks depend on.
    pub hit: Timestamp,
    /// Until when the watch may not tell about it.
    pub deaf: Timestamp,
    /// When a client secret of its tenant was last renewed.
    pub renewed: Timestamp,
    /// Differences that the last write told for the first time and no event has told yet.
    pub untold: usize,
    /// When it was last looked at.
    pub looked: Timestamp,
    /// When which of its conditions turned from True to False or back.
    pub flips: Vec<(Timestamp, String)>,
}

impl Object {
    /// A pause of this object's interval, with its jitter of a tenth.
    pub fn interval(&self) -> SignedDuration {
        SignedDuration::from_millis(spec::interval_seconds(&self.spec) * 1100)
    }

    /// What the status has to say in the end.
    pub fn expected(&self, truth: &Truth, now: Timestamp) -> Expected {
        if self.spec["suspend"] == true {
            return Expected::Suspended;
        }
        if self.is_broken {
            return Expected::InvalidSpec;
        }
        if let Some(reason) = self.secret_state.obstacle() {
            return Expected::Obstacle(reason);
        }
        let scene = self.scene(truth, now);
        let differences = oracle::differences(scene);
        if oracle::is_unsettled(scene) { Expected::NotProved(differences) } else { Expected::Differences(differences) }
    }

    /// What there is to judge it by.
    pub fn scene<'a>(&'a self, truth: &'a Truth, now: Timestamp) -> Scene<'a> {
        Scene { spec: &self.spec, truth, status: &self.status, now }
    }

    /// When time alone last changed what it has to say.
    pub fn last_turn(&self, truth: &Truth, now: Timestamp) -> Option<Timestamp> {
        let wanted = oracle::wanted(self.scene(truth, now));
        let turns = wanted.iter().filter_map(|wanted| {
            let principal = truth.live.get(&wanted.app_id)?;
            living::last_turn(truth, principal, wanted.warn_before, oracle::entry(&self.status, &wanted.name), now)
        });
        turns.max()
    }

    /// From when on the status has to agree with the oracle and to stand still, if nothing happens any more.
    ///
    /// After an act: replication lag, then one interval until the next look, then the confirmation window and its
    /// jitter, then the look itself. After a fault also the longest pause between failed looks. With a credential that
    /// does not work the old verdict may stand until the Secret is read again and the verdict is stale.
    pub fn settled(&self, lag: SignedDuration) -> Timestamp {
        let confirmed = CONFIRMATION + CONFIRMATION / 10 + LOOK * 3;
        let mut patience = lag + self.interval() + confirmed;
        if self.secret_state != SecretState::Good {
            patience += SECRET_REREAD + STALE_MARGIN + self.interval() * 2;
        }
        // Certificates are remembered for six hours.
        let reread = self.renewed + CREDENTIALS_REREAD + patience;
        (self.touched.max(self.deaf) + patience).max(reread).max(self.hit + BACKOFF_CAP + BACKOFF_CAP / 10 + patience)
    }

    /// From when on not even who made a difference is news: its record shows late in the audit log, and one look more
    /// asks for it. Whether consent was in vain shows ten minutes after it.
    pub fn quiet(&self, lag: SignedDuration, audit_delay: SignedDuration) -> Timestamp {
        self.settled(lag) + audit_delay + CONSENT_SHOWS_AFTER + self.interval() * 2 + LOOK * 2
    }

    /// By when the next look is due while its tenant answers.
    pub fn due(&self) -> Timestamp {
        let undisturbed = self.looked.max(self.edited).max(self.deaf) + self.interval();
        undisturbed.max(self.hit + BACKOFF_CAP + BACKOFF_CAP / 10 + self.interval()) + LOOK * 2
    }

    /// Before when the next look comes too early, because nothing has happened since the last one.
    ///
    /// None while something may have: an edit, a fault, another truth, a verdict that people are waiting to see heal.
    pub fn too_early(&self, lag: SignedDuration) -> Option<Timestamp> {
        let conditions = oracle::conditions(&self.status);
        let is = |condition: &str| conditions.get(condition).is_some_and(|(status, _)| *status == "True");
        let is_quiet = self.looked > self.settled(lag) && is("Ready") && is("Observed");
        is_quiet.then(|| self.looked + SignedDuration::from_millis(spec::interval_seconds(&self.spec) * 900) - LOOK)
    }

    /// Whether its tenant is looked at at all.
    pub fn is_watched(&self) -> bool {
        self.exists && self.spec["suspend"] != true && !self.is_broken && self.secret_state == SecretState::Good
    }

    /// Its name with its namespace.
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// The truth about a tenant over time.
#[derive(Debug, Default)]
pub struct History {
    moments: Vec<(Timestamp, Truth)>,
}

impl History {
    /// Notes the truth from now on.
    pub fn note(&mut self, now: Timestamp, truth: Truth) {
        self.moments.push((now, truth));
    }

    /// The truth now.
    pub fn last(&self) -> &Truth {
        &self.moments.last().expect("the truth is noted when the tenant is made").1
    }

    /// Every truth that held at some instant after the first and before the second time.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = &Truth> {
        self.moments.iter().filter(move |(at, _)| from < *at && *at < until).map(|(_, truth)| truth)
    }

    /// Every truth that held at some instant since then.
    pub fn since(&self, from: Timestamp) -> impl Iterator<Item = &Truth> {
        let first = self.moments.iter().rposition(|(at, _)| *at <= from).unwrap_or(0);
        self.moments.iter().skip(first).map(|(_, truth)| truth)
    }
}

/// The entries of a list in a status by a name.
pub fn by_name<'a>(list: &'a Value, name: &str) -> BTreeMap<&'a str, &'a Value> {
    let rows = list.as_array().into_iter().flatten();
    rows.filter_map(|row| Some((row.get(name)?.as_str()?, row))).collect()
}
