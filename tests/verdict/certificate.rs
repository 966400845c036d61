//! Certificates and client secrets: which of them counts, and when something is told of it.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use webex_azure_operator::{
    api::{ConditionType as C, status::CertificateStatus},
    domain::{Obstacle, observed::PrincipalCredential},
};

use crate::fixture::{THUMBPRINT, Tenant, World, certificate, healthy, hours, secret, spec, start};

const OTHER: &str = "0000000000000000000000000000000000000001";

fn days(days: i64) -> Timestamp {
    hours(start(), days * 24)
}

fn holding(credentials: &[PrincipalCredential]) -> Tenant {
    healthy().with_credentials(credentials.to_vec())
}

fn looked(seen: Tenant) -> World {
    let mut world = World::new(spec());
    world.look(seen);
    world
}

fn listed(world: &World) -> Vec<CertificateStatus> {
    world.status.application("identity").unwrap().certificates.clone()
}

fn server_error() -> Obstacle {
    Obstacle::graph_unavailable(500, None)
}

#[test]
fn what_counts_decides_the_condition() {
    let old = |credential: PrincipalCredential| PrincipalCredential { not_after: Some(days(-1)), ..credential };
    let active = certificate(THUMBPRINT, days(300));
    let idle = certificate(OTHER, days(400));
    let undated = PrincipalCredential { not_after: None, ..secret("undated", days(0)) };
    let cases: [(&str, Vec<PrincipalCredential>, (&str, &str)); 10] = [
        ("current", vec![active.clone()], ("True", "Current")),
        (
            "an old secret beside a valid one",
            vec![old(secret("a", days(0))), secret("b", days(90))],
            ("True", "Current"),
        ),
        (
            "a valid certificate does not excuse a secret",
            vec![active.clone(), old(secret("a", days(0)))],
            ("False", "Expired"),
        ),
        ("all secrets are old", vec![old(secret("a", days(0))), secret("b", days(-9))], ("False", "Expired")),
        ("one ends soon", vec![secret("a", days(20))], ("True", "ExpiringSoon")),
        (
            "one ends soon, and its successor is there",
            vec![secret("a", days(20)), secret("b", days(90))],
            ("True", "Current"),
        ),
        ("the active one has ended", vec![old(active.clone()), idle.clone()], ("False", "Expired")),
        ("one that is not active has ended", vec![active, old(idle)], ("True", "Current")),
        ("none tells its end", vec![undated.clone()], ("Unknown", "NotObserved")),
        (
            "the one without an end may be the successor",
            vec![undated, old(secret("a", days(0)))],
            ("Unknown", "NotObserved"),
        ),
    ];
    for (name, credentials, expected) in cases {
        let world = looked(holding(&credentials).signing_with(THUMBPRINT));
        assert_eq!(world.condition(C::CertificatesCurrent), Some(expected), "{name}");
        let ready = match expected.0 {
            "True" => ("True", "InSync"),
            "False" => ("False", "Expired"),
            _ => ("Unknown", "Progressing"),
        };
        assert_eq!(world.ready(), ready, "{name}");
    }
}

#[test]
fn without_an_active_certificate_the_newest_counts() {
    let both = [certificate(THUMBPRINT, days(-1)), certificate(OTHER, days(100))];
    let unset = looked(holding(&both));
    assert_eq!(unset.condition(C::CertificatesCurrent), Some(("True", "Current")));
    let not_found = looked(holding(&both).signing_with("FFFF"));
    assert_eq!(not_found.condition(C::CertificatesCurrent), Some(("True", "Current")));
    let found = looked(holding(&both).signing_with(THUMBPRINT));
    assert_eq!(found.condition(C::CertificatesCurrent), Some(("False", "Expired")));
}

