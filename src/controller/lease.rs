//! Leader election by a Lease, around the whole run: of several processes one watches, looks and writes.
//!
//! The Lease is read and written as client-go's leader election does, so that `kubectl get lease` tells the truth and any
//! tool that knows one knows this. When the lease is lost the run is dropped with all that it knows, and the process
//! stands for election again: a standby that is there takes over sooner than a container that is restarted with growing
//! pauses.
//!
//! Two writers at once are kept apart by three things: who leads stops [`Terms::renew_deadline`] after the last renewal
//! that succeeded was *sent*, which is well before others may take the lease; the [`gate::Gate`] under its client sends no
//! change after that, also if the process stood still in between; and the version in each status write makes the API
//! server refuse what is late all the same.

pub mod election;
mod error;
pub mod gate;
mod name;
mod record;

pub use error::LeaseError;
pub use name::{LeaseName, NotALeaseName};

use std::{future::Future, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client, api::PostParams};
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::{
    election::{Action, Election, Loss, Record, Terms},
    gate::Gate,
};
use super::{
    run::RunError,
    vital::{Standing, Vital},
};
use crate::clock::Clock;

/// A turn follows a conflict by reading and deciding anew this often; more would be a fight.
const ATTEMPTS: u32 = 3;

/// Shortest pause between two turns.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// How an attempt ended.
#[derive(Debug)]
enum Turn {
    /// The lease is ours.
    Held,
    /// It is another's, at least until then.
    Waiting(Instant),
    /// It was ours.
    Lost(Loss),
    /// Nothing is known.
    Failed,
}

/// A process that stands for election.
pub struct Candidate {
    client: Client,
    api: Api<Lease>,
    name: LeaseName,
    terms: Terms,
    clock: Clock,
    election: Election,
    /// The Lease as it was last read or written; all but what the election owns is written back as it was.
    last: Option<Lease>,
    /// Whether nothing was asked since whose answer is open.
    is_current: bool,
    gate: Gate,
    vital: Vital,
    leads: Gauge,
    transitions: Counter,
    trouble: Option<String>,
}

impl Candidate {
    /// A candidate of this name, which is to be no other process's.
    pub fn new(client: Client, name: LeaseName, identity: String, terms: Terms, clock: Clock, vital: Vital) -> Self {
        vital.stands(Standing::Candidate(None));
        Self {
            api: Api::namespaced(client.clone(), &name.namespace),
            client,
            name,
            terms,
            election: Election::new(identity, terms),
            last: None,
            is_current: false,
            gate: Gate::new(clock.clone()),
            clock,
            vital,
            leads: Gauge::default(),
            transitions: Counter::default(),
            trouble: None,
        }
    }

    /// Makes readable whether this process leads.
    pub fn register(&self, registry: &mut Registry) {
        register(registry, &self.leads, &self.transitions);
    }

    /// Stands for election and has this run while it leads, again and again, until the run ends by itself, as it does when
    /// told to stop; then the lease is released. What is run gets a client that sends changes only while the lease is held,
    /// and is dropped when the lease is lost.
    pub async fn lead<R>(mut self, stop: CancellationToken, mut run: impl FnMut(Client) -> R) -> Result<(), RunError>
    where
        R: Future<Output = Result<(), RunError>> + Send + 'static,
    {
        let Self { name, .. } = &self;
        let identity = self.election.identity();
        info!(lease = %name, identity, "standing for election by the lease {name} as {identity}");
        loop {
            let is_won = tokio::select! {
                biased;
                () = stop.cancelled() => false,
                () = self.win() => true,
            };
            if !is_won {
                break self.release().await;
            }
            let mut term = JoinSet::new();
            term.spawn(run(self.gate.guard(&self.client)));
            let ended = tokio::select! {
                biased;
                loss = self.keep() => Err(loss),
                Some(ended) = term.join_next() => Ok(ended),
            };
            self.gate.close();
            match ended {
                Ok(ended) => {
                    self.release().await;
                    return ended.unwrap_or(Err(RunError::Broken));
                }
                Err(loss) => {
                    self.tell_loss(&loss);
                    term.shutdown().await;
                    self.step_down();
                }
            }
        }
        Ok(())
    }

