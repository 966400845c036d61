//! What each object says, as gauges: for alerts on what drifted, until when it can be undone, and how old a look is.
//!
//! Made from the published status as the watch brings it, so that the series are right after a restart too, and a look
//! that finds nothing new changes none. Series of an object end with it. No label names a tenant, a link or a person.
//! What the process tells of itself is below.

mod heard;
mod process;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
    registry::{Registry, Unit},
};
use serde::Deserialize as _;
use serde_json::Value;

pub use process::{LookResult, ProcessMetrics};

use super::store::ObjectKey;
use crate::api::{
    ConditionType, Reason, WebexAzureIntegrationStatus,
    reason::ConditionStatus,
    status::{ApplicationStatus, CertificateStatus},
};

/// What is shown of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    conditions: Vec<(ConditionType, ConditionStatus, Reason)>,
    drift: Vec<(String, Reason)>,
    applications: Vec<ShownApplication>,
    last_observed: Option<Timestamp>,
    /// When the credential ends, which no status tells.
    credential_end: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ShownApplication {
    name: String,
    missing: Option<i64>,
    restore_before: Option<Timestamp>,
    disabled_at: Option<Timestamp>,
    /// By kind, when the one that counts ends.
    certificates: BTreeMap<&'static str, Timestamp>,
}

impl Shown {
    /// What is shown of this status. What this version does not know is left out.
    pub fn of(status: &WebexAzureIntegrationStatus) -> Self {
        let conditions = status.conditions.iter().filter_map(|condition| {
            let known = |all: &[ConditionStatus]| all.iter().copied().find(|it| it.as_str() == condition.status);
            Some((
                ConditionType::ALL.into_iter().find(|it| it.as_str() == condition.type_)?,
                known(&[ConditionStatus::True, ConditionStatus::False, ConditionStatus::Unknown])?,
                Reason::from_name(&condition.reason)?,
            ))
        });
        let mut drift: Vec<(String, Reason)> = status
            .drift
            .iter()
            .filter_map(|entry| Some((entry.application.clone(), Reason::from_name(&entry.reason)?)))
            .collect();
        // Two series must not have the same labels.
        drift.sort();
        drift.dedup();
        Self {
            conditions: conditions.collect(),
            drift,
            applications: status.applications.iter().map(ShownApplication::of).collect(),
            last_observed: status.last_observed_time.as_ref().map(|time| time.0),
            credential_end: None,
        }
    }
}

impl ShownApplication {
    fn of(entry: &ApplicationStatus) -> Self {
        let time = |time: &Option<Time>| time.as_ref().map(|time| time.0);
        let certificates = ["Certificate", "ClientSecret"].into_iter().filter_map(|kind| {
            let of_kind = || entry.certificates.iter().filter(|certificate| certificate.kind == kind);
            let last = |active: Option<bool>| of_kind().rfind(|it| active.is_none() || it.active == active);
            // Those that were replaced stay listed; they are sorted by their end.
            let counts: &CertificateStatus = last(Some(true)).or_else(|| last(None))?;
            Some((kind, counts.not_after.0))
        });
        let quarantine = entry.provisioning.as_ref().and_then(|provisioning| provisioning.quarantine.as_ref());
        Self {
            name: entry.name.clone(),
            missing: entry.consent.as_ref().and_then(|consent| {
                // Without figures nothing is known of what is missing.
                consent.granted.map(|_| i64::try_from(consent.missing.len()).unwrap_or(i64::MAX))
            }),
            restore_before: time(&entry.restore_before),
            disabled_at: quarantine.and_then(|quarantine| time(&quarantine.disabled_at)),
            certificates: certificates.collect(),
        }
    }
}

/// What is shown of all objects; a clone is the same board.
#[derive(Debug, Clone, Default)]
pub struct ObjectMetrics(Arc<Mutex<BTreeMap<ObjectKey, Shown>>>);

impl ObjectMetrics {
    /// Shows this status for the object from now on.
    pub fn show(&self, key: &ObjectKey, status: &Value) {
        let status = WebexAzureIntegrationStatus::deserialize(status).unwrap_or_default();
        self.board(|board| {
            let credential_end = board.get(key).and_then(|shown| shown.credential_end);
            board.insert(key.clone(), Shown { credential_end, ..Shown::of(&status) });
        });
    }

    /// Shows when the credential of an object ends, if it is shown at all.
    pub fn show_credential_end(&self, key: &ObjectKey, end: Option<Timestamp>) {
        self.board(|board| {
            if let Some(shown) = board.get_mut(key) {
                shown.credential_end = end;
            }
        });
    }

