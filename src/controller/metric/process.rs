//! What the process tells of its own work: looks, the queue, and whether the watch is still heard. No label names an
//! object, so that the number of series is the same for one tenant and for thousands.

use std::{fmt, time::Duration};

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

use super::heard::Heard;
use crate::{
    clock::Clock,
    controller::queue::{SharedQueue, Standing},
};

/// How a pass over one object ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookResult {
    /// Everything required is as declared.
    InSync,
    /// Something differs.
    Drifted,
    /// The tenant was read and there is no verdict yet.
    Undecided,
    /// The tenant could not be read, or not all of it.
    Unreadable,
    /// There was nothing to look at: suspended, not valid, or gone meanwhile.
    Skipped,
    /// The Kubernetes API gave trouble.
    Failed,
    /// It panicked.
    Panicked,
}

impl LookResult {
    /// Every one.
    pub const ALL: [Self; 7] =
        [Self::InSync, Self::Drifted, Self::Undecided, Self::Unreadable, Self::Skipped, Self::Failed, Self::Panicked];

    /// The value of the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Drifted => "drifted",
            Self::Undecided => "undecided",
            Self::Unreadable => "unreadable",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    result: &'static str,
}

/// The counters of looks, and when the watch was last heard.
#[derive(Debug, Clone)]
pub struct ProcessMetrics {
    looks: Family<Ended, Counter>,
    duration: Histogram,
    /// When the API server was last heard.
    pub heard: Heard,
}

impl Default for ProcessMetrics {
    fn default() -> Self {
        let looks = Family::<Ended, Counter>::default();
        // A series that begins at zero can be alerted on; one that begins with the first trouble cannot.
        for result in LookResult::ALL {
            drop(looks.get_or_create(&Ended { result: result.as_str() }));
        }
        // From 50 ms to the deadline of a look.
        Self { looks, duration: Histogram::new(exponential_buckets(0.05, 2.0, 12)), heard: Heard::default() }
    }
}

impl ProcessMetrics {
    /// Counts a pass and its end.
    pub fn ended(&self, result: LookResult, took: Duration) {
        self.looks.get_or_create(&Ended { result: result.as_str() }).inc();
        if result != LookResult::Skipped {
            self.duration.observe(took.as_secs_f64());
        }
    }

    /// Makes all of it readable, with the state of this queue.
    pub fn register(&self, registry: &mut Registry, queue: &SharedQueue, clock: &Clock) {
        let Self { looks, duration, heard } = self.clone();
        registry.register("looks", "Looks at objects, by how they ended", looks);
        let help = "Time of a look, from its beginning until its verdict was written";
        registry.register_with_unit("look_duration", help, Unit::Seconds, duration);
        registry.register_collector(Box::new(QueueGauges { queue: queue.clone(), clock: clock.clone() }));
        registry.register_collector(Box::new(heard));
    }
}

/// How the queue stands, counted when somebody asks.
#[derive(Debug)]
struct QueueGauges {
    queue: SharedQueue,
    clock: Clock,
}