    /// Tries until the lease is ours.
    async fn win(&mut self) {
        loop {
            let pause = self.clock.jittered(self.terms.retry);
            let pause = match self.turn().await {
                Turn::Held => break,
                Turn::Waiting(until) => pause.min(until.saturating_duration_since(self.clock.instant())),
                Turn::Lost(_) | Turn::Failed => pause,
            };
            sleep(pause.max(SHORTEST_PAUSE)).await;
        }
        let Self { name, .. } = &self;
        info!(lease = %name, "leading: the lease {name} is held by this process");
        self.vital.stands(Standing::Leading);
        self.leads.set(1);
        self.transitions.inc();
    }

    /// Renews the lease until it is lost.
    async fn keep(&mut self) -> Loss {
        while let Some(until) = self.election.leading_until() {
            let pause = self.clock.jittered(self.terms.retry);
            let renewed = async {
                sleep(pause).await;
                self.turn().await
            };
            let turn = tokio::select! {
                biased;
                () = sleep_until(until) => return Loss::Expired,
                turn = renewed => turn,
            };
            match turn {
                Turn::Lost(loss) => return loss,
                Turn::Held | Turn::Waiting(_) | Turn::Failed => {}
            }
        }
        Loss::Expired
    }

    /// One attempt to take or to renew.
    async fn turn(&mut self) -> Turn {
        self.vital.election_turned();
        let turn = match self.attempt().await {
            Ok(turn) => turn,
            Err(error) => {
                self.tell_trouble(&error);
                return Turn::Failed;
            }
        };
        self.trouble = None;
        if let (Turn::Waiting(_), Some(sighting)) = (&turn, self.election.sighting()) {
            self.tell_standby(sighting.record.holder.clone());
        }
        turn
    }

