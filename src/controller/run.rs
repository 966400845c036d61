//! The loop itself: watch events in, passes out, one after another in the order of the queue.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::StreamExt as _;
use kube::{Client, core::DeserializeGuard, runtime::watcher::Event};
use prometheus_client::registry::Registry;
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::{
    credential::OperatorIdentity,
    metric::{LookResult, ObjectMetrics, ProcessMetrics},
    pass::{self, Context, End, PassError, Remembered, Turn},
    queue::{Class, Group, Limits, SharedQueue},
    status_schema::StatusSchema,
    store::{Change, ObjectKey, Store, Stored, Watched},
    trouble::Trouble,
    vital::{BEAT, Vital},
    watch::{Area, watches},
};
use crate::{
    api::{AppId, Cloud},
    clock::Clock,
    domain::{Attribution, Timing, cloud::Endpoints, timing::unsigned},
    graph::{Graph, Transport},
};

/// Pause after a pass that panicked.
const PANIC_PAUSE: Duration = Duration::from_mins(1);

/// How long passes may take to end when the process is told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// What the process was told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What to watch.
    pub areas: BTreeSet<Area>,
    /// How many looks run side by side.
    pub limits: Limits,
    /// Windows and paces.
    pub timing: Timing,
    /// Base address of one server in place of Microsoft's, such as the emulator.
    pub server: Option<String>,
    /// The audience of exchanged tokens, where it is another than the cloud's.
    pub exchange_audience: Option<String>,
    /// The identity of this process, and to whom it may be lent.
    pub operator: OperatorIdentity,
    /// Applications for which consent links may be given, besides the catalog's.
    pub linkable: Vec<AppId>,
    /// How whoever made a difference is told.
    pub attribution: Attribution,
    /// Name of this process in events.
    pub instance: String,
}

impl Settings {
    /// Where this cloud is reached.
    pub fn endpoints(&self, cloud: Cloud) -> Endpoints {
        let mut endpoints = Endpoints::of(cloud);
        if let Some(server) = &self.server {
            endpoints = endpoints.played_by(server);
        }
        if let Some(audience) = &self.exchange_audience {
            endpoints.exchange_audience.clone_from(audience);
        }
        endpoints
    }
}

/// The loop could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The watch ended, which it never does by itself.
    #[error("the watch of WebexAzureIntegration objects ended")]
    WatchEnded,
    /// The loop panicked.
    #[error("the loop over the objects ended in a panic")]
    Broken,
}

/// The controller.
pub struct Controller<T> {
    ctx: Arc<Context<T>>,
    store: Store,
    queue: SharedQueue,
    metrics: ProcessMetrics,
    remembered: BTreeMap<ObjectKey, (String, Remembered)>,
    asked: BTreeMap<ObjectKey, Instant>,
    passes: JoinSet<Result<End, PassError>>,
    /// What is under way, and since when.
    running: BTreeMap<Id, (Turn, Instant)>,
    unlisted: BTreeSet<Area>,
    troubles: BTreeMap<Area, Trouble>,
    vital: Option<Vital>,
}

