//! What is counted of the requests to Microsoft: never a tenant, an object or an address, so that the number of series is
//! bounded whatever the number of tenants.

use std::sync::Arc;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::ConstGauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use tokio::time::Instant;

use super::{budget::Budgets, call::CallError, trail::Operation};
use crate::{
    api::{CredentialKind, Reason},
    clock::Clock,
};

/// What a request was for and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    operation: &'static str,
    /// Status code, or what kept an answer from being one.
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fetch {
    credential: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Oddity {
    kind: &'static str,
}

/// Something about an answer that Microsoft Graph does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strange {
    /// An answer to a question that nobody asked.
    UnaskedItem,
    /// No answer to a question.
    UnansweredItem,
    /// A list that goes on at another host, for ever or in a circle.
    RefusedLink,
    /// A value that this version does not know.
    UnrecognisedValue,
}

impl Strange {
    /// Every one.
    const ALL: [Self; 4] = [Self::UnaskedItem, Self::UnansweredItem, Self::RefusedLink, Self::UnrecognisedValue];

    const fn as_str(self) -> &'static str {
        match self {
            Self::UnaskedItem => "unasked_item",
            Self::UnansweredItem => "unanswered_item",
            Self::RefusedLink => "refused_link",
            Self::UnrecognisedValue => "unrecognised_value",
        }
    }
}

/// The counters.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<Request, Counter>,
    duration: Family<Of, Histogram>,
    units: Family<Of, Counter>,
    bytes: Family<Direction, Counter>,
    items: Histogram,
    throttled: Family<Of, Counter>,
    waited: Counter<f64, std::sync::atomic::AtomicU64>,
    fetches: Family<Fetch, Counter>,
    strange: Family<Oddity, Counter>,
    skew: prometheus_client::metrics::gauge::Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            requests: Family::default(),
            // From 10 ms to the deadline of a call.
            duration: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.01, 2.0, 12))),
            units: Family::default(),
            bytes: Family::default(),
            items: Histogram::new([1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0]),
            throttled: Family::default(),
            waited: Counter::default(),
            fetches: Family::default(),
            strange: Family::default(),
            skew: prometheus_client::metrics::gauge::Gauge::default(),
        };
        // A series that begins at zero can be alerted on; one that begins with the first trouble cannot.
        for operation in Operation::ALL {
            let of = Of { operation: operation.as_str() };
            drop(metrics.throttled.get_or_create(&of));
            drop(metrics.units.get_or_create(&of));
            if !operation.is_item() {
                drop(metrics.duration.get_or_create(&of));
            }
        }
        for kind in Strange::ALL {
            drop(metrics.strange.get_or_create(&Oddity { kind: kind.as_str() }));
        }
        for direction in ["received", "sent"] {
            drop(metrics.bytes.get_or_create(&Direction { direction }));
        }
        metrics
    }
}

impl Metrics {
    /// Makes the counters readable under their names.
    pub(super) fn register(&self, registry: &mut Registry, budgets: &Arc<Budgets>, clock: &Clock) {
        let Self { requests, duration, units, bytes, items, throttled, waited, fetches, strange, skew } = self.clone();
        let registry = registry.sub_registry_with_prefix("graph");
        registry.register(
            "requests",
            "Requests to Microsoft Graph and the token endpoint, and items of batches, by what they were for and how they ended",
            requests,
        );
        let help = "Time until an answer was complete, by what the request was for";
        registry.register_with_unit("request_duration", help, Unit::Seconds, duration);
        registry.register("resource_units", "Resource units that answers said they cost", units);
        registry.register_with_unit("transferred", "Bytes of bodies, by direction", Unit::Bytes, bytes);
        registry.register("batch_items", "Questions in one batch", items);
        registry.register("throttled", "Answers that asked to slow down, by what the request was for", throttled);
        let help = "Time that requests were held back so that no tenant's limit is reached";
        registry.register_with_unit("held_back", help, Unit::Seconds, waited);
        registry.register("token_fetches", "Tokens that were asked for, by kind of credential and result", fetches);
        registry.register("strange_answers", "Parts of answers that Microsoft Graph does not give, by kind", strange);
        let help = "How far the clock of Microsoft is ahead of this machine's, as far as is known";
        registry.register_with_unit("clock_skew", help, Unit::Seconds, skew);
        registry.register_collector(Box::new(Standings { budgets: Arc::clone(budgets), clock: clock.clone() }));
    }

    /// Counts a request and its end.
    pub(super) fn called(&self, operation: Operation, status: Result<u16, &CallError>, took: std::time::Duration) {
        self.answered(operation, status.map_or_else(|error| error.kind().to_owned(), |status| status.to_string()));
        self.duration.get_or_create(&Of { operation: operation.as_str() }).observe(took.as_secs_f64());
    }

    /// Counts an item of a batch.
    pub(super) fn item(&self, operation: Operation, status: u16) {
        self.answered(operation, status.to_string());
    }

    fn answered(&self, operation: Operation, status: String) {
        if status == "429" {
            self.throttled.get_or_create(&Of { operation: operation.as_str() }).inc();
        }
        self.requests.get_or_create(&Request { operation: operation.as_str(), status }).inc();
    }

    pub(super) fn units(&self, operation: Operation, units: u32) {
        self.units.get_or_create(&Of { operation: operation.as_str() }).inc_by(units.into());
    }

    pub(super) fn bytes(&self, sent: usize, received: usize) {
        let count = |direction, bytes| {
            self.bytes.get_or_create(&Direction { direction }).inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
        };
        count("sent", sent);
        count("received", received);
    }

    pub(super) fn batch(&self, items: usize) {
        #[expect(clippy::cast_precision_loss, reason = "at most twenty")]
        self.items.observe(items as f64);
    }

    pub(super) fn held_back(&self, wait: std::time::Duration) {
        self.waited.inc_by(wait.as_secs_f64());
    }

    pub(super) fn fetched(&self, kind: CredentialKind, result: Result<(), Reason>) {
        let result = result.map_or_else(Reason::as_str, |()| "Success");
        self.fetches.get_or_create(&Fetch { credential: kind.as_str(), result }).inc();
    }

    pub(super) fn strange(&self, kind: Strange, count: usize) {
        let kind = Oddity { kind: kind.as_str() };
        self.strange.get_or_create(&kind).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(super) fn skew(&self, seconds: f64) {
        self.skew.set(seconds);
    }
}

/// How the tenants stand, counted when somebody asks.
#[derive(Debug)]
struct Standings {
    budgets: Arc<Budgets>,
    clock: Clock,
}

impl Collector for Standings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let now: Instant = self.clock.instant();
        let gauge = ConstGauge::new(0_i64);
        let help = "Tenants that were asked within the last hour, by how freely they may be asked.";
        let mut family = encoder.encode_descriptor("tenants", help, None, gauge.metric_type())?;
        for (standing, count) in self.budgets.standings(now) {
            let labels = [("budget", standing.as_str())];
            let gauge = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            gauge.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
