//! What the audit log says of differences: asked only what an earlier look left open, within its own limit, and whatever
//! becomes of it, the rest of the look is as it would be without.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use webex_azure_operator::{
    api::{ObjectId, Reason},
    domain::{
        Observed, Reading,
        observed::{AuditQuestion, AuditRecord, AuditSubject, Change, Initiator},
    },
    emulator::Knobs,
    graph::Priority,
};

use super::{
    fixture::{
        INTEGRATION, INTEGRATION_OBJECT, Scene, all_in_order, pass, published, spec_with, tokio_now, unreadable,
    },
    seam::{Flow, Kind, Reply, Trouble},
    tenant::error,
};

const LOG: &str = "/auditLogs/directoryAudits?";
const NEXT: &str = "https://graph.microsoft.com/v1.0/auditLogs/directoryAudits?$skiptoken=1";

fn since() -> Timestamp {
    "2026-11-20T00:00:00Z".parse().unwrap()
}

fn about(subject: AuditSubject) -> AuditQuestion {
    AuditQuestion { since: since(), subject }
}

fn target() -> AuditQuestion {
    about(AuditSubject::Target(INTEGRATION_OBJECT))
}

/// A look that has to ask this.
fn asking(questions: impl IntoIterator<Item = AuditQuestion>) -> Scene {
    let mut scene = Scene::healthy();
    scene.recall.audits = questions.into_iter().collect();
    scene
}

fn record(observed: &Observed) -> &AuditRecord {
    let [record] = observed.audits[&target()].known().unwrap().as_slice() else { panic!("{:?}", observed.audits) };
    record
}

/// The record that this is read as.
async fn read(change: impl FnOnce(&mut Value)) -> AuditRecord {
    let mut body = published("directoryaudit-serviceprincipal-events")["value"][0].clone();
    change(&mut body);
    let scene = asking([target()]);
    scene.url(.., LOG, move |item| item["body"] = json!({"value": [body]}));
    record(&scene.seen().await).clone()
}

/// Everything but the audit log is as it is without.
async fn nothing_else_changed(observed: &Observed) {
    let mut rest = observed.clone();
    rest.audits.clear();
    assert_eq!(rest, all_in_order().await);
    assert_eq!(observed.obstacle(), None);
}

#[tokio::test(start_paused = true)]
async fn the_audit_log_is_asked_exactly_what_is_open_in_a_request_of_its_own() {
    let scene = asking([
        target(),
        about(AuditSubject::Activity("Remove app role assignment from service principal")),
        about(AuditSubject::Activity("Update application – O'Neill")),
        about(AuditSubject::Service("Account Provisioning")),
    ]);
    let observed = scene.seen().await;
    let batches = scene.batches();
    assert_eq!(batches.len(), 2);
    let expected: BTreeSet<String> = [
        format!("targetResources/any(t:%20t/id%20eq%20%27{INTEGRATION_OBJECT}%27)"),
        "activityDisplayName%20eq%20%27Remove%20app%20role%20assignment%20from%20service%20principal%27".to_owned(),
        "activityDisplayName%20eq%20%27Update%20application%20%E2%80%93%20O%27%27Neill%27".to_owned(),
        "loggedByService%20eq%20%27Account%20Provisioning%27".to_owned(),
    ]
    .map(|about| {
        format!("{LOG}$filter=activityDateTime%20ge%202026-11-20T00:00:00Z%20and%20{about}&$orderby=activityDateTime%20desc&$top=50")
    })
    .into();
    assert_eq!(batches[1].iter().cloned().collect::<BTreeSet<_>>(), expected);
    assert_eq!(observed.audits.len(), 4);
    assert!(observed.audits.values().all(|records| *records == Reading::Known(Vec::new())));
    nothing_else_changed(&observed).await;
    let quiet = Scene::healthy();
    assert!(quiet.seen().await.audits.is_empty());
    assert!(!quiet.reads().iter().any(|url| url.contains("auditLogs")));
}

