//! What is worth telling beside the verdict: once, to whom it is new, and never in a condition.

use webex_azure_operator::domain::notice;

use crate::fixture::{World, healthy, spec};

fn told(decision: &webex_azure_operator::domain::Decision) -> Vec<&str> {
    decision.notices.iter().map(|notice| notice.reason).collect()
}

fn excess(names: &[&str]) -> notice::Notice {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    notice::excess_permissions("00000000-0000-4000-8000-000000000031".parse().unwrap(), &names)
}

#[test]
fn advice_is_told_to_the_author_of_a_new_object_once() {
    let mut world = World::new(spec());
    world.advice = vec![excess(&["Mail.Read"])];
    assert_eq!(told(&world.look(healthy())), ["ExcessPermissions"]);
    assert_eq!(world.ready(), ("True", "InSync"));
    for condition in &world.status.conditions {
        assert!(!condition.message.contains("Mail.Read"), "{condition:?}");
    }
    let before = world.status.clone();
    assert!(told(&world.after(300).look(healthy())).is_empty());
    assert_eq!(world.status, before, "advice writes nothing");
}

#[test]
fn advice_that_changes_is_told_again_and_what_ends_and_comes_back_too() {
    let mut world = World::in_sync();
    world.advice = vec![excess(&["Mail.Read"])];
    assert_eq!(told(&world.look(healthy())), ["ExcessPermissions"]);
    world.advice = vec![excess(&["Mail.Read", "Mail.Send"])];
    assert_eq!(told(&world.after(300).look(healthy())), ["ExcessPermissions"]);
    world.advice = Vec::new();
    assert!(told(&world.after(300).look(healthy())).is_empty());
    world.advice = vec![excess(&["Mail.Read"])];
    assert_eq!(told(&world.after(300).look(healthy())), ["ExcessPermissions"]);
}

#[test]
fn a_new_process_does_not_repeat_what_an_earlier_one_told() {
    let mut world = World::in_sync();
    world.advice = vec![notice::secret_trimmed("webex", "graph", "client-secret")];
    world.look(healthy());
    assert!(told(&world.restart().after(300).look(healthy())).is_empty());
    world.edit(|spec| spec["interval"] = "10m".into());
    assert_eq!(told(&world.restart().look(healthy())), ["SecretTrimmed"], "an author who edits is told");
}

#[test]
fn k13_a_trimmed_secret_is_named_with_what_to_do() {
    let notice = notice::secret_trimmed("webex", "graph", "client-secret");
    assert!(notice.is_warning);
    assert!(notice.message.contains("The key client-secret of the Secret webex/graph ends in a line break"));
}

#[test]
fn g49_a_clock_that_is_wrong_is_told_with_direction_and_consequence() {
    let minutes = |minutes| notice::clock_skew(jiff::SignedDuration::from_mins(minutes)).message;
    assert!(minutes(10).contains("10 minutes behind Microsoft's"), "{}", minutes(10));
    assert!(minutes(-7).contains("7 minutes ahead of Microsoft's"), "{}", minutes(-7));
}

#[test]
fn a_certificate_is_told_to_be_renewed_a_month_before_its_end() {
    let client = "00000000-0000-4000-8000-000000000031".parse().unwrap();
    let told = |end: &str| notice::expiring_soon(client, end.parse().unwrap(), crate::fixture::start());
    assert_eq!(told("2026-12-23T08:00:00Z"), None);
    let notice = told("2026-12-23T07:59:59Z").unwrap();
    assert_eq!(notice.reason, "ExpiringSoon");
    assert!(notice.message.contains("ends at 2026-12-23T07:59:59Z"), "{}", notice.message);
}

#[test]
fn a_look_that_got_nowhere_ends_no_advice() {
    let mut world = World::in_sync();
    world.advice = vec![excess(&["Mail.Read"])];
    assert_eq!(told(&world.look(healthy())), ["ExcessPermissions"]);
    // Without a token nothing is known of permissions.
    world.advice = Vec::new();
    world.after(300).blocked(&webex_azure_operator::domain::Obstacle::token_endpoint_unavailable(None));
    world.advice = vec![excess(&["Mail.Read"])];
    assert!(told(&world.after(300).look(healthy())).is_empty(), "told already");
}