    /// Shows nothing of the object any more.
    pub fn forget(&self, key: &ObjectKey) {
        self.board(|board| board.remove(key));
    }

    /// Makes the gauges readable under their names.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    fn board<R>(&self, change: impl FnOnce(&mut BTreeMap<ObjectKey, Shown>) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One series: further labels, and the value.
type Sample<'a> = (Vec<(&'static str, &'a str)>, i64);

/// One gauge: its name, its unit, what it tells, and its series for an object.
struct Family {
    name: &'static str,
    unit: Option<Unit>,
    help: &'static str,
    samples: for<'a> fn(&'a Shown) -> Vec<Sample<'a>>,
}

const FAMILIES: [Family; 9] = [
    Family {
        name: "condition",
        unit: None,
        help: "Conditions of an object as they are written, always 1",
        samples: |shown| {
            let labels = |(condition, status, reason): &(ConditionType, ConditionStatus, Reason)| {
                vec![("type", condition.as_str()), ("status", status.as_str()), ("reason", reason.as_str())]
            };
            shown.conditions.iter().map(|condition| (labels(condition), 1)).collect()
        },
    },
    Family {
        name: "ready",
        unit: None,
        help: "Whether everything that an object requires is as declared: 1 if so, 0 if not or not known",
        samples: |shown| {
            let ready = shown.conditions.iter().find(|(condition, ..)| *condition == ConditionType::Ready);
            ready.map(|(_, status, _)| (Vec::new(), i64::from(*status == ConditionStatus::True))).into_iter().collect()
        },
    },
    Family {
        name: "drift",
        unit: None,
        help: "Differences between a tenant and the declaration, always 1",
        samples: |shown| {
            let each = shown.drift.iter().map(|(application, reason)| {
                (vec![("application", application.as_str()), ("reason", reason.as_str())], 1)
            });
            each.collect()
        },
    },
    Family {
        name: "consent_missing_permissions",
        unit: None,
        help: "Required permissions that are not granted; no series while that is not known",
        samples: |shown| of_applications(shown, |application| application.missing),
    },
    Family {
        name: "restore_deadline_timestamp",
        unit: Some(Unit::Seconds),
        help: "Until when a deleted application can be restored",
        samples: |shown| of_applications(shown, |application| application.restore_before.map(Timestamp::as_second)),
    },
    Family {
        name: "quarantine_deadline_timestamp",
        unit: Some(Unit::Seconds),
        help: "When Microsoft switches a quarantined provisioning job off",
        samples: |shown| of_applications(shown, |application| application.disabled_at.map(Timestamp::as_second)),
    },
    Family {
        name: "certificate_expiry_timestamp",
        unit: Some(Unit::Seconds),
        help: "When the certificate or client secret of an application ends that counts, by kind",
        samples: |shown| {
            let each = shown.applications.iter().flat_map(|application| {
                let ends = application.certificates.iter();
                ends.map(|(kind, end)| {
                    (vec![("application", application.name.as_str()), ("kind", *kind)], end.as_second())
                })
            });
            each.collect()
        },
    },
    Family {
        name: "credential_expiry_timestamp",
        unit: Some(Unit::Seconds),
        help: "When the certificate ends that the operator signs in with for an object; none for other credentials, whose end cannot be seen",
        samples: |shown| shown.credential_end.map(|end| (Vec::new(), end.as_second())).into_iter().collect(),
    },
    Family {
        name: "last_observed_timestamp",
        unit: Some(Unit::Seconds),
        help: "The last complete look, as the status has it; it lags by up to the heartbeat",
        samples: |shown| shown.last_observed.map(|time| (Vec::new(), time.as_second())).into_iter().collect(),
    },
];

fn of_applications(shown: &Shown, value: impl Fn(&ShownApplication) -> Option<i64>) -> Vec<Sample<'_>> {
    let samples = shown.applications.iter().filter_map(|application| {
        value(application).map(|value| (vec![("application", application.name.as_str())], value))
    });
    samples.collect()
}