impl Collector for QueueGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Standing { depth, overdue, running } = self.queue.standing(self.clock.instant());
        let count = |count: usize| ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
        let kind = count(0).metric_type();
        let help = "Looks that are due and wait for a free place, by what makes them due";
        let mut family = encoder.encode_descriptor("queue_depth", help, None, kind)?;
        for (class, waiting) in depth {
            count(waiting).encode(family.encode_family(&[("class", class.as_str())])?)?;
        }
        let help = "How long the look that has waited longest is overdue; 0 if none is due";
        let family = encoder.encode_descriptor("queue_overdue", help, Some(&Unit::Seconds), kind)?;
        ConstGauge::new(overdue.as_secs_f64()).encode(family)?;
        let help = "Looks under way";
        let family = encoder.encode_descriptor("looks_running", help, None, kind)?;
        count(running).encode(family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::{
        queue::{Class, Group, Limits},
        store::ObjectKey,
    };

    fn scraped(metrics: &ProcessMetrics, queue: &SharedQueue, clock: &Clock) -> Vec<String> {
        let mut registry = Registry::default();
        metrics.register(&mut registry, queue, clock);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_tells_what_is_due_and_how_long_the_oldest_has_waited() {
        let clock = Clock::seeded("2026-11-23T08:00:00Z".parse().unwrap(), 1);
        let (metrics, queue) = (ProcessMetrics::default(), SharedQueue::new(Limits { total: 1, per_tenant: 1 }));
        let group = || Group { namespace: "n".to_owned(), tenant: "t".to_owned() };
        let key = |name: &str| ObjectKey { namespace: "n".to_owned(), name: name.to_owned() };
        let now = clock.instant();
        let in_seconds = |seconds| now + Duration::from_secs(seconds);
        queue.schedule(key("edited"), group(), Class::Edit, now);
        queue.schedule(key("drifted"), group(), Class::Drifted, in_seconds(20));
        queue.schedule(key("also-drifted"), group(), Class::Drifted, in_seconds(30));
        queue.schedule(key("far-off"), group(), Class::Periodic, in_seconds(300));
        let gauges = || {
            let of_queue = |line: &String| line.starts_with("queue") || line.starts_with("looks_running");
            scraped(&metrics, &queue, &clock).into_iter().filter(of_queue).collect::<Vec<_>>()
        };
        let told = |edit, drifted, overdue: &str, running| {
            [
                format!("queue_depth{{class=\"edit\"}} {edit}"),
                format!("queue_depth{{class=\"drifted\"}} {drifted}"),
                "queue_depth{class=\"periodic\"} 0".to_owned(),
                format!("queue_overdue_seconds {overdue}"),
                format!("looks_running {running}"),
            ]
        };
        assert_eq!(gauges(), told(1, 0, "0.0", 0), "what is due at once is due without a turn of the loop");
        assert!(queue.take(now).is_some());
        assert_eq!(gauges(), told(0, 0, "0.0", 1));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(queue.take(clock.instant()), None, "the only place is taken");
        assert_eq!(gauges(), told(0, 2, "40.0", 1));
        assert_eq!(queue.next_due(), Some(in_seconds(300)));
        queue.finish(&key("edited"));
        queue.forget(&key("drifted"));
        assert_eq!(gauges(), told(0, 1, "30.0", 0));
    }

    #[tokio::test(start_paused = true)]
    async fn asking_for_the_figures_takes_no_look_away_from_the_loop() {
        let clock = Clock::seeded("2026-11-23T08:00:00Z".parse().unwrap(), 1);
        let queue = SharedQueue::new(Limits { total: 1, per_tenant: 1 });
        let key = ObjectKey { namespace: "n".to_owned(), name: "x".to_owned() };
        let group = Group { namespace: "n".to_owned(), tenant: "t".to_owned() };
        let due = clock.instant() + Duration::from_secs(1);
        queue.schedule(key.clone(), group, Class::Periodic, due);
        tokio::time::advance(Duration::from_secs(2)).await;
        scraped(&ProcessMetrics::default(), &queue, &clock);
        assert_eq!(queue.next_due(), Some(due), "the loop sleeps until then and must not sleep past it");
        assert_eq!(queue.take(clock.instant()), Some((key, Class::Periodic)));
    }

    #[tokio::test(start_paused = true)]
    async fn every_result_is_counted_from_zero_and_what_was_skipped_took_no_time() {
        let clock = Clock::seeded("2026-11-23T08:00:00Z".parse().unwrap(), 1);
        let (metrics, queue) = (ProcessMetrics::default(), SharedQueue::new(Limits { total: 1, per_tenant: 1 }));
        metrics.ended(LookResult::Drifted, Duration::from_millis(60));
        metrics.ended(LookResult::Skipped, Duration::from_millis(1));
        let lines = scraped(&metrics, &queue, &clock);
        let looks: Vec<&String> = lines.iter().filter(|line| line.starts_with("looks_total")).collect();
        assert_eq!(looks.len(), LookResult::ALL.len(), "{looks:?}");
        for (result, count) in [("drifted", 1), ("skipped", 1), ("in_sync", 0), ("panicked", 0)] {
            assert!(lines.contains(&format!("looks_total{{result=\"{result}\"}} {count}")), "{lines:#?}");
        }
        assert!(lines.contains(&"look_duration_seconds_count 1".to_owned()), "{lines:#?}");
    }
}
