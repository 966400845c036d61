//! Who may hold the lease, decided from what was read of it and the time that has passed here. Pure: reads no clock and
//! sends nothing.
//!
//! How long somebody else's lease lasts is counted on this machine's monotonic clock from the moment at which the lease
//! was last seen to change. The times in it were written by other clocks; they are shown to people and compared with nothing.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// How long things last. The proportions are those of client-go's defaults, which are known to work against API servers of
/// every size: <https://pkg.go.dev/k8s.io/client-go/tools/leaderelection#LeaderElectionConfig>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Others may take a lease that they have not seen change for this long. With a pause of theirs on top it stays below
    /// the 20 seconds within which somebody has to act again.
    pub lease: Duration,
    /// A leader whose last renewal was sent this long ago stops by itself. What lies between this and [`Self::lease`] is
    /// for requests that are on their way by then, and for clocks that do not run at the same pace.
    pub renew_deadline: Duration,
    /// Pause between two attempts, to renew as well as to take; several fit before the deadline.
    pub retry: Duration,
}

impl Terms {
    /// The values that hold in production.
    pub const PRODUCTION: Self =
        Self { lease: Duration::from_secs(15), renew_deadline: Duration::from_secs(10), retry: Duration::from_secs(2) };

    /// Shortest lease that tests get: one that ends sooner ends on a busy machine while its holder is well.
    const SHORTEST_SECONDS: u32 = 5;

    /// The same proportions in less time. A lease lasts whole seconds, because that is how it is written down.
    #[must_use]
    pub fn shortened_by(&self, factor: u32) -> Self {
        let seconds = u32::try_from(self.lease.as_secs()).unwrap_or(u32::MAX);
        let short = (seconds / factor.max(1)).max(Self::SHORTEST_SECONDS).min(seconds);
        let part = |duration: Duration| duration.mul_f64(f64::from(short) / f64::from(seconds.max(1)));
        Self {
            lease: Duration::from_secs(short.into()),
            renew_deadline: part(self.renew_deadline),
            retry: part(self.retry),
        }
    }

    /// Longest time for one request, so that a second one fits before the deadline.
    pub fn request(&self) -> Duration {
        self.renew_deadline / 2
    }
}

/// What a Lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; empty if it was released.
    pub holder: String,
    /// How long it lasts after its last change.
    pub seconds: i32,
    /// When its holder took it.
    pub acquired: Option<Timestamp>,
    /// When its holder last renewed it.
    pub renewed: Option<Timestamp>,
    /// How often it went from one holder to another.
    pub transitions: i32,
}

impl Record {
    /// The record of a holder that gives it up. It lasts a second, as client-go writes it, for candidates that look at the
    /// time only.
    #[must_use]
    pub fn released(&self, wall: Timestamp) -> Self {
        let now = Some(micros(wall));
        Self { holder: String::new(), seconds: 1, acquired: now, renewed: now, transitions: self.transitions }
    }

    fn lasts(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.seconds).unwrap_or(0))
    }
}

/// A record, the version that it has at the API server, and since when it is known to say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Version to replace.
    pub version: String,
    /// What it says.
    pub record: Record,
    /// When it was first seen to say so.
    pub since: Instant,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Read it: nothing is known.
    Read,
    /// Make it, because there is none.
    Create(Record),
    /// Write this over that version, and hold it if that succeeds.
    Replace {
        /// The version that must still stand.
        version: String,
        /// What to write.
        record: Record,
    },
    /// Somebody else has it.
    Wait {
        /// Who; empty where the lease vanished.
        holder: String,
        /// When it can be taken, if it does not change.
        until: Instant,
    },
    /// Stop leading.
    StandDown(Loss),
}

/// Why a leader no longer leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// It could not renew for so long that others may soon believe that it is gone.
    Expired,
    /// The lease says so.
    Taken {
        /// Who has it; empty if it was released.
        holder: String,
    },
    /// Another process goes by the same name.
    Impostor,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum View {
    Unread,
    /// There is none; whoever held it when it vanished may believe until then that it holds it.
    Missing {
        claimed_until: Option<Instant>,
    },
    Seen(Sighting),
}

/// One process's part in the election.
#[derive(Debug, Clone)]
pub struct Election {
    identity: String,
    terms: Terms,
    view: View,
    /// The time of acquisition under which this process holds the lease or has tried to. It tells our own record, also one
    /// whose writing was never answered, from that of another process with the same name.
    bid: Option<Timestamp>,
    /// The record under our name that stood there when this process began: that of its earlier life, as after a restart of
    /// its container. There is nobody else to wait for.
    inherited: Option<Record>,
    leading_until: Option<Instant>,
}

