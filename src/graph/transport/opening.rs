//! Who makes the first connection to a host when many ask at once.
//!
//! Over HTTP/2 one connection carries all requests to a host, but that the host speaks it is known only when a connection
//! stands. Until then each request would make its own, and all but one would be thrown away: thirty-two handshakes at
//! every start, and after every quiet time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Mutex as Turn, time::Instant};

use super::client::IDLE_TIMEOUT;
use crate::clock::Clock;

/// How long a request waits for one that went ahead. A handshake takes less; a host that is slow in answering must not
/// hold up the others for long, who have fifteen seconds in all.
const PATIENCE: Duration = Duration::from_secs(2);

/// The ways to all hosts that were asked. There are no more of them than hosts of Microsoft's clouds.
#[derive(Debug)]
pub struct Openings {
    clock: Clock,
    ways: Mutex<BTreeMap<String, Arc<Way>>>,
}

/// The way to one host.
#[derive(Debug, Default)]
struct Way {
    /// Held by the request that goes ahead.
    turn: Turn<()>,
    /// When the host last answered; none if the last request failed.
    answered: Mutex<Option<Instant>>,
}

impl Openings {
    /// Nobody was asked yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, ways: Mutex::default() }
    }

    /// Lets the exchange with this host go on as soon as a connection may be there, or after a while in any case.
    pub async fn pass<T, E>(&self, origin: &str, exchange: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let way = Arc::clone(locked(&self.ways).entry(origin.to_owned()).or_default());
        let turn =
            if way.is_open(&self.clock) { None } else { tokio::time::timeout(PATIENCE, way.turn.lock()).await.ok() };
        // Whoever went ahead may have opened the way meanwhile.
        let turn = turn.filter(|_| !way.is_open(&self.clock));
        let outcome = exchange.await;
        *locked(&way.answered) = outcome.is_ok().then(|| self.clock.instant());
        drop(turn);
        outcome
    }
}

impl Way {
    fn is_open(&self, clock: &Clock) -> bool {
        locked(&self.answered).is_some_and(|answered| clock.instant().duration_since(answered) < IDLE_TIMEOUT)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