#[tokio::test(start_paused = true)]
async fn published_records_are_read_with_what_is_inside_of_their_texts() {
    let scene = asking([target()]);
    scene.url(.., LOG, |item| item["body"] = published("directoryaudit-serviceprincipal-events"));
    let observed = scene.seen().await;
    let records = observed.audits[&target()].known().unwrap();
    assert_eq!(records.len(), 6);
    let removal = &records[0];
    assert_eq!(removal.activity, "Remove service principal");
    assert_eq!(removal.at, "2026-11-20T22:43:59.1234567Z".parse().unwrap());
    assert!(removal.succeeded);
    assert_eq!(removal.correlation_id.as_deref(), Some("5b7e8f6e-6a0a-4a2e-8b43-2d1b0a1f0001"));
    let id = Some("728309ae-1a37-4937-9afe-e35d964db09b".to_owned());
    assert_eq!(removal.initiator, Initiator::User { id, name: Some("admin@contoso.com".to_owned()) });
    assert_eq!(removal.targets, ["00af5dfb-85da-4b41-a677-0c6b86dd34f8"]);
    let values = |record: &AuditRecord, property: &str| {
        let change = record.changes.iter().find(|change| change.property == property).unwrap().clone();
        (change.old, change.new)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(values(&records[5], "AccountEnabled"), (some("true"), some("false")));
    assert_eq!(values(&records[1], "AccountEnabled"), (None, some("true")), "an empty list is nothing");
    let client = some("00af5dfb-85da-4b41-a677-0c6b86dd34f8");
    assert_eq!(values(&records[2], "ServicePrincipal.ObjectID"), (None, client));
    assert_eq!(values(&records[2], "ServicePrincipal.AppId"), (None, None));
    assert_eq!(values(&records[2], "DelegatedPermissionGrant.Scope"), (None, some(" User.Read")));
    assert_eq!(
        records[5].initiator,
        Initiator::Application {
            app_id: some("11111111-aaaa-bbbb-cccc-222222222222"),
            principal_id: some("99999999-aaaa-bbbb-cccc-222222222222"),
            name: some("cleanup-bot"),
        }
    );
    assert!(!format!("{observed:?}").contains("192.0.2.10"), "addresses are not among what is read");

    let scene = asking([target()]);
    scene.url(.., LOG, |item| item["body"] = published("directoryaudit-list"));
    let observed = scene.seen().await;
    assert_eq!(record(&observed).targets.len(), 2);
    let change = Change { property: "Action Client Name".to_owned(), old: None, new: some("DirectorySync") };
    assert_eq!(record(&observed).changes, [change], "of every target; what is no JSON stays as it is");
}

#[tokio::test(start_paused = true)]
async fn values_are_unpacked_from_json_inside_of_texts() {
    for (text, expected) in [
        ("\"value\"", Some("value")),
        ("[\"value\"]", Some("value")),
        ("[\"a\",\"b\"]", Some("a, b")),
        ("\"\\\"value\\\"\"", Some("value")),
        ("[true]", Some("true")),
        ("false", Some("false")),
        ("\"12345678901234567890\"", Some("12345678901234567890")),
        ("12345678901234567890", Some("12345678901234567890")),
        ("{\"a\":1}", Some("{\"a\":1}")),
        ("not \"JSON", Some("not \"JSON")),
        ("\"\"", None),
        ("", None),
        ("[]", None),
        ("[null]", None),
        ("null", None),
    ] {
        let record = read(|body| {
            body["targetResources"][0]["modifiedProperties"][0]["newValue"] = text.into();
        });
        assert_eq!(record.await.changes[0].new.as_deref(), expected, "{text}");
    }
    let deep = "\"".to_owned() + &"\\\"".repeat(2000);
    read(|body| body["targetResources"][0]["modifiedProperties"][0]["newValue"] = deep.into()).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_did_it_may_be_told_in_part_or_not_at_all() {
    let some = |text: &str| Some(text.to_owned());
    for (by, expected) in [
        (json!({"user": {"id": "u", "userPrincipalName": null}}), Initiator::User { id: some("u"), name: None }),
        (json!({"user": {"userPrincipalName": "", "displayName": "A"}}), Initiator::User { id: None, name: some("A") }),
        (
            json!({"user": {"id": null}, "app": {"appId": null, "displayName": "Microsoft Entra ID"}}),
            Initiator::Application { app_id: None, principal_id: None, name: some("Microsoft Entra ID") },
        ),
        (json!({"user": null, "app": null}), Initiator::Unknown),
        (json!({"user": "me", "app": []}), Initiator::Unknown),
        (json!({"user": ["u", "me"], "app": {}}), Initiator::Unknown),
        (json!(null), Initiator::Unknown),
        (json!([]), Initiator::Unknown),
    ] {
        let shown = by.clone();
        assert_eq!(read(|body| body["initiatedBy"] = by).await.initiator, expected, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn g35_what_is_missing_in_a_record_takes_nothing_else_away() {
    for wrong in [Value::Null, json!(7), json!({}), json!([]), json!("")] {
        for name in ["activityDisplayName", "correlationId", "targetResources", "result", "initiatedBy"] {
            let (shown, wrong) = (wrong.clone(), wrong.clone());
            let record = read(|body| body[name] = wrong).await;
            assert_eq!(record.at, "2026-11-20T22:43:59.1234567Z".parse().unwrap(), "{name} {shown}");
            assert_eq!(record.succeeded, name != "result", "{name} {shown}");
        }
        let scene = asking([target()]);
        let mut record = published("directoryaudit-list")["value"][0].clone();
        record["activityDateTime"] = wrong.clone();
        scene.url(.., LOG, move |item| item["body"] = json!({"value": [record]}));
        let observed = scene.seen().await;
        assert_eq!(observed.audits[&target()], Reading::Known(Vec::new()), "without a time it tells nothing: {wrong}");
    }
    for body in [Value::Null, json!({}), json!([[], null]), json!({"value": [7]}), json!({"value": {}})] {
        let scene = asking([target()]);
        let shown = body.clone();
        scene.url(.., LOG, move |item| item["body"] = body.clone());
        let observed = scene.seen().await;
        assert_eq!(unreadable(&observed.audits[&target()]), Reason::MalformedResponse, "{shown}");
        nothing_else_changed(&observed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_licence_and_a_permission_that_are_missing_are_told_apart_and_are_no_obstacle() {
    for (code, message, words, reason) in [
        ("Authentication_RequestFromNonPremiumTenantOrB2CTenant", "x", "licence", Reason::NotObserved),
        ("Forbidden", "Your tenant is not licensed for this feature.", "licence", Reason::NotObserved),
        ("Authorization_RequestDenied", "x", "AuditLog.Read.All (reading the audit log)", Reason::PermissionMissing),
        ("UnknownError", "", "AuditLog.Read.All", Reason::PermissionMissing),
    ] {
        let scene = asking([target()]);
        let mut body = error(code);
        body["error"]["message"] = message.into();
        scene.url(.., LOG, move |item| {
            item["status"] = 403.into();
            item["body"] = body.clone();
        });
        let look = scene.look_for(&scene.looker, Priority::Nobody).await;
        assert!(look.trail.iter().all(webex_azure_operator::graph::Exchange::is_good), "nothing failed");
        let webex_azure_operator::domain::Observation::Looked(observed) = look.observation else { panic!("blocked") };
        let obstacle = observed.audits[&target()].obstacle().unwrap();
        assert_eq!(obstacle.reason, reason, "{code}");
        assert!(obstacle.message.contains(words), "{}", obstacle.message);
        assert!(!obstacle.message.contains("Application.Read.All"), "{}", obstacle.message);
        nothing_else_changed(&observed).await;
        scene.asked();
        pass(60).await;
        scene.seen().await;
        assert_eq!(scene.kinds(), [Kind::Batch, Kind::Batch], "the token is kept");
    }
}

#[tokio::test(start_paused = true)]
async fn other_trouble_of_the_audit_log_is_told_and_leaves_the_rest_alone() {
    for (status, code, expected) in [
        (404, "Request_ResourceNotFound", Reason::MalformedResponse),
        (400, "Request_UnsupportedQuery", Reason::MalformedResponse),
        (500, "InternalServerError", Reason::GraphUnavailable),
        (501, "NotImplemented", Reason::NotObserved),
        (503, "ServiceUnavailable", Reason::GraphUnavailable),
        (429, "TooManyRequests", Reason::Throttled),
    ] {
        let scene = asking([target()]);
        scene.url(.., LOG, move |item| {
            item["status"] = status.into();
            item["body"] = error(code);
        });
        let observed = scene.seen().await;
        assert_eq!(unreadable(&observed.audits[&target()]), expected, "{status}");
        nothing_else_changed(&observed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_slow_or_not_there_delays_a_look_by_seconds_and_fails_nothing() {
    type Spoil = fn(&mut Reply);
    let spoils: [(&str, Spoil, u64); 6] = [
        ("silence", |reply| reply.trouble = Some(Trouble::Silence), 20),
        ("drip", |reply| reply.flow = Flow::Drip, 20),
        ("connection", |reply| reply.trouble = Some(Trouble::Connection), 1),
        ("401", |reply| reply.status = 401, 1),
        (
            "503",
            |reply| {
                reply.refuse(503, "ServiceUnavailable");
            },
            1,
        ),
        (
            "HTML",
            |reply| {
                reply.html(200);
            },
            1,
        ),
    ];
    for (name, spoil, longest) in spoils {
        let scene = asking([target()]);
        scene.alter(Kind::Batch, 1..2, spoil);
        let begun = tokio_now();
        let observed = scene.seen().await;
        assert!(begun.elapsed().as_secs() <= longest, "{name}");
        assert!(observed.audits[&target()].known().is_none(), "{name}");
        nothing_else_changed(&observed).await;
        scene.settle();
        scene.asked();
        assert_eq!(scene.seen().await.audits[&target()], Reading::Known(Vec::new()), "{name}: asked again");
        assert_eq!(scene.kinds(), [Kind::Batch, Kind::Batch], "{name}: with the same token");
    }
}

#[tokio::test(start_paused = true)]
async fn the_audit_log_is_asked_five_times_in_ten_seconds_and_what_is_left_waits_for_a_later_look() {
    let questions: Vec<AuditQuestion> =
        (0..7).map(|n| about(AuditSubject::Target(ObjectId::from_u128(0x100 + n)))).collect();
    let scene = asking(questions);
    let begun = tokio_now();
    let answered = async || {
        let observed = scene.seen().await;
        nothing_else_changed(&observed).await;
        assert_eq!(observed.audits.len(), 7);
        observed.audits.values().filter(|records| records.known().is_some()).count()
    };
    assert_eq!([answered().await, answered().await], [5, 0]);
    assert_eq!(begun.elapsed().as_secs(), 0, "nothing waits for it");
    pass(10).await;
    assert_eq!(answered().await, 5);
}

#[tokio::test(start_paused = true)]
async fn questions_that_had_to_wait_come_first_the_next_time() {
    let questions: Vec<AuditQuestion> =
        (0..7).map(|n| about(AuditSubject::Target(ObjectId::from_u128(0x100 + n)))).collect();
    let mut scene = asking(questions.clone());
    let mut answered = Vec::new();
    for audited in [None, Some(questions[4].clone()), Some(questions[2].clone()), Some(target())] {
        scene.recall.audited = audited;
        let observed = scene.seen().await;
        let known = questions.iter().enumerate().filter(|(_, one)| observed.audits[*one].known().is_some());
        answered.push(known.map(|(number, _)| number).collect::<Vec<_>>());
        pass(10).await;
    }
    assert_eq!(answered, [vec![0, 1, 2, 3, 4], vec![0, 1, 2, 5, 6], vec![0, 3, 4, 5, 6], vec![0, 1, 2, 3, 4]]);
}

#[tokio::test(start_paused = true)]
async fn an_audit_log_that_asks_to_wait_is_left_alone_and_nothing_else() {
    let scene = asking([target()]);
    scene.url(0..2, LOG, |item| {
        item["status"] = 429.into();
        item["headers"]["Retry-After"] = "3".into();
        item["headers"]["x-ms-throttle-limit-percentage"] = "1.8".into();
        item["body"] = error("TooManyRequests");
    });
    let begun = tokio_now();
    assert_eq!(unreadable(&scene.seen().await.audits[&target()]), Reason::Throttled);
    assert_eq!(begun.elapsed().as_secs(), 0, "it is not asked again within the look");
    let observed = scene.seen().await;
    assert_eq!(observed.audits[&target()], Reading::NotAsked);
    nothing_else_changed(&observed).await;
    assert!(scene.metrics().contains("tenants{budget=\"full\"} 1"), "its limit is its own");
    pass(3).await;
    assert_eq!(scene.seen().await.audits[&target()], Reading::Known(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn of_a_long_list_three_pages_are_read_and_what_was_read_counts() {
    type Spoil = fn() -> Reply;
    let page = |number: usize, next: Option<&str>| {
        let mut body = published("directoryaudit-list");
        body["value"][0]["activityDisplayName"] = format!("page {number}").into();
        body["@odata.nextLink"] = next.into();
        body
    };
    let activities = async |scene: &Scene| -> Vec<String> {
        let observed = scene.seen().await;
        nothing_else_changed(&observed).await;
        let records = observed.audits[&target()].known().unwrap();
        records.iter().map(|record| record.activity.clone()).collect()
    };
    let first = move |item: &mut Value| item["body"] = page(1, Some(NEXT));
    let scene = asking([target()]);
    scene.url(.., LOG, first);
    let number = std::sync::atomic::AtomicUsize::new(2);
    scene.pages(move |_| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Reply::json(200, &page(number, Some(&format!("{NEXT}{number}"))))
    });
    assert_eq!(activities(&scene).await, ["page 1", "page 2", "page 3"]);
    // Three of five reads are spent.
    assert_eq!(activities(&scene).await, ["page 1", "page 4"], "within the limit of the log");

    let spoils: [Spoil; 4] = [
        || Reply::json(500, &error("InternalServerError")),
        || Reply::json(403, &error("Authorization_RequestDenied")),
        || Reply::json(429, &error("TooManyRequests")),
        || Reply::json(200, &json!([[]])),
    ];
    for spoil in spoils {
        let scene = asking([target()]);
        scene.url(.., LOG, first);
        scene.pages(move |_| spoil());
        assert_eq!(activities(&scene).await, ["page 1"], "what was read stays read");
        assert!(scene.metrics().contains("tenants{budget=\"full\"} 1"));
    }
    let scene = asking([target()]);
    scene.url(.., LOG, move |item| item["body"] = page(1, Some("https://evil.example/next")));
    assert_eq!(activities(&scene).await, ["page 1"]);
    assert!(!scene.kinds().contains(&Kind::Link), "and no link leads off the host");
}

#[tokio::test(start_paused = true)]
async fn in_a_cloud_without_the_log_it_is_not_asked() {
    let mut scene = Scene::declaring(spec_with(|spec| {
        spec["cloud"] = "China".into();
        spec["identityIntegration"] = json!({"appId": INTEGRATION.to_string()});
    }));
    scene.recall.audits = [target()].into();
    let observed = scene.seen().await;
    assert_eq!(observed.audits[&target()], Reading::NotAsked);
    assert_eq!(scene.batches().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_emulated_tenant_tells_who_deleted_the_integration() {
    let mut scene = Scene::emulated(Knobs::calm(), |_| {});
    let object = scene.recall.principals[&INTEGRATION];
    let since = scene.now();
    scene.as_administrator("DELETE", &format!("/servicePrincipals/{object}"), &Value::Null);
    let subjects = [
        AuditSubject::Target(object),
        AuditSubject::Activity("Remove service principal"),
        AuditSubject::Service("Core Directory"),
        AuditSubject::Service("Account Provisioning"),
    ];
    let [target, activity, service, other] = subjects.map(|subject| AuditQuestion { since, subject });
    scene.recall.audits = [&target, &activity, &service, &other].into_iter().cloned().collect();
    let observed = scene.seen().await;
    assert_eq!(observed.obstacle(), None);
    for question in [&target, &activity, &service] {
        let records = observed.audits[question].known().unwrap();
        assert_eq!(records.len(), 1, "{question:?}");
        assert_eq!(records[0].activity, "Remove service principal");
        assert!(matches!(&records[0].initiator, Initiator::User { name: Some(name), .. } if name.contains('@')));
    }
    assert_eq!(observed.audits[&other], Reading::Known(Vec::new()));

    let mut scene = Scene::emulated(Knobs { audit_licensed: false, ..Knobs::calm() }, |_| {});
    scene.recall.audits = [target.clone()].into();
    let observed = scene.seen().await;
    assert!(observed.audits[&target].obstacle().unwrap().message.contains("licence"));
    assert_eq!(observed.obstacle(), None);
}
