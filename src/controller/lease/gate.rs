//! The gate under the Kubernetes client of a leader: no request that changes something passes while the lease is not known
//! to be ours.
//!
//! A loop that is told of a loss stops too late if the whole process stood still meanwhile, as on a frozen machine: it goes
//! on where it was, with the request that it was about to send. So the clock is asked at each step of such a request,
//! before the step is made. What a leader had sent by then the version in each status write fences off: the API server
//! refuses it once another has written.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use http::Method;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use tokio::time::{Instant, sleep_until};
use tower::BoxError;

use crate::clock::Clock;

/// A request was not sent, or not waited for, because this process may not be the leader any more.
#[derive(Debug, thiserror::Error)]
#[error("the lease is not held")]
pub struct NotHeld;

/// Lets changes pass while the lease is held.
#[derive(Debug, Clone)]
pub struct Gate {
    clock: Clock,
    open_until: Arc<Mutex<Option<Until>>>,
}

/// An end on both clocks. The monotonic one stands still while a machine sleeps, and the wall clock can be set back; the
/// lease is over as soon as one of them says so.
#[derive(Debug, Clone, Copy)]
struct Until {
    monotonic: Instant,
    wall: Timestamp,
}

impl Gate {
    /// A closed gate.
    pub fn new(clock: Clock) -> Self {
        Self { clock, open_until: Arc::default() }
    }

    /// Opens it for this long from the moment, on both clocks, at which the renewal was sent.
    pub fn open(&self, (sent, wall): (Instant, Timestamp), lasts: Duration) {
        let later = SignedDuration::try_from(lasts).ok().and_then(|lasts| wall.checked_add(lasts).ok());
        self.set(Some(Until { monotonic: sent + lasts, wall: later.unwrap_or(wall) }));
    }

    /// Closes it.
    pub fn close(&self) {
        self.set(None);
    }

    /// Whether a change may pass at this moment.
    pub fn is_open(&self) -> bool {
        self.remaining().is_some()
    }

    /// The client, which sends changes only while the gate is open.
    #[must_use]
    pub fn guard(&self, client: &Client) -> Client {
        let (client, gate) = (client.clone(), self.clone());
        let namespace = client.default_namespace().to_owned();
        let send = move |request: http::Request<kube::client::Body>| {
            let (client, gate) = (client.clone(), gate.clone());
            async move {
                let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
                let sent = client.send(request);
                if changes { gate.while_open(sent).await? } else { sent.await }.map_err(BoxError::from)
            }
        };
        Client::new(tower::service_fn(send), namespace)
    }

    /// Drives this as long as the gate is open, and drops it then.
    async fn while_open<T>(&self, work: impl Future<Output = T>) -> Result<T, NotHeld> {
        let mut work = pin!(work);
        let mut closed = pin!(self.closed());
        poll_fn(|cx| {
            // After a pause of the process an answer may be ready before the timer is: the clock decides, not the timer.
            if !self.is_open() || closed.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(NotHeld));
            }
            work.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    async fn closed(&self) {
        while let Some(until) = self.remaining() {
            sleep_until(until).await;
        }
    }

    fn remaining(&self) -> Option<Instant> {
        let until = (*self.open_until.lock().unwrap_or_else(PoisonError::into_inner))?;
        let is_open = self.clock.instant() < until.monotonic && self.clock.now() < until.wall;
        is_open.then_some(until.monotonic)
    }

    fn set(&self, until: Option<Until>) {
        *self.open_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

#[cfg(test)]
mod tests;
