//! Between a Lease as the API server keeps it and the record that the election decides on.

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};

use super::{LeaseName, election::Record};

/// Version and record of a Lease; what is missing counts as empty.
pub fn of(lease: &Lease) -> (String, Record) {
    let version = lease.metadata.resource_version.clone().unwrap_or_default();
    let spec = lease.spec.clone().unwrap_or_default();
    let record = Record {
        holder: spec.holder_identity.unwrap_or_default(),
        seconds: spec.lease_duration_seconds.unwrap_or_default(),
        acquired: spec.acquire_time.map(|time| time.0),
        renewed: spec.renew_time.map(|time| time.0),
        transitions: spec.lease_transitions.unwrap_or_default(),
    };
    (version, record)
}

/// The Lease with this record in it and all else as it was.
pub fn with(record: &Record, lease: Lease) -> Lease {
    let Record { holder, seconds, acquired, renewed, transitions } = record.clone();
    let spec = LeaseSpec {
        holder_identity: Some(holder),
        lease_duration_seconds: Some(seconds),
        acquire_time: acquired.map(MicroTime),
        renew_time: renewed.map(MicroTime),
        lease_transitions: Some(transitions),
        ..lease.spec.unwrap_or_default()
    };
    // Left out, the API server keeps them as they are.
    let metadata = ObjectMeta { managed_fields: None, ..lease.metadata };
    Lease { metadata, spec: Some(spec) }
}

/// A Lease that says nothing yet.
pub fn empty(name: &LeaseName) -> Lease {
    let LeaseName { namespace, name } = name;
    let metadata = ObjectMeta { name: Some(name.clone()), namespace: Some(namespace.clone()), ..ObjectMeta::default() };
    Lease { metadata, spec: None }
}