#[test]
fn the_boundaries_are_exact_and_time_alone_passes_them() {
    let end = days(100);
    let seen = holding(&[secret("a", end)]);
    let second = SignedDuration::from_secs(1);
    let warning = days(70);
    let cases = [
        (warning.checked_sub(second).unwrap(), ("True", "Current"), Some(warning)),
        (warning, ("True", "ExpiringSoon"), Some(end)),
        (end.checked_sub(second).unwrap(), ("True", "ExpiringSoon"), Some(end)),
        (end, ("False", "Expired"), None),
    ];
    for (now, expected, changes_at) in cases {
        let mut world = World::new(spec());
        world.now = now;
        let decision = world.look(seen.clone());
        assert_eq!(world.condition(C::CertificatesCurrent), Some(expected), "{now}");
        if let Some(changes_at) = changes_at {
            assert!(decision.settled_until.unwrap() <= changes_at, "{now}");
        }
    }
}

#[test]
fn how_long_before_is_as_declared() {
    let mut world = World::new(spec());
    world.edit(|spec| spec["identity"]["certificates"] = json!({ "warnBefore": "24h" }));
    world.look(holding(&[secret("a", days(2))]));
    assert_eq!(world.condition(C::CertificatesCurrent), Some(("True", "Current")));
    world.after(24 * 3600).look(holding(&[secret("a", days(2))]));
    assert_eq!(world.condition(C::CertificatesCurrent), Some(("True", "ExpiringSoon")));
}

#[test]
fn what_ends_soon_is_told_and_fails_nothing() {
    let world =
        looked(holding(&[certificate(THUMBPRINT, days(20)), secret("a\u{202e}b", days(10))]).signing_with(THUMBPRINT));
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!(world.drift(), Vec::<&str>::new());
    let message = world.message(C::CertificatesCurrent);
    let which = format!(
        "the active signing certificate {THUMBPRINT} ends at 2026-12-13T08:00:00Z, the client secret with key ID a\\u{{202e}}b \
         ends at 2026-12-03T08:00:00Z"
    );
    assert!(message.contains(&which), "{message}");
}

#[test]
fn what_has_ended_says_which_when_where_and_who() {
    let world = looked(holding(&[certificate(THUMBPRINT, days(-2)), secret("a", days(-1))]).signing_with(THUMBPRINT));
    assert_eq!(world.drift(), ["Expired"], "one difference for one application");
    let entry = &world.status.drift[0];
    assert_eq!(entry.since.clone().unwrap().0, days(-2));
    assert!(
        entry.actual.contains(&format!("the active signing certificate {THUMBPRINT} ended at 2026-11-21T08:00:00Z"))
    );
    assert!(entry.actual.contains("the client secret with key ID a ended at 2026-11-22T08:00:00Z"), "{}", entry.actual);
    let remedy = entry.remedy.clone().unwrap();
    assert_eq!(remedy.action, "RenewCertificate");
    assert_eq!(remedy.role.as_deref(), Some("Cloud Application Administrator"));
    assert!(remedy.text.contains("> Single sign-on > SAML Certificates"), "{}", remedy.text);
    assert!(remedy.text.contains("az ad sp credential reset"), "{}", remedy.text);
    let message = world.message(C::Ready);
    assert!(message.contains("single sign-on or provisioning to Webex"), "{message}");
    assert!(!message.contains("read the directory"), "that is another application: {message}");
}

#[test]
fn the_remedy_names_only_what_has_ended() {
    let world = looked(holding(&[secret("a", days(-1))]));
    let text = world.status.drift[0].remedy.clone().unwrap().text;
    assert!(!text.contains("SAML"), "{text}");
    let world = looked(holding(&[certificate(OTHER, days(-1))]));
    let text = world.status.drift[0].remedy.clone().unwrap().text;
    assert!(!text.contains("az ad"), "{text}");
}

