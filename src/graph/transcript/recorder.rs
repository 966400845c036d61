//! Keeps what passes the seam. What it keeps holds everything that was answered, tokens too: it does not print, and
//! leaves here only through a redaction.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures::{StreamExt as _, future::BoxFuture, stream};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use tokio::time::Instant;

use super::{Failure, Request, shape};
use crate::{
    clock::Clock,
    graph::{
        call::BODY_MAX,
        transport::{Body, Transport, TransportError},
    },
};

/// What was asked and answered, as it was.
#[derive(Clone, Default)]
pub struct Taken(pub(super) Vec<Exchange>);

/// A request and how far its answer came.
#[derive(Clone)]
pub(super) struct Exchange {
    pub request: Request,
    pub reply: Reply,
    pub milliseconds: u64,
}

/// How far an answer came.
#[derive(Clone)]
pub(super) enum Reply {
    Failure(Failure),
    Answer { status: StatusCode, headers: HeaderMap, body: Vec<u8>, end: End },
}

/// How far a body came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    NotRead,
    Reading,
    BrokeOff,
    TooLarge,
    Whole,
}

impl Taken {
    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Taken").field("exchanges", &self.0.len()).finish_non_exhaustive()
    }
}

/// A transport that keeps what passes it.
#[derive(Debug, Clone)]
pub struct Recorder<T> {
    inner: T,
    clock: Clock,
    taken: Arc<Mutex<Taken>>,
}

impl<T: Transport> Recorder<T> {
    /// Records what passes this transport.
    pub fn new(inner: T, clock: Clock) -> Self {
        Self { inner, clock, taken: Arc::default() }
    }

    /// What was recorded since the last call.
    pub fn take(&self) -> Taken {
        std::mem::take(&mut *locked(&self.taken))
    }
}

impl<T: Transport> Transport for Recorder<T> {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<http::Response<Body>, TransportError>> {
        let place = {
            let mut taken = locked(&self.taken);
            // Until something comes, this is what came.
            let reply = Reply::Failure(Failure::Silence);
            taken.0.push(Exchange { request: shape::of(&request), reply, milliseconds: 0 });
            Place {
                taken: Arc::clone(&self.taken),
                index: taken.0.len() - 1,
                clock: self.clock.clone(),
                began: self.clock.instant(),
            }
        };
        let answer = self.inner.send(request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    place.note(|reply| {
                        let headers = head.headers.clone();
                        *reply = Reply::Answer { status: head.status, headers, body: Vec::new(), end: End::NotRead };
                    });
                    Ok(http::Response::from_parts(head, watched(body, place)))
                }
                Err(error) => {
                    let failure = match &error {
                        TransportError::Tls { .. } => Failure::Tls,
                        TransportError::Proxy { .. } => Failure::Proxy,
                        TransportError::Connection { .. } => Failure::Connection,
                    };
                    place.note(|reply| *reply = Reply::Failure(failure));
                    Err(error)
                }
            }
        })
    }
}

/// Where an exchange is kept.
struct Place {
    taken: Arc<Mutex<Taken>>,
    index: usize,
    clock: Clock,
    began: Instant,
}

impl Place {
    fn note(&self, change: impl FnOnce(&mut Reply)) {
        let took = self.clock.instant().duration_since(self.began);
        if let Some(exchange) = locked(&self.taken).0.get_mut(self.index) {
            exchange.milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            change(&mut exchange.reply);
        }
    }

    fn note_body(&self, change: impl FnOnce(&mut Vec<u8>, &mut End)) {
        self.note(|reply| {
            if let Reply::Answer { body, end, .. } = reply {
                change(body, end);
            }
        });
    }
}

/// The same body, which is noted as it passes.
fn watched(body: Body, place: Place) -> Body {
    let frames = stream::unfold((BodyStream::new(body), place), |(mut frames, place)| async move {
        place.note_body(|_, end| {
            if *end == End::NotRead {
                *end = End::Reading;
            }
        });
        let frame = frames.next().await;
        place.note_body(|kept, end| match &frame {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) if kept.len() + data.len() > BODY_MAX => *end = End::TooLarge,
                Some(data) => kept.extend_from_slice(data),
                None => {}
            },
            Some(Err(_)) => *end = End::BrokeOff,
            None if *end == End::Reading => *end = End::Whole,
            None => {}
        });
        frame.map(|frame| (frame, (frames, place)))
    });
    StreamBody::new(frames).boxed_unsync()
}

fn locked(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}
