//! When the Kubernetes API server was last heard by the watch. A watch whose connection died without a word looks like one
//! on which nothing happens, but for the bookmarks that the API server sends about once a minute; and the watcher hands on
//! no bookmarks, so that they are noticed here, below it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::Client;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
    registry::Unit,
};

use crate::clock::Clock;

/// How paths of the objects end; what else is asked in between, to explain trouble, is not the watch.
const WATCHED: &str = "/webexazureintegrations";

/// By path of what is watched, when it was last heard; a clone is the same record.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<BTreeMap<String, Timestamp>>>);

impl Heard {
    /// The same client, with a note of every part of a good answer.
    pub fn listening(&self, client: Client, clock: &Clock) -> Client {
        let namespace = client.default_namespace().to_owned();
        let (heard, clock) = (self.clone(), clock.clone());
        let send = move |request: http::Request<kube::client::Body>| {
            let (client, heard, clock) = (client.clone(), heard.clone(), clock.clone());
            let path = request.uri().path().to_owned();
            let is_watched = path.ends_with(WATCHED);
            async move {
                let answer = client.send(request).await.map_err(tower::BoxError::from)?;
                let is_good = is_watched && answer.status().is_success();
                let note = move || {
                    if is_good {
                        heard.note(&path, clock.now());
                    }
                };
                note();
                Ok::<_, tower::BoxError>(answer.map(|body| {
                    body.map_frame(move |frame| {
                        note();
                        frame
                    })
                }))
            }
        };
        Client::new(tower::service_fn(send), namespace)
    }

    fn note(&self, path: &str, now: Timestamp) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match heard.get_mut(path) {
            Some(last) => *last = now,
            None => drop(heard.insert(path.to_owned(), now)),
        }
    }

    /// Of the watches that were ever heard the time of the one that has been silent longest.
    fn last(&self) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().min().copied()
    }
}

impl Collector for Heard {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        // No series before the watch has begun: a process that waits for its turn to lead has none.
        let Some(last) = self.last() else { return Ok(()) };
        let gauge = ConstGauge::new(last.as_second());
        let help =
            "When the watch last brought anything, a bookmark included; there is none in a process that does not watch";
        let family =
            encoder.encode_descriptor("watch_last_heard_timestamp", help, Some(&Unit::Seconds), gauge.metric_type())?;
        gauge.encode(family)
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use bytes::Bytes;
    use futures::{StreamExt as _, stream};
    use http::{Request, Response};
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    const BASE: &str = "2026-11-23T08:00:00Z";

    /// A client that is answered with this status, and a part of the body every minute.
    fn client(status: u16) -> Client {
        let send = move |_: Request<kube::client::Body>| async move {
            let parts = stream::iter(0..3).then(|_| async {
                tokio::time::sleep(Duration::from_mins(1)).await;
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"{}\n")))
            });
            Ok::<_, Infallible>(Response::builder().status(status).body(StreamBody::new(Box::pin(parts))).unwrap())
        };
        Client::new(tower::service_fn(send), "default")
    }

    const OBJECTS: &str = "/apis/webexazure.dev/v1alpha1/namespaces/webex/webexazureintegrations?watch=1";

    async fn heard_after(path: &str, status: u16, parts: usize) -> Option<String> {
        let clock = Clock::seeded(BASE.parse().unwrap(), 1);
        let heard = Heard::default();
        let client = heard.listening(client(status), &clock);
        assert_eq!(heard.last(), None);
        let request = Request::get(path).body(kube::client::Body::empty()).unwrap();
        let mut body = client.send(request).await.unwrap().into_body();
        for _ in 0..parts {
            body.frame().await.unwrap().unwrap();
        }
        tokio::time::advance(Duration::from_mins(30)).await;
        heard.last().map(|last| last.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn k2_the_beginning_of_an_answer_and_every_part_of_it_are_heard_and_silence_is_not() {
        assert_eq!(heard_after(OBJECTS, 200, 0).await.as_deref(), Some("2026-11-23T08:00:00Z"));
        assert_eq!(heard_after(OBJECTS, 200, 2).await.as_deref(), Some("2026-11-23T08:02:00Z"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_not_the_watch_and_neither_is_another_question() {
        assert_eq!(heard_after(OBJECTS, 403, 1).await, None);
        assert_eq!(heard_after("/api/v1/namespaces/webex", 200, 1).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn of_several_watches_the_one_counts_that_was_silent_longest() {
        let heard = Heard::default();
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        heard.note("/one", at("2026-11-23T08:00:00Z"));
        heard.note("/other", at("2026-11-23T08:05:00Z"));
        assert_eq!(heard.last(), Some(at("2026-11-23T08:00:00Z")));
        heard.note("/one", at("2026-11-23T08:09:00Z"));
        assert_eq!(heard.last(), Some(at("2026-11-23T08:05:00Z")));
    }
}
