//! Watch streams: who listens, and the response body that carries the events.
//!
//! The server puts lines into one channel for each stream, in the order in which the streams were opened. The body adds
//! what depends on time: bookmarks and the end.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame};
use serde_json::json;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::Sleep,
};
use tower::BoxError;

use super::{
    answer::Failure,
    request::Resource,
    service::broken_connection,
    store::{Store, event_line},
};

/// How often the server sends a bookmark to a watch that wants them.
const BOOKMARK_PERIOD: Duration = Duration::from_mins(1);
/// How long before its end a watch gets its last bookmark.
const LAST_BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);

/// How all open watches end, or stop working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchCut {
    /// The connection breaks.
    Broken,
    /// The server ends the response properly, as one that shuts down.
    Ended,
    /// Nothing arrives any more, not even the end.
    Silent,
    /// An ERROR event says 410, then the response ends.
    Expired,
}

enum Piece {
    Line(Bytes),
    Broken,
    Silence,
}

struct Stream {
    prefix: String,
    sent: u64,
    sender: UnboundedSender<Piece>,
}

/// All open streams.
#[derive(Default)]
pub struct Watches {
    opened: u64,
    streams: BTreeMap<u64, Stream>,
}

/// The receiving end of one stream, before its time starts.
pub struct Subscription {
    receiver: UnboundedReceiver<Piece>,
    timeout: Duration,
    bookmarks: Option<Bookmarks>,
}

struct Bookmarks {
    visible: Arc<AtomicU64>,
    newer_than: u64,
}

/// What a watch asks for.
pub struct WatchOptions {
    /// The beginning of the keys: `namespace/`, or nothing.
    pub prefix: String,
    /// The revision after which changes are sent.
    pub after: u64,
    /// Lines that come first.
    pub initial: Vec<Bytes>,
    /// How long the stream lasts.
    pub timeout: Duration,
    /// Whether it wants bookmarks.
    pub has_bookmarks: bool,
}

impl Watches {
    /// Opens a stream.
    pub fn open(&mut self, store: &Store, options: WatchOptions) -> Subscription {
        let WatchOptions { prefix, after, initial, timeout, has_bookmarks } = options;
        let (sender, receiver) = unbounded_channel();
        let mut stream = Stream { prefix, sent: after, sender };
        for line in initial {
            stream.send(Piece::Line(line));
        }
        stream.deliver(store);
        self.streams.insert(self.opened, stream);
        self.opened += 1;
        let newer_than = store.last_visible_change().max(after);
        let bookmarks = has_bookmarks.then(|| Bookmarks { visible: store.visible_cell(), newer_than });
        Subscription { receiver, timeout, bookmarks }
    }

    /// Opens a stream that ends after its first lines.
    pub fn open_closed(&mut self, store: &Store, options: WatchOptions) -> Subscription {
        let subscription = self.open(store, options);
        self.opened -= 1;
        self.streams.remove(&self.opened);
        subscription
    }

    /// How many streams are open, as far as the server knows.
    pub fn count(&mut self) -> usize {
        self.forget_closed();
        self.streams.len()
    }

    /// Sends what the watch cache has reached and the streams have not.
    pub fn deliver(&mut self, store: &Store) {
        self.forget_closed();
        for stream in self.streams.values_mut() {
            stream.deliver(store);
        }
    }

    /// Ends all streams.
    pub fn cut(&mut self, how: WatchCut, revision: u64) {
        for (_, stream) in std::mem::take(&mut self.streams) {
            match how {
                WatchCut::Broken => stream.send(Piece::Broken),
                WatchCut::Ended => {}
                WatchCut::Silent => stream.send(Piece::Silence),
                WatchCut::Expired => stream.send(Piece::Line(too_old_line(stream.sent, revision))),
            }
        }
    }

    fn forget_closed(&mut self) {
        self.streams.retain(|_, stream| !stream.sender.is_closed());
    }
}

impl Stream {
    fn deliver(&mut self, store: &Store) {
        for (revision, change) in store.changes_after(self.sent) {
            if change.key.starts_with(&self.prefix) {
                self.send(Piece::Line(change.line.clone()));
            }
            self.sent = revision;
        }
    }

    /// A client that has gone away is noticed when the next change is delivered.
    fn send(&self, piece: Piece) {
        let _ = self.sender.send(piece);
    }
}

/// One ERROR event: the revision is older than the oldest that is kept.
pub fn too_old_line(revision: u64, oldest: u64) -> Bytes {
    let failure = Failure::expired(format!("too old resource version: {revision} ({oldest})"));
    event_line("ERROR", &failure.status())
}

/// One BOOKMARK event.
pub fn bookmark_line(revision: u64, ends_initial_events: bool) -> Bytes {
    let mut bookmark = json!({
        "kind": Resource::Integrations.kind(),
        "apiVersion": Resource::Integrations.api_version(),
        "metadata": { "resourceVersion": revision.to_string() },
    });
    if ends_initial_events {
        bookmark["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
    }
    event_line("BOOKMARK", &bookmark)
}

/// The body of a watch response.
pub struct WatchBody {
    receiver: UnboundedReceiver<Piece>,
    end: Pin<Box<Sleep>>,
    bookmark: Option<(Bookmarks, Pin<Box<Sleep>>)>,
    is_silent: bool,
}

impl Subscription {
    /// Starts its time. Needs a tokio runtime.
    pub fn into_body(self) -> WatchBody {
        let Self { receiver, timeout, bookmarks } = self;
        let last = timeout.saturating_sub(LAST_BOOKMARK_BEFORE_END);
        let first = BOOKMARK_PERIOD.min(last);
        let bookmark =
            bookmarks.filter(|_| !first.is_zero()).map(|bookmarks| (bookmarks, Box::pin(tokio::time::sleep(first))));
        WatchBody { receiver, end: Box::pin(tokio::time::sleep(timeout)), bookmark, is_silent: false }
    }
}

impl WatchBody {
    /// A bookmark is sent only if something has happened since the watch began.
    fn poll_bookmark(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        while let Some((bookmarks, due)) = &mut self.bookmark {
            if due.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let (visible, newer_than) = (bookmarks.visible.load(Ordering::Relaxed), bookmarks.newer_than);
            let next = (due.deadline() + BOOKMARK_PERIOD).min(self.end.deadline() - LAST_BOOKMARK_BEFORE_END);
            if next > due.deadline() {
                due.as_mut().reset(next);
            } else {
                self.bookmark = None;
            }
            if visible > newer_than {
                return Poll::Ready(bookmark_line(visible, false));
            }
        }
        Poll::Pending
    }
}

impl Body for WatchBody {
    type Data = Bytes;
    type Error = BoxError;

    /// What is in the channel comes before the clock, so a bookmark never overtakes an event.
    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if this.is_silent {
            return Poll::Pending;
        }
        match this.receiver.poll_recv(context) {
            Poll::Ready(Some(Piece::Line(line))) => return Poll::Ready(Some(Ok(Frame::data(line)))),
            Poll::Ready(Some(Piece::Broken)) => return Poll::Ready(Some(Err(broken_connection()))),
            Poll::Ready(Some(Piece::Silence)) => {
                this.is_silent = true;
                return Poll::Pending;
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {}
        }
        if let Poll::Ready(line) = this.poll_bookmark(context) {
            return Poll::Ready(Some(Ok(Frame::data(line))));
        }
        this.end.as_mut().poll(context).map(|()| None)
    }
}
