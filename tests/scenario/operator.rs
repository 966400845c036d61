//! The operator of a scenario on virtual time: the passes of `controller::pass` over one object, when the loop would make
//! them, between the emulator and the stand-in for a cluster.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use kube::{core::DeserializeGuard, runtime::watcher::Event};
use serde_json::Value;
use tokio::{task::JoinSet, time::Instant};
use webex_azure_operator::{
    clock::Clock,
    controller::{
        Area, Settings,
        credential::OperatorIdentity,
        pass::{self, Context, End, Remembered, Turn},
        queue::{Class, Limits},
        status_schema::StatusSchema,
        store::{Change, ObjectKey, Store, Watched},
    },
    domain::{Timing, timing::unsigned},
    graph::Graph,
};

use super::{
    kubernetes::{Kubernetes, NAME, NAMESPACE},
    microsoft::Microsoft,
    story::Story,
};

/// Pause after a pass that panicked.
const PANIC_PAUSE: Duration = Duration::from_mins(1);

/// An operator with one object.
pub struct Operator {
    microsoft: Microsoft,
    kubernetes: Kubernetes,
    settings: Settings,
    key: ObjectKey,
    /// Of this process; another one follows a restart.
    ctx: Arc<Context<Microsoft>>,
    store: Store,
    remembered: Option<Remembered>,
    class: Class,
    due: Option<Instant>,
    asked: Option<Instant>,
}

impl Operator {
    /// Starts it.
    pub fn start(story: &Story, microsoft: &Microsoft, kubernetes: &Kubernetes, spec: &Value) -> Self {
        let settings = settings(story, spec);
        let ctx = context(microsoft, kubernetes, &settings);
        let key = ObjectKey { namespace: NAMESPACE.to_owned(), name: NAME.to_owned() };
        let mut operator = Self {
            microsoft: microsoft.clone(),
            kubernetes: kubernetes.clone(),
            settings,
            key,
            ctx,
            store: Store::default(),
            remembered: None,
            class: Class::Edit,
            due: None,
            asked: None,
        };
        operator.take_in();
        operator
    }

    /// Ends the process and starts another one, which remembers nothing.
    pub fn restart(&mut self) {
        self.ctx = context(&self.microsoft, &self.kubernetes, &self.settings);
        self.store = Store::default();
        (self.remembered, self.class, self.due, self.asked) = (None, Class::Periodic, None, None);
        self.take_in();
    }

    /// The watch brings the object as it stands.
    pub fn take_in(&mut self) {
        let object: DeserializeGuard<Watched> = serde_json::from_value(self.kubernetes.object()).unwrap();
        let now = self.now();
        for change in self.store.apply(&Area::All, Event::Apply(object)) {
            match change {
                Change::Appeared(_) => self.due = Some(now),
                Change::Edited(key) => {
                    let stored = self.store.get(&key).unwrap();
                    let is_edit = stored.status.observed_generation != Some(stored.generation);
                    let pause = unsigned(self.settings.timing.request_pause);
                    let earliest = self.asked.map_or(now, |last| last + pause).max(now);
                    let due = if is_edit { now } else { earliest };
                    if stored.is_requested() {
                        self.asked = Some(due);
                    }
                    self.class = Class::Edit;
                    self.due = Some(due);
                }
                Change::Touched(_) => {}
                Change::Gone(_) => self.due = None,
            }
        }
    }

    /// Makes one pass, now.
    pub async fn look(&mut self) {
        let stored = self.store.get(&self.key).unwrap().clone();
        let is_asked = stored.is_asked_beyond(&stored.status);
        let remembered = self.remembered.take().unwrap_or_else(|| Remembered::new(self.ctx.clock.now()));
        let turn = Turn { key: self.key.clone(), stored: stored.clone(), remembered, is_asked, class: self.class };
        let mut passes = JoinSet::new();
        passes.spawn(pass::pass(Arc::clone(&self.ctx), turn));
        let end = if let Ok(end) = passes.join_next().await.unwrap() {
            end.unwrap()
        } else {
            let confessed = pass::confess(Arc::clone(&self.ctx), self.key.clone(), stored).await.unwrap();
            End { pause: Some(PANIC_PAUSE), ..confessed }
        };
        let End { remembered, pause, class, result: _ } = end;
        self.remembered = Some(remembered);
        self.class = class;
        self.due = pause.map(|pause| self.now() + pause);
        self.take_in();
    }

    /// Lets time pass, and looks whenever a look is due.
    pub async fn pass_time(&mut self, passes: SignedDuration) {
        let end = self.now() + unsigned(passes);
        while let Some(due) = self.due.filter(|due| *due <= end) {
            tokio::time::advance(due.saturating_duration_since(self.now())).await;
            self.look().await;
        }
        tokio::time::advance(end.saturating_duration_since(self.now())).await;
    }

    /// Time passes, and the process does not run.
    pub async fn be_away(&mut self, passes: SignedDuration) {
        tokio::time::advance(unsigned(passes)).await;
        self.restart();
    }

    fn now(&self) -> Instant {
        self.ctx.clock.instant()
    }
}

fn context(microsoft: &Microsoft, kubernetes: &Kubernetes, settings: &Settings) -> Arc<Context<Microsoft>> {
    let clock: Clock = microsoft.clock().clone();
    Arc::new(Context {
        client: kubernetes.client(),
        graph: Graph::new(microsoft.clone(), clock.clone()),
        clock,
        settings: settings.clone(),
        schema: StatusSchema::default(),
    })
}

/// What the process was told.
pub fn settings(story: &Story, spec: &Value) -> Settings {
    let id = |value: &Value| value.as_str().unwrap().parse().unwrap();
    let mut operator = OperatorIdentity::default();
    if story.process.allow_operator_identity {
        let tenant = spec["tenantId"].as_str().unwrap().parse().unwrap();
        operator.client = Some(id(&spec["credentials"]["clientId"]));
        operator.token_file = Some("/nowhere/token".into());
        operator.allowed.insert((NAMESPACE.to_owned(), tenant));
    }
    Settings {
        areas: Area::of([NAMESPACE]),
        limits: Limits { total: 8, per_tenant: 4 },
        timing: Timing::PRODUCTION,
        server: None,
        exchange_audience: None,
        operator,
        linkable: story.process.consent_link_app_ids.iter().map(|id| id.parse().unwrap()).collect(),
        attribution: story.process.attribution(),
        instance: "test".to_owned(),
    }
}