impl<T: Transport + 'static> Controller<T> {
    /// A controller on these two seams.
    pub fn new(client: Client, transport: T, clock: Clock, settings: Settings) -> Self {
        let queue = SharedQueue::new(settings.limits);
        let graph = Graph::new(transport, clock.clone());
        let unlisted = settings.areas.clone();
        let schema = StatusSchema::default();
        Self {
            ctx: Arc::new(Context { client, graph, clock, settings, schema }),
            store: Store::default(),
            queue,
            metrics: ProcessMetrics::default(),
            remembered: BTreeMap::new(),
            asked: BTreeMap::new(),
            passes: JoinSet::new(),
            running: BTreeMap::new(),
            unlisted,
            troubles: BTreeMap::new(),
            vital: None,
        }
    }

    /// Makes readable what is counted.
    pub fn register(&self, registry: &mut Registry) {
        self.ctx.graph.register(registry);
        self.ctx.schema.register(registry);
        self.metrics.register(registry, &self.queue, &self.ctx.clock);
    }

    /// Makes readable what each object says, from the first list on.
    pub fn register_objects(&mut self, registry: &mut Registry) {
        let metrics = ObjectMetrics::default();
        metrics.register(registry);
        self.store.show_on(metrics);
    }

    /// Gives signs of life from now on.
    pub fn show_life(&mut self, vital: Vital) {
        self.vital = Some(vital);
    }

    /// Learns what of the status the installed definition declares, so that it is said before the first verdict.
    pub async fn read_schema(&self) {
        self.ctx.schema.ask(&self.ctx.client).await;
    }

    /// Runs until told to stop; passes that are under way then get a moment to end.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), RunError> {
        let client = self.metrics.heard.listening(self.ctx.client.clone(), &self.ctx.clock);
        let watch = watches(&client, &self.ctx.settings.areas);
        let mut watch = std::pin::pin!(watch);
        loop {
            self.start_passes();
            let due = self.next_turn();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.passes.join_next_with_id(), if !self.passes.is_empty() => self.end_pass(ended),
                brought = watch.next() => match brought {
                    Some((area, Ok(event))) => self.take_in(&area, event),
                    Some((area, Err(trouble))) => self.complain(area, trouble),
                    None => return Err(RunError::WatchEnded),
                },
                () = wait_until(due) => {}
            }
        }
        self.finish().await;
        Ok(())
    }

    /// When there is something to do, or a sign of life to give.
    fn next_turn(&self) -> Option<Instant> {
        let due = self.queue.next_due();
        let Some(vital) = &self.vital else { return due };
        vital.loop_turned();
        let beat = self.ctx.clock.instant() + BEAT;
        Some(due.map_or(beat, |due| due.min(beat)))
    }

    async fn finish(mut self) {
        let all = async { while self.passes.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all).await.is_err() {
            warn!("looks that did not end in time are dropped");
        }
    }

    fn take_in(&mut self, area: &Area, event: Event<DeserializeGuard<Watched>>) {
        let is_end_of_list = matches!(event, Event::InitDone);
        if !matches!(event, Event::Init) && self.troubles.remove(area).is_some() {
            info!(area = %area, "the watch of WebexAzureIntegration objects in {area} works again");
        }
        for change in self.store.apply(area, event) {
            match change {
                Change::Appeared(key) => self.schedule_new(key),
                Change::Edited(key) => self.schedule_asked(key),
                Change::Touched(_) => {}
                Change::Gone(key) => {
                    self.queue.forget(&key);
                    self.remembered.remove(&key);
                    self.asked.remove(&key);
                }
            }
        }
        if is_end_of_list && self.unlisted.remove(area) && self.unlisted.is_empty() {
            if let Some(vital) = &self.vital {
                vital.loop_synced();
            }
            info!(objects = self.store.len(), "watching WebexAzureIntegration objects");
        }
    }

    /// Says what keeps a watch from working, once; the watch itself goes on by trying again.
    fn complain(&mut self, area: Area, trouble: Trouble) {
        if self.troubles.get(&area) == Some(&trouble) {
            debug!(area = %area, "the watch of WebexAzureIntegration objects in {area} is still broken");
        } else {
            warn!(area = %area, "the watch of WebexAzureIntegration objects in {area} broke and is made anew: {trouble}");
        }
        self.troubles.insert(area, trouble);
    }

    /// An object that has a verdict for its generation can wait its share of the interval after a restart; one that has
    /// none is looked at at once.
    fn schedule_new(&mut self, key: ObjectKey) {
        let Some(stored) = self.store.get(&key) else { return };
        let now = self.ctx.clock.instant();
        let has_verdict = stored.status.observed_generation == Some(stored.generation) && !stored.is_requested();
        let (class, due) = match &stored.desired {
            Ok(desired) if has_verdict => (
                Class::Periodic,
                now + self.ctx.clock.part_of(unsigned(self.ctx.settings.timing.interval(desired.interval))),
            ),
            Ok(_) | Err(_) => (Class::Edit, now),
        };
        let group = group(&key, stored);
        self.queue.schedule(key, group, class, due);
    }

    fn schedule_asked(&mut self, key: ObjectKey) {
        let Some(stored) = self.store.get(&key) else { return };
        let now = self.ctx.clock.instant();
        let is_edit = stored.status.observed_generation != Some(stored.generation);
        let pause = unsigned(self.ctx.settings.timing.request_pause);
        let earliest = self.asked.get(&key).map_or(now, |last| *last + pause);
        let due = if is_edit { now } else { earliest.max(now) };
        if stored.is_requested() {
            self.asked.insert(key.clone(), due);
        }
        let group = group(&key, stored);
        self.queue.schedule(key, group, Class::Edit, due);
    }

    fn start_passes(&mut self) {
        while let Some((key, class)) = self.queue.take(self.ctx.clock.instant()) {
            let Some(stored) = self.store.get(&key).cloned() else {
                self.queue.finish(&key);
                continue;
            };
            let known = self.remembered.remove(&key).filter(|(uid, _)| *uid == stored.uid);
            let remembered = known.map_or_else(|| Remembered::new(self.ctx.clock.now()), |(_, remembered)| remembered);
            let is_asked = stored.is_asked_beyond(&stored.status);
            let turn = Turn { key, stored, remembered, is_asked, class };
            let handle = self.passes.spawn(pass::pass(Arc::clone(&self.ctx), turn.clone()));
            self.running.insert(handle.id(), (turn, self.ctx.clock.instant()));
        }
    }

    fn end_pass(&mut self, ended: Result<(Id, Result<End, PassError>), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some((turn, begun)) = self.running.remove(&id) else { return };
        let Turn { key, stored, remembered, .. } = turn;
        self.queue.finish(&key);
        let end = match ended {
            Ok((_, Ok(end))) => end,
            Ok((_, Err(error))) => self.after_failure(&key, remembered, &error),
            Err(_) => self.after_panic(&key, &stored),
        };
        self.metrics.ended(end.result, self.ctx.clock.instant().duration_since(begun));
        let Some(current) = self.store.get(&key) else { return };
        let held = end.remembered.held.as_ref().filter(|_| current.uid == stored.uid);
        self.store.show_credential_end(&key, held.and_then(|held| held.credential.ends()));
        if let Some(pause) = end.pause {
            let due = self.ctx.clock.instant() + self.ctx.clock.jittered(pause);
            let group = group(&key, current);
            self.queue.schedule(key.clone(), group, end.class, due);
        }
        self.remembered.insert(key, (stored.uid, end.remembered));
    }

    /// The Kubernetes API gave trouble: what was known before the pass still holds.
    fn after_failure(&self, key: &ObjectKey, mut remembered: Remembered, error: &PassError) -> End {
        remembered.failures = remembered.failures.saturating_add(1);
        let failures = remembered.failures;
        warn!(wai = %key, failures, error = %crate::ops::chain(error), "the pass over {key} failed and is repeated");
        let pause = unsigned(self.ctx.settings.timing.retry_after(failures));
        End { remembered, pause: Some(pause), class: Class::Drifted, result: LookResult::Failed }
    }

    fn after_panic(&mut self, key: &ObjectKey, stored: &Stored) -> End {
        error!(wai = %key, "the pass over {key} panicked; other objects are not affected");
        self.passes.spawn(pass::confess(Arc::clone(&self.ctx), key.clone(), stored.clone()));
        let remembered = Remembered::new(self.ctx.clock.now());
        End { remembered, pause: Some(PANIC_PAUSE), class: Class::Drifted, result: LookResult::Panicked }
    }
}

fn group(key: &ObjectKey, stored: &Stored) -> Group {
    Group { namespace: key.namespace.clone(), tenant: stored.tenant() }
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