impl Collector for ObjectMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.board(|board| {
            for Family { name, unit, help, samples } in FAMILIES {
                let kind = ConstGauge::new(0_i64).metric_type();
                let mut family = encoder.encode_descriptor(name, help, unit.as_ref(), kind)?;
                for (ObjectKey { namespace, name }, shown) in &*board {
                    for (labels, value) in samples(shown) {
                        let object = [("namespace", namespace.as_str()), ("name", name.as_str())];
                        let labels: Vec<(&str, &str)> = object.into_iter().chain(labels).collect();
                        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
                    }
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey { namespace: "webex".to_owned(), name: name.to_owned() }
    }

    fn scraped(metrics: &ObjectMetrics) -> Vec<String> {
        let mut registry = Registry::with_prefix("webex_azure_operator");
        metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(|line| line.trim_start_matches("webex_azure_operator_").to_owned()).collect()
    }

    fn deleted() -> Value {
        let condition = |kind: &str, status: &str, reason: &str| {
            json!({
                "type": kind, "status": status, "reason": reason, "message": "Tenant 3f0c of admin@contoso.com.",
                "lastTransitionTime": "2026-11-23T08:00:00Z",
            })
        };
        json!({
            "lastObservedTime": "2026-11-23T08:00:00Z",
            "conditions": [
                condition("Stalled", "True", "ServicePrincipalSoftDeleted"),
                condition("Ready", "False", "ServicePrincipalSoftDeleted"),
                condition("FromTheFuture", "True", "Whatever"),
                condition("Drifted", "True", "ReasonOfTheFuture"),
            ],
            "drift": [{
                "application": "identity-integration", "reason": "ServicePrincipalSoftDeleted", "expected": "e", "actual": "a",
                "attribution": { "actor": "admin@contoso.com", "kind": "User", "activity": "Remove service principal", "text": "admin@contoso.com removed it." },
            }],
            "applications": [
                {
                    "name": "identity-integration", "restoreBefore": "2026-12-23T08:00:00Z", "consentURL": "https://login.example/",
                    "consent": { "required": 8 },
                },
                {
                    "name": "identity", "consent": { "granted": 6, "required": 8, "missing": ["User.Read", "User.Read.All"] },
                    "provisioning": { "state": "Quarantined", "quarantine": { "reason": "r", "disabledAt": "2026-12-01T00:00:00Z" } },
                    "certificates": [
                        { "kind": "ClientSecret", "notAfter": "2026-01-01T00:00:00Z" },
                        { "kind": "Certificate", "notAfter": "2027-01-01T00:00:00Z", "active": true },
                        { "kind": "Certificate", "notAfter": "2027-02-01T00:00:00Z" },
                        { "kind": "ClientSecret", "notAfter": "2028-01-01T00:00:00Z" },
                    ],
                },
            ],
        })
    }

    #[test]
    fn an_object_shows_what_its_status_says() {
        let metrics = ObjectMetrics::default();
        metrics.show(&key("contoso"), &deleted());
        let object = "namespace=\"webex\",name=\"contoso\"";
        let application = |name: &str| format!("{object},application=\"{name}\"");
        assert_eq!(
            scraped(&metrics),
            [
                format!(
                    "condition{{{object},type=\"Stalled\",status=\"True\",reason=\"ServicePrincipalSoftDeleted\"}} 1"
                ),
                format!(
                    "condition{{{object},type=\"Ready\",status=\"False\",reason=\"ServicePrincipalSoftDeleted\"}} 1"
                ),
                format!("ready{{{object}}} 0"),
                format!("drift{{{},reason=\"ServicePrincipalSoftDeleted\"}} 1", application("identity-integration")),
                format!("consent_missing_permissions{{{}}} 2", application("identity")),
                format!("restore_deadline_timestamp_seconds{{{}}} 1798012800", application("identity-integration")),
                format!("quarantine_deadline_timestamp_seconds{{{}}} 1796083200", application("identity")),
                format!(
                    "certificate_expiry_timestamp_seconds{{{},kind=\"Certificate\"}} 1798761600",
                    application("identity")
                ),
                format!(
                    "certificate_expiry_timestamp_seconds{{{},kind=\"ClientSecret\"}} 1830297600",
                    application("identity")
                ),
                format!("last_observed_timestamp_seconds{{{object}}} 1795420800"),
            ]
        );
    }

    #[test]
    fn the_end_of_a_credential_outlives_a_status_and_goes_with_its_object() {
        let metrics = ObjectMetrics::default();
        let end = Timestamp::from_second(1_798_761_600).ok();
        let told = || {
            let lines = scraped(&metrics).into_iter().filter(|line| line.starts_with("credential_expiry"));
            lines.collect::<Vec<String>>()
        };
        let nothing: Vec<String> = Vec::new();
        metrics.show_credential_end(&key("contoso"), end);
        assert_eq!(nothing, told(), "an object that is not there has none");
        metrics.show(&key("contoso"), &Value::Null);
        metrics.show_credential_end(&key("contoso"), end);
        metrics.show(&key("contoso"), &deleted());
        let line = "credential_expiry_timestamp_seconds{namespace=\"webex\",name=\"contoso\"} 1798761600";
        assert_eq!(vec![line.to_owned()], told());
        metrics.show_credential_end(&key("contoso"), None);
        assert_eq!(nothing, told(), "a client secret took its place");
        metrics.show_credential_end(&key("contoso"), end);
        metrics.forget(&key("contoso"));
        metrics.show(&key("contoso"), &deleted());
        assert_eq!(nothing, told(), "a later object of the same name");
    }

    #[test]
    fn no_series_names_a_person_a_link_or_a_tenant() {
        let metrics = ObjectMetrics::default();
        metrics.show(&key("contoso"), &deleted());
        assert!(deleted().to_string().contains("admin@contoso.com") && scraped(&metrics).len() > 5);
        for line in scraped(&metrics) {
            assert!(!["admin", "http", "3f0c"].iter().any(|word| line.contains(word)), "{line}");
        }
    }

    #[test]
    fn what_is_over_is_shown_no_longer_and_neither_is_an_object_that_is_gone() {
        let metrics = ObjectMetrics::default();
        metrics.show(&key("contoso"), &deleted());
        metrics.show(&key("fabrikam"), &Value::Null);
        metrics.show(
            &key("contoso"),
            &json!({ "conditions": [{
                "type": "Ready", "status": "True", "reason": "InSync", "message": "", "lastTransitionTime": "2026-11-23T08:00:00Z",
            }] }),
        );
        let object = "namespace=\"webex\",name=\"contoso\"";
        let healed = [
            format!("condition{{{object},type=\"Ready\",status=\"True\",reason=\"InSync\"}} 1"),
            format!("ready{{{object}}} 1"),
        ];
        assert_eq!(scraped(&metrics)[..2], healed);
        assert_eq!(scraped(&metrics).len(), 2, "an object without a verdict has no series");
        metrics.forget(&key("contoso"));
        assert!(scraped(&metrics).is_empty());
    }

    #[test]
    fn series_follow_the_watch_through_edits_relists_and_a_later_object_of_the_same_name() {
        use kube::{core::DeserializeGuard, runtime::watcher::Event};

        use crate::controller::{
            store::{Store, Watched},
            watch::Area,
        };

        let metrics = ObjectMetrics::default();
        let mut store = Store::default();
        store.show_on(metrics.clone());
        let object = |name: &str, uid: &str, version: &str, status: Value| -> DeserializeGuard<Watched> {
            let metadata = json!({ "namespace": "webex", "name": name, "uid": uid, "resourceVersion": version });
            serde_json::from_value(json!({ "metadata": metadata, "spec": {}, "status": status })).unwrap()
        };
        let names = || {
            let ready = scraped(&metrics).into_iter().filter(|line| line.starts_with("ready{"));
            ready.map(|line| line.split('"').nth(3).unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        store.apply(&Area::All, Event::Apply(object("contoso", "1", "5", deleted())));
        store.apply(&Area::All, Event::Apply(object("fabrikam", "2", "6", deleted())));
        assert_eq!(names(), ["contoso", "fabrikam"]);
        store.apply(&Area::All, Event::Apply(object("contoso", "1", "4", Value::Null)));
        assert_eq!(names(), ["contoso", "fabrikam"], "what is older shows nothing");
        store.apply(&Area::All, Event::Init);
        store.apply(&Area::All, Event::InitApply(object("contoso", "1", "5", deleted())));
        store.apply(&Area::All, Event::InitDone);
        assert_eq!(names(), ["contoso"], "what a relist does not show is gone");
        store.apply(&Area::All, Event::Apply(object("contoso", "3", "9", Value::Null)));
        assert_eq!(names(), Vec::<String>::new(), "a later object has no verdict yet");
        store.apply(&Area::All, Event::Apply(object("contoso", "3", "10", deleted())));
        store.apply(&Area::All, Event::Delete(object("contoso", "3", "11", deleted())));
        assert!(scraped(&metrics).is_empty());
    }

    #[test]
    fn the_page_names_every_gauge() {
        let page = include_str!("../../docs/metrics.md");
        for Family { name, unit, .. } in FAMILIES {
            let unit = unit.map(|unit| format!("_{}", unit.as_str())).unwrap_or_default();
            assert!(page.contains(&format!("`webex_azure_operator_{name}{unit}`")), "{name}");
        }
    }
}