#[test]
fn they_are_listed_the_one_that_ends_first_in_front_and_once() {
    let checking = PrincipalCredential { key_id: "another".to_owned(), ..certificate(THUMBPRINT, days(50)) };
    let world = looked(
        holding(&[certificate(OTHER, days(90)), certificate(THUMBPRINT, days(50)), secret("a", days(60)), checking])
            .signing_with(THUMBPRINT),
    );
    let listed: Vec<_> =
        listed(&world).into_iter().map(|entry| (entry.kind, entry.thumbprint, entry.key_id, entry.active)).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        listed,
        [
            ("Certificate".to_owned(), text(THUMBPRINT), None, Some(true)),
            ("ClientSecret".to_owned(), None, text("a"), None),
            ("Certificate".to_owned(), text(OTHER), None, None),
        ]
    );
}

#[test]
fn a_long_list_keeps_what_counts() {
    let mut credentials: Vec<PrincipalCredential> =
        (0..60).map(|n| secret(&format!("old {n:02}"), days(n - 100))).collect();
    credentials.push(certificate(THUMBPRINT, days(-300)));
    credentials.push(certificate(OTHER, days(300)));
    let world = looked(holding(&credentials).signing_with(THUMBPRINT));
    let listed = listed(&world);
    assert_eq!(listed.len(), 20);
    assert_eq!(listed[0].thumbprint.as_deref(), Some(THUMBPRINT));
    assert!(listed.iter().any(|entry| entry.key_id.as_deref() == Some("old 59")));
}

#[test]
fn without_any_the_condition_is_not_there() {
    let mut world = looked(holding(&[]));
    assert_eq!(world.condition(C::CertificatesCurrent), None);
    assert_eq!(world.ready(), ("True", "InSync"));
    world.after(60).look(healthy().credentials_unreadable(server_error()));
    assert_eq!(world.condition(C::CertificatesCurrent), None, "an earlier look found none");
    assert_eq!(world.ready(), ("True", "InSync"));
    let before = world.status.clone();
    world.after(15).look(healthy().credentials_unreadable(server_error()));
    assert_eq!(world.status, before);
}

#[test]
fn the_last_one_that_is_removed_takes_the_condition_with_it_in_one_write() {
    let mut world = looked(holding(&[secret("a", days(-1))]));
    assert_eq!(world.ready(), ("False", "Expired"));
    world.after(300).look(holding(&[]));
    assert_eq!(world.condition(C::CertificatesCurrent), None);
    assert_eq!(world.ready(), ("True", "InSync"));
    let before = world.status.clone();
    world.after(60).look(holding(&[]));
    assert_eq!(world.status, before);
}

#[test]
fn what_cannot_be_read_at_first_sight_is_unknown_and_later_keeps_the_verdict() {
    let mut fresh = World::new(spec());
    fresh.look(healthy().credentials_unreadable(server_error()));
    assert_eq!(fresh.condition(C::CertificatesCurrent), Some(("Unknown", "NotObserved")));
    assert_eq!(fresh.ready(), ("Unknown", "Progressing"), "True only by a look that has read everything");
    fresh.after(60).look(healthy().credentials_unreadable(server_error()));
    assert_eq!(fresh.ready(), ("Unknown", "Progressing"));

    for (end, expected) in [(days(20), ("True", "ExpiringSoon")), (days(-1), ("False", "Expired"))] {
        let mut world = looked(holding(&[secret("a", end)]));
        assert_eq!(world.condition(C::CertificatesCurrent), Some(expected));
        let certificates = listed(&world);
        world.restart().after(60).look(healthy().credentials_unreadable(server_error()));
        assert_eq!(world.condition(C::CertificatesCurrent), Some(expected));
        world.after(60).blocked(&server_error());
        assert_eq!(world.condition(C::CertificatesCurrent), Some(expected));
        assert_eq!(listed(&world), certificates);
    }
}

#[test]
fn the_same_certificates_are_published_once() {
    let mut world = looked(holding(&[certificate(THUMBPRINT, days(20)), secret("a", days(-1))]));
    let before = world.status.clone();
    world.after(300).look(holding(&[secret("a", days(-1)), certificate(THUMBPRINT, days(20))]));
    assert_eq!(world.status, before, "in whatever order they come");
}
