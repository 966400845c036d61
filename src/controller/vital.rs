//! Signs of life: whether the loop and the election still turn, and whether this process does what it is there for.
//!
//! A restart is worth it only for what a restart mends. So liveness is about this process alone: that Kubernetes or
//! Microsoft cannot be reached makes it wait, not die.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{clock::Clock, ops::health::Sign};

/// The loop turns at least this often, also when nothing happens.
pub const BEAT: Duration = Duration::from_secs(5);

/// Longest time without a turn. The loop takes in a page of objects in far less, looks under way at the end of the process
/// get 20 seconds, and each turn of the election is bounded by deadlines that add up to about half of this.
const SILENCE: Duration = Duration::from_mins(1);

/// What is known of this process's part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Standing {
    /// It has not spoken to the Kubernetes API server yet.
    #[default]
    Starting,
    /// It acts without an election.
    Alone,
    /// It stands for election and has not read the lease yet, for this reason if there is one.
    Candidate(Option<String>),
    /// Another holds the lease; nobody if it was just released or has vanished.
    Standby(String),
    /// It holds the lease.
    Leading,
}

/// The signs, shared by those who give and those who read them.
#[derive(Debug, Clone)]
pub struct Vital {
    clock: Clock,
    signs: Arc<Mutex<Signs>>,
}

#[derive(Debug, Default)]
struct Signs {
    standing: Standing,
    is_synced: bool,
    is_stopping: bool,
    loop_turned: Option<Instant>,
    election_turned: Option<Instant>,
}

impl Vital {
    /// No signs yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, signs: Arc::default() }
    }

    /// The loop has made a turn.
    pub fn loop_turned(&self) {
        self.signs().loop_turned = Some(self.clock.instant());
    }

    /// The loop has taken in the first list of objects.
    pub fn loop_synced(&self) {
        self.signs().is_synced = true;
    }

    /// There is no loop any more.
    pub fn loop_ended(&self) {
        let mut signs = self.signs();
        (signs.loop_turned, signs.is_synced) = (None, false);
    }

    /// The election has made a turn.
    pub fn election_turned(&self) {
        self.signs().election_turned = Some(self.clock.instant());
    }

    /// The part of this process is another.
    pub fn stands(&self, standing: Standing) {
        self.signs().standing = standing;
    }

    /// The part of this process.
    pub fn standing(&self) -> Standing {
        self.signs().standing.clone()
    }

    /// It was told to stop.
    pub fn stopping(&self) {
        self.signs().is_stopping = true;
    }

    /// Whether a restart would help.
    pub fn live(&self) -> Vec<Sign> {
        let now = self.clock.instant();
        let signs = self.signs();
        let turns = |name, what, last: Option<Instant>| match last.map(|last| now.saturating_duration_since(last)) {
            Some(silence) if silence > SILENCE => {
                Sign::bad(name, format!("{what} has not turned for {} seconds", silence.as_secs()))
            }
            Some(_) => Sign::good(name, format!("{what} turns")),
            None => Sign::good(name, format!("{what} does not run")),
        };
        vec![
            turns("loop", "the loop over the objects", signs.loop_turned),
            turns("election", "the election", signs.election_turned),
        ]
    }

    /// Whether it does its part.
    pub fn ready(&self) -> Vec<Sign> {
        let signs = self.signs();
        let objects = || {
            let name = "objects";
            if signs.is_synced {
                Sign::good(name, "the WebexAzureIntegration objects are watched")
            } else {
                Sign::bad(name, "the first list of WebexAzureIntegration objects was not taken in yet")
            }
        };
        let lease = |sentence: &str| Sign::good("lease", sentence);
        let mut told = match &signs.standing {
            Standing::Starting => vec![Sign::bad("start", "the Kubernetes API server has not answered yet")],
            Standing::Alone => vec![objects()],
            Standing::Candidate(None) => vec![Sign::bad("lease", "the lease was not read yet")],
            Standing::Candidate(Some(trouble)) => {
                vec![Sign::bad("lease", format!("the lease was not read yet: {trouble}"))]
            }
            Standing::Standby(holder) if holder.is_empty() => vec![lease("standing by; nobody holds the lease")],
            Standing::Standby(holder) => vec![lease(&format!("standing by; {holder} holds the lease"))],
            Standing::Leading => vec![lease("this process holds the lease"), objects()],
        };
        if signs.is_stopping {
            told.push(Sign::bad("end", "the process was told to stop"));
        }
        told
    }

    fn signs(&self) -> MutexGuard<'_, Signs> {
        self.signs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vital() -> Vital {
        Vital::new(Clock::seeded("2026-11-23T08:00:00Z".parse().unwrap(), 1))
    }

    fn wrong(signs: &[Sign]) -> Vec<String> {
        signs.iter().filter_map(|sign| sign.state.clone().err()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn liveness_ends_when_the_loop_or_the_election_stands_still_and_comes_back_when_it_turns() {
        let vital = vital();
        assert_eq!(wrong(&vital.live()), [""; 0], "what has not begun cannot stand still");
        vital.loop_turned();
        vital.election_turned();
        tokio::time::advance(SILENCE).await;
        assert_eq!(wrong(&vital.live()), [""; 0]);
        vital.election_turned();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(wrong(&vital.live()), ["the loop over the objects has not turned for 61 seconds"]);
        vital.loop_ended();
        assert_eq!(wrong(&vital.live()), [""; 0], "a standby has no loop");
        tokio::time::advance(SILENCE).await;
        assert_eq!(wrong(&vital.live()), ["the election has not turned for 61 seconds"]);
    }

    #[tokio::test]
    async fn nobody_is_alive_or_dead_by_what_others_do() {
        let vital = vital();
        for standing in [
            Standing::Starting,
            Standing::Alone,
            Standing::Candidate(Some("refused".to_owned())),
            Standing::Standby(String::new()),
            Standing::Leading,
        ] {
            vital.stands(standing.clone());
            assert_eq!(wrong(&vital.live()), [""; 0], "{standing:?}");
        }
    }

    #[tokio::test]
    async fn readiness_is_the_first_list_of_a_leader_and_the_lease_of_a_standby() {
        let list = "the first list of WebexAzureIntegration objects was not taken in yet";
        let cases = [
            (Standing::Starting, false, vec!["the Kubernetes API server has not answered yet"]),
            (Standing::Alone, false, vec![list]),
            (Standing::Alone, true, vec![]),
            (Standing::Candidate(None), false, vec!["the lease was not read yet"]),
            (Standing::Candidate(Some("refused".to_owned())), false, vec!["the lease was not read yet: refused"]),
            (Standing::Standby("pod-b".to_owned()), false, vec![]),
            (Standing::Leading, false, vec![list]),
            (Standing::Leading, true, vec![]),
        ];
        for (standing, is_synced, expected) in cases {
            let vital = vital();
            vital.stands(standing.clone());
            if is_synced {
                vital.loop_synced();
            }
            assert_eq!(wrong(&vital.ready()), expected, "{standing:?}, synced: {is_synced}");
            vital.stopping();
            assert!(wrong(&vital.ready()).contains(&"the process was told to stop".to_owned()), "{standing:?}");
        }
    }
}