impl Election {
    /// A candidate that knows nothing yet.
    pub fn new(identity: String, terms: Terms) -> Self {
        Self { identity, terms, view: View::Unread, bid: None, inherited: None, leading_until: None }
    }

    /// Name under which it stands.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Until when it leads, if it does.
    pub fn leading_until(&self) -> Option<Instant> {
        self.leading_until
    }

    /// The record as last seen.
    pub fn sighting(&self) -> Option<&Sighting> {
        match &self.view {
            View::Seen(sighting) => Some(sighting),
            View::Unread | View::Missing { .. } => None,
        }
    }

    /// Whether this is the record that this process wrote.
    pub fn is_own(&self, record: &Record) -> bool {
        record.holder == self.identity && self.bid.is_some() && record.acquired == self.bid
    }

    /// Whether the lease may be ours, be it by a try that was never answered.
    pub fn may_hold(&self) -> bool {
        self.bid.is_some()
    }

    /// Takes in what was read: a version with its record, or that there is none.
    pub fn see(&mut self, now: Instant, found: Option<(String, Record)>) {
        let Some((version, record)) = found else {
            let claimed_until = match &self.view {
                View::Seen(sighting) if !sighting.record.holder.is_empty() => {
                    Some(sighting.since + sighting.record.lasts())
                }
                View::Missing { claimed_until } => *claimed_until,
                View::Seen(_) | View::Unread => None,
            };
            self.view = View::Missing { claimed_until };
            return;
        };
        let same = self.sighting().filter(|known| known.record == record).map(|known| known.since);
        if self.view == View::Unread && record.holder == self.identity {
            self.inherited = Some(record.clone());
        }
        // A try of ours that was never answered can still succeed as long as what it replaces stands, not later.
        if same.is_none() && !self.is_own(&record) {
            self.bid = None;
        }
        self.view = View::Seen(Sighting { version, record, since: same.unwrap_or(now) });
    }

    /// What to do with what was last seen.
    pub fn decide(&mut self, now: Instant, wall: Timestamp) -> Action {
        if self.leading_until.is_some_and(|until| now >= until) {
            return Action::StandDown(Loss::Expired);
        }
        let is_leading = self.leading_until.is_some();
        let sighting = match &self.view {
            View::Unread => return Action::Read,
            View::Missing { claimed_until: Some(until) } if !is_leading && now < *until => {
                return Action::Wait { holder: String::new(), until: *until };
            }
            View::Missing { .. } => return Action::Create(self.claim(wall, 0)),
            View::Seen(sighting) => sighting.clone(),
        };
        let Sighting { version, record, since } = sighting;
        let ends = since + record.lasts();
        let is_ours = self.is_own(&record);
        let is_inherited = self.inherited.as_ref() == Some(&record);
        if is_leading && !is_ours {
            let is_namesake = record.holder == self.identity;
            return Action::StandDown(if is_namesake { Loss::Impostor } else { Loss::Taken { holder: record.holder } });
        }
        if !is_ours && !is_inherited && !record.holder.is_empty() && now < ends {
            return Action::Wait { holder: record.holder, until: ends };
        }
        let changes_hands = i32::from(record.holder != self.identity);
        let record = self.claim(wall, record.transitions.saturating_add(changes_hands));
        Action::Replace { version, record }
    }

    /// A record of ours was written, by a request that was sent at this time.
    pub fn won(&mut self, sent: Instant, now: Instant, version: String, record: Record) {
        self.see(now, Some((version, record)));
        self.inherited = None;
        self.leading_until = Some(sent + self.terms.renew_deadline);
    }

    /// It leads no more.
    pub fn step_down(&mut self) {
        self.leading_until = None;
    }

    fn claim(&mut self, wall: Timestamp, transitions: i32) -> Record {
        let wall = micros(wall);
        let acquired = *self.bid.get_or_insert(wall);
        Record {
            holder: self.identity.clone(),
            seconds: i32::try_from(self.terms.lease.as_secs()).unwrap_or(i32::MAX),
            acquired: Some(acquired),
            renewed: Some(wall),
            transitions,
        }
    }
}

/// The instant as a Lease keeps it.
fn micros(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}

#[cfg(test)]
mod tests;
