//! What is told of every process: which version it is and since when it runs.

use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::endpoint::PREFIX;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// Makes readable which version runs, and since when. The name of the latter is that of all programs.
pub fn register_process(registry: &mut Registry, started: Timestamp) {
    let build = Family::<Build, Gauge>::default();
    build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
    let own = registry.sub_registry_with_prefix(PREFIX);
    own.register("build_info", "The version that runs, always 1", build);
    let start = Gauge::<i64>::default();
    start.set(started.as_second());
    registry.register_with_unit("process_start_time", "When the process started", Unit::Seconds, start);
}