    async fn attempt(&mut self) -> Result<Turn, LeaseError> {
        // Who leads writes over what it wrote last; all others look first.
        if self.election.leading_until().is_none() {
            self.is_current = false;
        }
        for _ in 0..ATTEMPTS {
            if !self.is_current {
                self.read().await?;
            }
            // Taken before the record is made and sent: the term counts from here.
            let sent = (self.clock.instant(), self.clock.now());
            let (record, is_new) = match self.election.decide(sent.0, sent.1) {
                Action::Read => continue,
                Action::Wait { until, .. } => return Ok(Turn::Waiting(until)),
                Action::StandDown(loss) => return Ok(Turn::Lost(loss)),
                Action::Create(record) => (record, true),
                Action::Replace { record, .. } => (record, false),
            };
            match self.write(&record, is_new).await {
                Ok(lease) => {
                    self.win_term(sent, lease);
                    return Ok(Turn::Held);
                }
                // Another was faster, or it was deleted.
                Err(error) if error.has_code(409) || (error.has_code(404) && !is_new) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Turn::Failed)
    }

    async fn read(&mut self) -> Result<(), LeaseError> {
        let read = self.within_deadline("get", self.api.get_opt(&self.name.name)).await?;
        self.election.see(self.clock.instant(), read.as_ref().map(record::of));
        self.last = read;
        self.is_current = true;
        Ok(())
    }

    /// Writes the record; until that is known to have succeeded, nothing is known.
    async fn write(&mut self, record: &Record, is_new: bool) -> Result<Lease, LeaseError> {
        self.is_current = false;
        let parameters = PostParams::default();
        if is_new {
            let lease = record::with(record, record::empty(&self.name));
            return self.within_deadline("create", self.api.create(&parameters, &lease)).await;
        }
        let lease = record::with(record, self.last.clone().unwrap_or_else(|| record::empty(&self.name)));
        self.within_deadline("update", self.api.replace(&self.name.name, &parameters, &lease)).await
    }

    async fn within_deadline<T>(
        &self,
        verb: &'static str,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, LeaseError> {
        match tokio::time::timeout(self.terms.request(), call).await {
            Ok(answer) => answer.map_err(|source| LeaseError::met(verb, self.name.clone(), source)),
            Err(_) => Err(LeaseError::Deadline { verb, lease: self.name.clone() }),
        }
    }

    fn win_term(&mut self, sent: (Instant, Timestamp), lease: Lease) {
        let (version, record) = record::of(&lease);
        self.election.won(sent.0, self.clock.instant(), version, record);
        self.gate.open(sent, self.terms.renew_deadline);
        self.last = Some(lease);
        self.is_current = true;
    }

    fn step_down(&mut self) {
        self.election.step_down();
        self.vital.loop_ended();
        self.vital.stands(Standing::Standby(String::new()));
        self.leads.set(0);
        self.transitions.inc();
    }

    /// Gives the lease back, if it is or may be ours, so that the next leader need not wait until it has run out.
    async fn release(&mut self) {
        self.gate.close();
        if self.leads.get() == 1 {
            self.step_down();
        }
        if !self.election.may_hold() {
            return;
        }
        let Self { name, .. } = self;
        let name = name.clone();
        match tokio::time::timeout(self.terms.request(), self.hand_back()).await {
            Ok(Ok(true)) => info!(lease = %name, "the lease {name} is released"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => {
                warn!(lease = %name, error = %crate::ops::chain(&error), "the lease {name} could not be released and runs out by itself");
            }
            Err(_) => warn!(lease = %name, "the lease {name} could not be released in time and runs out by itself"),
        }
    }

    async fn hand_back(&mut self) -> Result<bool, LeaseError> {
        loop {
            self.read().await?;
            let Some(sighting) = self.election.sighting() else { return Ok(false) };
            if !self.election.is_own(&sighting.record) {
                return Ok(false);
            }
            let released = sighting.record.released(self.clock.now());
            match self.write(&released, false).await {
                Ok(_) => return Ok(true),
                // A renewal that was on its way has come first.
                Err(error) if error.has_code(409) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn tell_standby(&mut self, holder: String) {
        let Self { name, .. } = &self;
        let standing = Standing::Standby(holder);
        let Standing::Standby(holder) = &standing else { return };
        if self.vital.standing() != standing {
            info!(lease = %name, holder, "standing by: the lease {name} is held by {holder}");
        }
        self.vital.stands(standing);
    }

    fn tell_loss(&self, loss: &Loss) {
        let Self { name, .. } = self;
        let identity = self.election.identity();
        match loss {
            Loss::Expired => warn!(
                lease = %name,
                "the lease {name} could not be renewed in time; looks are dropped and this process stands by"
            ),
            Loss::Taken { holder } if holder.is_empty() => warn!(
                lease = %name,
                "the lease {name} was released by somebody else; looks are dropped and this process stands by"
            ),
            Loss::Taken { holder } => warn!(
                lease = %name,
                holder,
                "the lease {name} was taken by {holder}; looks are dropped and this process stands by"
            ),
            Loss::Impostor => warn!(
                lease = %name,
                identity,
                "another process holds the lease {name} under this process's name, {identity}; give each a name of its own \
                 (environment variable HOSTNAME). Looks are dropped and this process stands by"
            ),
        }
    }

    /// Told once until it is over or another.
    fn tell_trouble(&mut self, error: &LeaseError) {
        let text = crate::ops::chain(error);
        if matches!(self.vital.standing(), Standing::Candidate(_)) {
            self.vital.stands(Standing::Candidate(Some(text.clone())));
        }
        if self.trouble.as_ref() != Some(&text) {
            warn!(lease = %self.name, error = text, "the election by the lease {} does not get on", self.name);
            self.trouble = Some(text);
        }
    }
}

/// Makes readable that a process without an election acts.
pub fn register_alone(registry: &mut Registry) {
    let leads = Gauge::default();
    leads.set(1);
    register(registry, &leads, &Counter::default());
}

fn register(registry: &mut Registry, leads: &Gauge, transitions: &Counter) {
    registry.register(
        "leader",
        "Whether this process acts: 1 as the leader or without an election, 0 as a standby",
        leads.clone(),
    );
    registry.register(
        "leader_transitions",
        "How often this process became the leader or ceased to be",
        transitions.clone(),
    );
}

#[cfg(test)]
mod tests;
