//! Who made a difference: from records that are about it, among others on the same target; late, by name or by ID, or not
//! at all.

use jiff::{SignedDuration, Timestamp};
use webex_azure_operator::{
    api::{Cloud, ConditionType as C, ObjectId, Reason},
    domain::{
        Attribution, Obstacle, Reading,
        observed::{AuditQuestion, AuditRecord, AuditSubject, Change, Initiator, SynchronizationJob},
    },
};

use crate::fixture::{
    GRAPH_OBJECT, IDENTITY, IDENTITY_OBJECT, INTEGRATION_OBJECT, Tenant, World, grant, healthy, running,
};

pub const ADMIN: &str = "admin@contoso.com";

fn admin() -> Initiator {
    Initiator::User { id: Some("728309ae-1a37-4937-9afe-e35d964db09b".to_owned()), name: Some(ADMIN.to_owned()) }
}

pub fn record(activity: &str, target: ObjectId, at: Timestamp) -> AuditRecord {
    AuditRecord {
        at,
        activity: activity.to_owned(),
        succeeded: true,
        correlation_id: Some("5b7e8f6e-6a0a-4a2e-8b43-2d1b0a1f0001".to_owned()),
        initiator: admin(),
        targets: vec![target.to_string()],
        changes: Vec::new(),
    }
}

pub fn changed(mut record: AuditRecord, property: &str, old: Option<&str>, new: Option<&str>) -> AuditRecord {
    let value = |value: Option<&str>| value.map(str::to_owned);
    record.changes.push(Change { property: property.to_owned(), old: value(old), new: value(new) });
    record
}

pub fn by(record: AuditRecord, initiator: Initiator) -> AuditRecord {
    AuditRecord { initiator, ..record }
}

/// A removal of an application permission: the target is Microsoft Graph's principal, as for everybody's removals.
fn role_removed(client: ObjectId, value: &str, at: Timestamp) -> AuditRecord {
    let record = record("Remove app role assignment from service principal", GRAPH_OBJECT, at);
    let record = changed(record, "AppRole.Value", Some(value), None);
    changed(record, "ServicePrincipal.ObjectID", Some(&client.to_string()), None)
}

/// The audit log answers every question that the world has with what is left of these records.
pub fn audited(world: &World, mut seen: Tenant, records: &[AuditRecord]) -> Tenant {
    for question in &world.memory.recall.audits {
        let AuditQuestion { since, subject } = question;
        let is_meant = |record: &&AuditRecord| {
            record.at >= *since
                && match subject {
                    AuditSubject::Target(id) => record.targets.contains(&id.to_string()),
                    AuditSubject::Activity(activity) => record.activity == *activity,
                    AuditSubject::Service(_) => true,
                }
        };
        let found = records.iter().filter(is_meant).cloned().collect();
        seen.0.audits.insert(question.clone(), Reading::Known(found));
    }
    seen
}

