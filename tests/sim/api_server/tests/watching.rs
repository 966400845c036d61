//! Lists and watches.

use std::{pin::pin, time::Duration};

use futures::TryStreamExt;
use kube::{
    Error, ResourceExt,
    api::{ListParams, WatchEvent, WatchParams},
    runtime::watcher,
};
use serde_json::json;

use super::{
    super::{Verb, WatchCut},
    NAMESPACE, annotate, create, everywhere, expect_events, next_within, observe, revision, secret, service, verbs,
};

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_create_update_and_delete() {
    let service = service();
    create(&service, "a");
    let mut events = observe(&service, watcher::Config::default());
    expect_events(&mut events, &["Init", "InitApply(a)", "InitDone", "nothing"]).await;
    create(&service, "b");
    annotate(&service, "a", "1");
    service.server().set_spec(NAMESPACE, "a", json!({ "interval": "10m" }));
    assert!(service.server().delete(NAMESPACE, "b"));
    assert!(!service.server().delete(NAMESPACE, "b"));
    expect_events(&mut events, &["Apply(b)", "Apply(a)", "Apply(a)", "Delete(b)", "nothing"]).await;
    assert_eq!(verbs(&service), [Verb::List, Verb::Watch]);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_lists_again_after_compaction() {
    let service = service();
    create(&service, "a");
    let mut events = observe(&service, watcher::Config::default());
    expect_events(&mut events, &["Init", "InitApply(a)", "InitDone", "nothing"]).await;
    service.server().drop_watches();
    create(&service, "b");
    service.server().compact();
    expect_events(&mut events, &["watch failed", "watch error 410", "Init", "InitApply(a)", "InitApply(b)"]).await;
    expect_events(&mut events, &["InitDone", "nothing"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_watcher_resumes_a_cut_stream_without_a_list() {
    let service = service();
    create(&service, "a");
    let mut events = observe(&service, watcher::Config::default());
    expect_events(&mut events, &["Init", "InitApply(a)", "InitDone", "nothing"]).await;
    service.server().drop_watches();
    annotate(&service, "a", "1");
    expect_events(&mut events, &["watch failed", "Apply(a)", "nothing"]).await;
    service.server().cut_watches(WatchCut::Ended);
    annotate(&service, "a", "2");
    expect_events(&mut events, &["Apply(a)", "nothing"]).await;
    assert_eq!(service.server().open_watches(), 1);
    assert_eq!(verbs(&service), [Verb::List, Verb::Watch, Verb::Watch, Verb::Watch]);
    service.server().cut_watches(WatchCut::Expired);
    expect_events(&mut events, &["watch error 410", "Init", "InitApply(a)", "InitDone", "nothing"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_watch_is_noticed_by_the_client_alone() {
    let service = service();
    create(&service, "a");
    let mut events = observe(&service, watcher::Config::default());
    expect_events(&mut events, &["Init", "InitApply(a)", "InitDone", "nothing"]).await;
    service.server().cut_watches(WatchCut::Silent);
    annotate(&service, "a", "1");
    assert_eq!(next_within(290, &mut events).await, "nothing");
    assert_eq!(next_within(10, &mut events).await, "Apply(a)");
}

#[tokio::test(start_paused = true)]
async fn a_streaming_list_ends_with_its_bookmark() {
    let service = service();
    create(&service, "a");
    create(&service, "b");
    let mut events = observe(&service, watcher::Config::default().streaming_lists());
    expect_events(&mut events, &["Init", "InitApply(a)", "InitApply(b)", "InitDone", "nothing"]).await;
    annotate(&service, "b", "1");
    expect_events(&mut events, &["Apply(b)", "nothing"]).await;
    assert_eq!(verbs(&service), [Verb::Watch]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_has_bookmarks_and_ends_at_its_timeout() {
    let service = service();
    create(&service, "a");
    let started = revision(&service, "a");
    let events = everywhere(&service).watch(&WatchParams::default().timeout(90), &started).await.unwrap();
    service.server().put_secret(NAMESPACE, &secret("graph"));
    let mut events = pin!(events);
    let mut seen = Vec::new();
    while let Some(event) = tokio::time::timeout(Duration::from_secs(91), events.try_next()).await.unwrap().unwrap() {
        if let WatchEvent::Bookmark(bookmark) = event {
            seen.push(bookmark.metadata.resource_version);
        }
    }
    assert_eq!(seen, ["2", "2"], "one after a minute and one before the end");
}

#[tokio::test(start_paused = true)]
async fn a_held_cache_and_a_lost_change_hide_what_is_stored() {
    let service = service();
    create(&service, "a");
    let mut events = observe(&service, watcher::Config::default());
    expect_events(&mut events, &["Init", "InitApply(a)", "InitDone", "nothing"]).await;
    service.server().hold_cache();
    annotate(&service, "a", "1");
    create(&service, "b");
    expect_events(&mut events, &["nothing"]).await;
    let from_cache = ListParams { resource_version: Some("0".to_owned()), ..ListParams::default() };
    assert_eq!(everywhere(&service).list(&from_cache).await.unwrap().items.len(), 1);
    assert_eq!(everywhere(&service).list(&ListParams::default()).await.unwrap().items.len(), 2);
    service.server().release_cache();
    expect_events(&mut events, &["Apply(a)", "Apply(b)", "nothing"]).await;
    service.server().lose_changes(1);
    annotate(&service, "a", "2");
    annotate(&service, "b", "2");
    expect_events(&mut events, &["Apply(b)", "nothing"]).await;
}

#[tokio::test(start_paused = true)]
async fn pages_show_one_revision_until_it_is_compacted() {
    let service = service();
    for name in ["a", "b", "c", "d", "e"] {
        create(&service, name);
    }
    let api = everywhere(&service);
    let first = api.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.metadata.remaining_item_count, Some(3));
    service.server().delete(NAMESPACE, "c");
    let token = first.metadata.continue_.unwrap();
    let second = api.list(&ListParams::default().limit(2).continue_token(&token)).await.unwrap();
    let names: Vec<String> = second.items.iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["c", "d"]);
    assert_eq!(second.metadata.resource_version, first.metadata.resource_version);
    service.server().compact();
    let Err(Error::Api(expired)) = api.list(&ListParams::default().limit(2).continue_token(&token)).await else {
        unreachable!("the token is too old")
    };
    assert_eq!((expired.code, expired.reason.as_str()), (410, "Expired"));
    let mut events = observe(&service, watcher::Config::default().page_size(2));
    expect_events(&mut events, &["Init", "InitApply(a)", "InitApply(b)", "InitApply(d)", "InitApply(e)"]).await;
    expect_events(&mut events, &["InitDone", "nothing"]).await;
}