pub fn before(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

fn deleted() -> (World, Tenant, Timestamp) {
    let mut world = World::in_sync();
    let at = before(world.now, 30);
    let seen = healthy().soft_deleted(at);
    world.look(seen.clone());
    (world, seen, at)
}

#[test]
fn who_deleted_it_is_added_when_the_record_arrives_without_a_second_alarm() {
    let (mut world, seen, at) = deleted();
    let target = AuditSubject::Target(INTEGRATION_OBJECT);
    assert!(world.memory.recall.audits.iter().any(|question| question.subject == target && question.since <= at));
    assert_eq!(world.status.drift[0].attribution, None);
    let early = audited(&world, seen.clone(), &[]);
    world.after(15).look(early);
    assert_eq!(world.status.drift[0].attribution, None, "a record comes minutes late");

    let decoys = [
        record("Update service principal", INTEGRATION_OBJECT, at),
        record("Remove service principal", ObjectId::from_u128(0x99), at),
        AuditRecord {
            succeeded: false,
            ..by(record("Remove service principal", INTEGRATION_OBJECT, at), Initiator::Unknown)
        },
        record("Remove service principal", INTEGRATION_OBJECT, at),
    ];
    let late = audited(&world, seen.clone(), &decoys);
    let transition = world.status.condition("Ready").unwrap().last_transition_time.clone();
    let decision = world.after(300).look(late);
    assert!(decision.notices.is_empty(), "{:?}", decision.notices);
    let attribution = world.status.drift[0].attribution.clone().unwrap();
    assert_eq!(attribution.actor.as_deref(), Some(ADMIN));
    assert_eq!(
        (attribution.kind.as_deref(), attribution.activity.as_deref()),
        (Some("User"), Some("Remove service principal"))
    );
    assert_eq!(attribution.time.as_ref().map(|time| time.0), Some(at));
    assert_eq!(attribution.text, format!("By {ADMIN} on {at} (audit log: Remove service principal)."));
    assert!(world.message(C::Ready).contains(&attribution.text), "{}", world.message(C::Ready));
    assert_eq!(world.status.condition("Ready").unwrap().last_transition_time, transition);

    assert!(world.memory.recall.audits.is_empty(), "it is not asked about any more");
    let settled = world.status.clone();
    world.after(15).restart().look(seen);
    assert_eq!(world.status.drift, settled.drift, "and not forgotten");
}

#[test]
fn a_deletion_is_not_put_down_to_who_deleted_it_the_last_time() {
    let (mut world, seen, at) = deleted();
    let other = Initiator::User { id: None, name: Some("other@contoso.com".to_owned()) };
    let earlier = by(record("Remove service principal", INTEGRATION_OBJECT, before(at, 2400)), other);
    let misleading = audited(&world, seen.clone(), std::slice::from_ref(&earlier));
    world.after(15).look(misleading);
    assert_eq!(world.status.drift[0].attribution, None, "that one was undone");
    let telling = audited(&world, seen, &[earlier, record("Remove service principal", INTEGRATION_OBJECT, at)]);
    world.after(15).look(telling);
    assert_eq!(world.status.drift[0].attribution.clone().unwrap().actor.as_deref(), Some(ADMIN));
}

#[test]
fn records_of_others_on_microsoft_graphs_principal_do_not_mislead() {
    let mut world = World::in_sync();
    let at = before(world.now, 30);
    let seen = healthy().revoked("Domain.Read.All");
    world.look(seen.clone());
    world.after(61).look(seen.clone());
    let other = Initiator::User { id: None, name: Some("other@contoso.com".to_owned()) };
    let decoys = [
        by(role_removed(ObjectId::from_u128(0x99), "Domain.Read.All", at), other.clone()),
        by(role_removed(INTEGRATION_OBJECT, "Mail.Read", at), other.clone()),
        by(record("Consent to application", ObjectId::from_u128(0x99), at), other),
    ];
    let misleading = audited(&world, seen.clone(), &decoys);
    world.after(15).look(misleading);
    assert_eq!(world.status.drift[0].attribution, None);
    let telling =
        audited(&world, seen, &[&decoys[..], &[role_removed(INTEGRATION_OBJECT, "Domain.Read.All", at)]].concat());
    world.after(15).look(telling);
    assert_eq!(world.status.drift[0].attribution.clone().unwrap().actor.as_deref(), Some(ADMIN));
}

#[test]
fn a_consent_that_took_nothing_away_is_not_blamed_for_what_is_missing() {
    let mut world = World::in_sync();
    let at = before(world.now, 600);
    let seen = healthy().revoked("Domain.Read.All");
    world.look(seen.clone());
    world.after(61).look(seen.clone());
    let consent = |before: &str, afterwards: &str| {
        let text = format!("[[Id: x, Scope: {before}, ]] => [[Id: x, Scope: {afterwards}, ]]; ");
        changed(
            record("Consent to application", INTEGRATION_OBJECT, at),
            "ConsentAction.Permissions",
            None,
            Some(&text),
        )
    };
    let decoys = [
        record("Consent to application", INTEGRATION_OBJECT, at),
        consent("Domain.Read.All User.Read", "Domain.Read.All User.Read"),
        consent("User.Read", "User.Read Domain.Read.All"),
    ];
    let misleading = audited(&world, seen.clone(), &decoys);
    world.after(15).look(misleading);
    assert_eq!(world.status.drift[0].attribution, None);
    let telling = audited(&world, seen, &[consent("Domain.Read.All User.Read", "User.Read")]);
    world.after(15).look(telling);
    assert_eq!(world.status.drift[0].attribution.clone().unwrap().actor.as_deref(), Some(ADMIN));
}

#[test]
fn who_took_away_what_is_not_required_is_not_blamed_for_what_is_missing() {
    let mut world = World::in_sync();
    let at = before(world.now, 30);
    let held = healthy().delegated(grant("Mail.Read"));
    world.look(held.clone());
    let seen = healthy().revoked("Domain.Read.All");
    world.look(seen.clone());
    world.after(61).look(seen.clone());
    assert!(world.status.drift[0].actual.contains("Mail.Read"), "it is told as gone: {}", world.status.drift[0].actual);
    let misleading = audited(&world, seen, &[role_removed(INTEGRATION_OBJECT, "Mail.Read", at)]);
    world.after(15).look(misleading);
    assert_eq!(world.status.drift[0].attribution, None);
}

#[test]
fn who_writes_the_credentials_of_a_job_is_not_blamed_for_its_empty_scope() {
    let mut world = World::in_sync();
    let at = before(world.now, 30);
    let job = SynchronizationJob { synchronized: Some(0), ..running(world.now) };
    let seen = healthy().without_people().provisioned(vec![job]);
    world.look(seen.clone());
    world.after(61).look(seen.clone());
    assert_eq!(world.drift(), ["ProvisioningScopeEmpty"]);
    let decoys = [
        record("Update provisioning setting or credentials", IDENTITY_OBJECT, at),
        record("Remove app role assignment from service principal", IDENTITY_OBJECT, at),
    ];
    let misleading = audited(&world, seen.clone(), &decoys);
    world.after(15).look(misleading);
    assert_eq!(world.status.drift[0].attribution, None);
    let telling = audited(&world, seen, &[record("Remove app role assignment from user", IDENTITY_OBJECT, at)]);
    world.after(15).look(telling);
    assert_eq!(world.status.drift[0].attribution.clone().unwrap().actor.as_deref(), Some(ADMIN));
}

#[test]
fn switching_off_is_told_from_other_changes_of_the_same_principal() {
    let mut world = World::in_sync();
    let at = before(world.now, 30);
    let seen = healthy().disabled();
    world.look(seen.clone());
    let update =
        |property, new| changed(record("Update service principal", INTEGRATION_OBJECT, at), property, None, Some(new));
    let decoys = [update("Tags", "[\"x\"]"), update("AccountEnabled", "[true]")];
    let misleading = audited(&world, seen.clone(), &decoys);
    world.after(15).look(misleading);
    assert_eq!(world.status.drift[0].attribution, None);
    let telling = audited(&world, seen, &[update("AccountEnabled", "[false]")]);
    world.after(15).look(telling);
    assert_eq!(world.status.drift[0].attribution.clone().unwrap().actor.as_deref(), Some(ADMIN));
}

#[test]
fn actors_are_told_by_name_or_by_id_or_not_at_all() {
    let application = Initiator::Application {
        app_id: Some("00000000-0000-4000-8000-0000000000aa".to_owned()),
        principal_id: None,
        name: Some("Clean-up script".to_owned()),
    };
    let nameless = Initiator::Application {
        app_id: None,
        principal_id: None,
        name: Some("Microsoft Entra app lifecycle agent".to_owned()),
    };
    let told = |attribution: Attribution, initiator: Initiator| {
        let (mut world, seen, at) = deleted();
        world.attribution = attribution;
        let seen = audited(&world, seen, &[by(record("Remove service principal", INTEGRATION_OBJECT, at), initiator)]);
        world.after(15).look(seen);
        let attribution = world.status.drift[0].attribution.clone();
        attribution.map(|told| (told.actor.unwrap_or_default(), told.kind.unwrap_or_default()))
    };
    let pair = |actor: &str, kind: &str| Some((actor.to_owned(), kind.to_owned()));
    assert_eq!(told(Attribution::Ids, admin()), pair("user 728309ae-1a37-4937-9afe-e35d964db09b", "User"));
    assert_eq!(
        told(Attribution::Names, application.clone()),
        pair("\"Clean-up script\" (appId 00000000-0000-4000-8000-0000000000aa)", "Application")
    );
    assert_eq!(told(Attribution::Ids, application), pair("appId 00000000-0000-4000-8000-0000000000aa", "Application"));
    assert_eq!(told(Attribution::Names, nameless), pair("\"Microsoft Entra app lifecycle agent\"", "Service"));
    assert_eq!(told(Attribution::Names, Initiator::Unknown), pair("", "Service"));
    assert_eq!(told(Attribution::Off, admin()), None);
}

#[test]
fn with_attribution_off_the_audit_log_is_not_asked() {
    let mut world = World::in_sync();
    world.attribution = Attribution::Off;
    let at = world.now;
    world.look(healthy().soft_deleted(at));
    assert!(world.memory.recall.audits.is_empty());
}

#[test]
fn what_keeps_the_audit_log_closed_is_one_plain_sentence_and_no_obstacle() {
    let cases = [
        (
            Obstacle::permission_missing("00000000-0000-4000-8000-000000000031".parse().unwrap(), &[]),
            Some("lacks AuditLog.Read.All"),
        ),
        (obstacle_of_licence(), Some("licence does not include the audit log")),
        (Obstacle::graph_unavailable(503, None), None),
    ];
    for (obstacle, expected) in cases {
        let (mut world, mut seen, _) = deleted();
        for question in &world.memory.recall.audits {
            seen.0.audits.insert(question.clone(), Reading::Unreadable(obstacle.clone()));
        }
        world.after(15).look(seen);
        assert_eq!(world.condition(C::Observed), Some(("True", "ObservationComplete")), "{obstacle:?}");
        let text = world.status.drift[0].attribution.clone().map(|attribution| attribution.text);
        match expected {
            Some(expected) => assert!(text.as_deref().is_some_and(|text| text.contains(expected)), "{text:?}"),
            None => assert_eq!(text, None, "it may pass by itself"),
        }
        assert!(!world.message(C::Ready).contains("not known"), "the message is for what to do");
        assert!(!world.memory.recall.audits.is_empty(), "a permission may be granted, so it is asked again");
    }
}

fn obstacle_of_licence() -> Obstacle {
    Obstacle { reason: Reason::NotObserved, ..Obstacle::graph_unavailable(403, None) }
}

#[test]
fn in_china_nobody_asks() {
    let mut world = World::in_sync();
    world.edit(|spec| {
        spec["cloud"] = serde_json::json!("China");
        spec["identityIntegration"] = serde_json::json!({ "appId": crate::fixture::INTEGRATION.to_string() });
    });
    let at = world.now;
    world.look(healthy().soft_deleted(at));
    assert!(world.memory.recall.audits.is_empty());
    let text = world.status.drift[0].attribution.clone().unwrap().text;
    assert_eq!(text, "Who did it is not known: Microsoft does not offer the audit log in this cloud.");
    assert_eq!(Cloud::China, serde_json::from_value(world.spec["cloud"].clone()).unwrap());
}

#[test]
fn after_a_day_of_silence_it_is_not_asked_any_more() {
    let (mut world, seen, _) = deleted();
    let silent = audited(&world, seen.clone(), &[]);
    world.after(24 * 3600 + 1).look(silent);
    assert!(world.memory.recall.audits.is_empty());
    let text = world.status.drift[0].attribution.clone().unwrap().text;
    assert_eq!(text, "Who did it is not known: the audit log has no record of it.");
}

#[test]
fn a_deletion_of_long_ago_is_asked_about_when_it_is_first_seen() {
    let mut world = World::new(crate::fixture::spec());
    let at = before(world.now, 5 * 24 * 3600);
    let seen = healthy().soft_deleted(at);
    world.look(seen.clone());
    let telling = audited(&world, seen, &[record("Remove service principal", INTEGRATION_OBJECT, at)]);
    world.after(15).look(telling);
    assert_eq!(world.status.drift[0].attribution.clone().unwrap().actor.as_deref(), Some(ADMIN));
}

#[test]
fn consent_that_was_given_in_vain_takes_the_advice_back() {
    let mut world = World::in_sync();
    let seen = healthy().revoked("Place.Read.All");
    world.look(seen.clone());
    world.after(61).look(seen.clone());
    assert_eq!(world.status.drift[0].remedy.clone().unwrap().action, "Consent");
    let at = world.after(600).now;
    let consent = record("Consent to application", INTEGRATION_OBJECT, at);
    let soon = audited(&world, seen.clone(), std::slice::from_ref(&consent));
    world.after(60).look(soon);
    assert_eq!(world.status.drift[0].remedy.clone().unwrap().action, "Consent", "reads may lag the consent");

    let later = audited(&world, seen.clone(), &[consent]);
    world.after(600).look(later);
    let remedy = world.status.drift[0].remedy.clone().unwrap();
    assert_eq!(remedy.action, "SetPermissions");
    assert!(remedy.url.is_none() && remedy.text.contains("no longer asks for it"), "{}", remedy.text);
    assert_eq!(world.status.application("identity-integration").unwrap().consent_url, None, "no second link");
    assert!(!world.message(C::Ready).contains("adminconsent"), "{}", world.message(C::Ready));

    let settled = world.status.clone();
    world.after(300).restart().look(seen.clone());
    assert_eq!(world.status, settled, "and it stays so without the record");
    // Something else is missing: consent may help again.
    let more = seen.revoked("Domain.Read.All");
    world.after(300).look(more.clone());
    world.after(61).look(more);
    assert_eq!(world.status.drift[0].remedy.clone().unwrap().action, "Consent");
}

#[test]
fn hostile_names_in_records_are_made_safe() {
    let (mut world, seen, at) = deleted();
    let name = "a\u{202e}b\u{1b}[31m\n".to_owned() + &"x".repeat(500);
    let hostile =
        by(record("Remove service principal", INTEGRATION_OBJECT, at), Initiator::User { id: None, name: Some(name) });
    let seen = audited(&world, seen, &[hostile]);
    world.after(15).look(seen);
    let attribution = world.status.drift[0].attribution.clone().unwrap();
    assert!(attribution.text.chars().all(|c| !c.is_control() && c != '\u{202e}') && attribution.text.len() < 200);
}

#[test]
fn the_differences_of_one_application_are_not_blamed_on_what_was_done_to_another() {
    let mut world = World::in_sync();
    let at = before(world.now, 30);
    let seen = healthy().switched(IDENTITY, |principal| {
        principal.account_enabled = webex_azure_operator::domain::observed::Switch::Off;
    });
    world.look(seen.clone());
    let other =
        changed(record("Update service principal", INTEGRATION_OBJECT, at), "AccountEnabled", None, Some("[false]"));
    let mut seen = audited(&world, seen, &[]);
    for reading in seen.0.audits.values_mut() {
        *reading = Reading::Known(vec![other.clone()]);
    }
    world.after(15).look(seen);
    assert_eq!(world.status.drift[0].attribution, None);
}

#[test]
fn what_was_asked_last_is_remembered_as_long_as_nothing_else_was() {
    let (mut world, seen, _) = deleted();
    let question = world.memory.recall.audits.first().unwrap().clone();
    assert_eq!(world.memory.recall.audited, None);
    let mut unasked = seen.clone();
    unasked.0.audits.insert(question.clone(), Reading::NotAsked);
    world.after(15).look(unasked.clone());
    assert_eq!(world.memory.recall.audited, None);
    let silent = audited(&world, seen, &[]);
    world.after(15).look(silent);
    assert_eq!(world.memory.recall.audited, Some(question.clone()));
    world.after(15).look(unasked);
    assert_eq!(world.memory.recall.audited, Some(question));
}

#[test]
fn a_second_deletion_is_not_put_down_to_whoever_made_the_first() {
    let (mut world, seen, at) = deleted();
    let told = audited(&world, seen, &[record("Remove service principal", INTEGRATION_OBJECT, at)]);
    world.after(15).look(told);
    assert!(world.status.drift[0].attribution.is_some());
    // Restored and deleted again between two looks.
    let again = world.after(200).now;
    world.after(100).look(healthy().soft_deleted(again));
    assert_eq!(world.status.drift[0].since.as_ref().map(|since| since.0), Some(again));
    assert_eq!(world.status.drift[0].attribution, None);
    assert!(!world.memory.recall.audits.is_empty(), "it is asked for anew");
}
