//! Unanswered tries, clocks that disagree, deletions: what a candidate makes of each.

use super::*;
use crate::clock::Clock;

mod race;

const WALL: &str = "2026-11-23T08:00:00Z";

fn wall() -> Timestamp {
    WALL.parse().unwrap()
}

fn beginning() -> Instant {
    Clock::seeded(wall(), 1).instant()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn candidate() -> Election {
    Election::new("a".to_owned(), Terms::PRODUCTION)
}

fn held_by(holder: &str) -> Record {
    let at = Some("2026-11-23T07:00:00Z".parse().unwrap());
    Record { holder: holder.to_owned(), seconds: 15, acquired: at, renewed: at, transitions: 4 }
}

fn version(version: &str, record: &Record) -> (String, Record) {
    (version.to_owned(), record.clone())
}

/// A candidate that leads since `now`, and what it wrote.
fn leader(now: Instant) -> (Election, Record) {
    let mut election = candidate();
    election.see(now, None);
    let Action::Create(record) = election.decide(now, wall()) else { panic!("a missing lease is made") };
    election.won(now, now, "1".to_owned(), record.clone());
    (election, record)
}

fn taken(action: Action) -> Record {
    match action {
        Action::Replace { record, .. } | Action::Create(record) => record,
        other @ (Action::Read | Action::Wait { .. } | Action::StandDown(_)) => panic!("{other:?}"),
    }
}

#[test]
fn a_lease_is_taken_when_it_is_missing_or_released_or_has_not_changed_for_as_long_as_it_lasts() {
    let short = Record { seconds: 3, ..held_by("b") };
    let without_duration = Record { seconds: 0, ..held_by("b") };
    let cases = [
        ("missing", None, 0, true),
        ("released", Some(held_by("")), 0, true),
        ("just seen", Some(held_by("b")), 0, false),
        ("nearly over", Some(held_by("b")), 14, false),
        ("over", Some(held_by("b")), 15, true),
        ("its own duration counts, running", Some(short.clone()), 2, false),
        ("its own duration counts, over", Some(short), 3, true),
        ("without a duration", Some(without_duration), 0, true),
        ("of a name that only begins like ours", Some(held_by("a2")), 14, false),
    ];
    for (what, record, later, is_taken) in cases {
        let (now, mut election) = (beginning(), candidate());
        assert_eq!(election.decide(now, wall()), Action::Read, "{what}: nothing is decided unread");
        election.see(now, record.as_ref().map(|record| version("1", record)));
        let action = election.decide(now + seconds(later), wall());
        let takes = matches!(action, Action::Create(_) | Action::Replace { .. });
        assert_eq!(takes, is_taken, "{what}: {action:?}");
        if let (false, Some(record)) = (takes, record) {
            let until = now + record.lasts();
            assert_eq!(action, Action::Wait { holder: record.holder, until }, "{what}");
        }
    }
}

#[test]
fn clocks_that_disagree_change_nothing() {
    for renewed in ["1970-01-01T00:00:00Z", WALL, "2999-01-01T00:00:00Z"] {
        let record = Record { renewed: Some(renewed.parse().unwrap()), ..held_by("b") };
        for own in ["1980-01-01T00:00:00Z", WALL, "2998-01-01T00:00:00Z"] {
            let (now, own) = (beginning(), own.parse().unwrap());
            let mut election = candidate();
            election.see(now, Some(version("1", &record)));
            assert!(matches!(election.decide(now + seconds(14), own), Action::Wait { .. }), "{renewed} at {own}");
            assert_eq!(taken(election.decide(now + seconds(15), own)).renewed, Some(own), "{renewed} at {own}");
        }
    }
}

#[test]
fn a_renewal_begins_the_wait_anew_and_a_change_of_labels_does_not() {
    let now = beginning();
    let renewed = Record { renewed: Some(wall()), ..held_by("b") };
    for (second, ends) in [(held_by("b"), 15), (renewed, 25)] {
        let mut election = candidate();
        election.see(now, Some(version("1", &held_by("b"))));
        election.see(now + seconds(10), Some(version("2", &second)));
        assert!(matches!(election.decide(now + seconds(ends - 1), wall()), Action::Wait { .. }), "{second:?}");
        let Action::Replace { version, .. } = election.decide(now + seconds(ends), wall()) else {
            panic!("{second:?}")
        };
        assert_eq!(version, "2", "the version that must still stand is the last that was seen");
    }
}

#[test]
fn a_taken_lease_names_its_holder_and_counts_only_changes_of_the_holder() {
    let now = beginning();
    let (mut leading, own) = leader(now);
    assert_eq!(
        own,
        Record { holder: "a".to_owned(), seconds: 15, acquired: Some(wall()), renewed: Some(wall()), transitions: 0 }
    );
    let later: Timestamp = "2026-11-23T08:00:02Z".parse().unwrap();
    let renewed = taken(leading.decide(now + seconds(2), later));
    assert_eq!(renewed, Record { renewed: Some(later), ..own.clone() }, "a renewal keeps all but its time");

    let cases = [(held_by("b"), 5), (held_by(""), 5), (held_by("a"), 4)];
    for (record, transitions) in cases {
        let mut election = candidate();
        election.see(now, Some(version("1", &held_by("c"))));
        election.see(now, Some(version("2", &record)));
        let record = taken(election.decide(now + seconds(15), wall()));
        assert_eq!((record.transitions, record.acquired), (transitions, Some(wall())));
    }
    let most = Record { transitions: i32::MAX, ..held_by("b") };
    let mut election = candidate();
    election.see(now, Some(version("1", &most)));
    assert_eq!(taken(election.decide(now + seconds(15), wall())).transitions, i32::MAX);
}

#[test]
fn a_leader_stops_when_its_last_renewal_was_sent_ten_seconds_ago_whatever_the_lease_says() {
    let now = beginning();
    let (mut election, record) = leader(now);
    assert!(matches!(election.decide(now + seconds(9), wall()), Action::Replace { .. }));
    assert_eq!(election.decide(now + seconds(10), wall()), Action::StandDown(Loss::Expired));

    // An answer that comes late, as after a pause of the process, does not lengthen what the request began.
    election.won(now + seconds(5), now + seconds(600), "2".to_owned(), record);
    assert_eq!(election.decide(now + seconds(600), wall()), Action::StandDown(Loss::Expired));
    election.step_down();
    assert!(
        matches!(election.decide(now + seconds(600), wall()), Action::Replace { .. }),
        "what nobody took it can have again"
    );
}

#[test]
fn k15_a_leader_stops_at_once_when_the_lease_is_no_longer_its_own() {
    let now = beginning();
    let cases = [
        (held_by("b"), Loss::Taken { holder: "b".to_owned() }),
        (held_by(""), Loss::Taken { holder: String::new() }),
        (held_by("a"), Loss::Impostor),
    ];
    for (record, loss) in cases {
        let (mut election, _) = leader(now);
        election.see(now, Some(version("2", &record)));
        assert_eq!(election.decide(now, wall()), Action::StandDown(loss.clone()), "{record:?}");
        election.step_down();
        let waits = matches!(election.decide(now, wall()), Action::Wait { .. });
        assert_eq!(waits, !record.holder.is_empty(), "{record:?}: then it is a standby like any other");
    }
}

#[test]
fn what_was_written_without_an_answer_is_known_again() {
    let now = beginning();
    let mut election = candidate();
    election.see(now, Some(version("1", &held_by(""))));
    let tried = taken(election.decide(now, wall()));
    let later: Timestamp = "2026-11-23T08:00:05Z".parse().unwrap();

    // It was not heard of: the second try is the same bid.
    election.see(now, Some(version("1", &held_by(""))));
    assert_eq!(taken(election.decide(now, later)).acquired, tried.acquired);
    // The first one has succeeded after all.
    election.see(now, Some(version("2", &tried)));
    assert!(election.is_own(&tried) && election.may_hold());
    assert_eq!(taken(election.decide(now, later)).transitions, tried.transitions, "it is renewed, not taken once more");

    // Another was faster: a bid of hours ago is over.
    election.see(now, Some(version("3", &held_by("b"))));
    assert!(!election.may_hold());
    assert_eq!(taken(election.decide(now + seconds(15), later)).acquired, Some(later));
}

#[test]
fn the_lease_of_an_earlier_life_is_taken_up_at_once_but_only_as_it_stood_at_the_beginning() {
    let now = beginning();
    let mut election = candidate();
    election.see(now, Some(version("1", &held_by("a"))));
    let record = taken(election.decide(now, wall()));
    assert_eq!((record.acquired, record.transitions), (Some(wall()), 4), "the term is new, the holder is not");

    // Somebody renews it: that life is not over, and two processes have one name.
    let mut election = candidate();
    election.see(now, Some(version("1", &held_by("a"))));
    election.see(now, Some(version("2", &Record { renewed: Some(wall()), ..held_by("a") })));
    assert!(matches!(election.decide(now, wall()), Action::Wait { .. }));

    let mut election = candidate();
    election.see(now, Some(version("1", &held_by("b"))));
    election.see(now, Some(version("2", &held_by("a"))));
    assert!(matches!(election.decide(now, wall()), Action::Wait { .. }), "our name, but not our earlier life");
}

#[test]
fn a_deleted_lease_is_made_anew_by_its_leader_before_others_may() {
    let now = beginning();
    let (mut leading, own) = leader(now);
    leading.see(now + seconds(2), None);
    let record = taken(leading.decide(now + seconds(2), wall()));
    assert_eq!((&record.holder, record.acquired), (&own.holder, own.acquired));

    let mut standby = Election::new("b".to_owned(), Terms::PRODUCTION);
    standby.see(now, Some(version("1", &own)));
    standby.see(now + seconds(2), None);
    standby.see(now + seconds(4), None);
    let until = now + seconds(15);
    assert_eq!(standby.decide(now + seconds(14), wall()), Action::Wait { holder: String::new(), until });
    assert!(matches!(standby.decide(until, wall()), Action::Create(_)));

    let mut standby = Election::new("b".to_owned(), Terms::PRODUCTION);
    standby.see(now, Some(version("1", &own.released(wall()))));
    standby.see(now, None);
    assert!(matches!(standby.decide(now, wall()), Action::Create(_)), "nobody held it");
}

#[test]
fn a_release_leaves_nobody_to_wait_for_and_the_count_as_it_was() {
    let released = held_by("a").released(wall());
    assert_eq!(
        released,
        Record { holder: String::new(), seconds: 1, acquired: Some(wall()), renewed: Some(wall()), transitions: 4 }
    );
}

#[test]
fn the_terms_leave_time_to_stop_and_are_over_within_twenty_seconds() {
    for factor in [1, 2, 3, 30, u32::MAX] {
        let terms = Terms::PRODUCTION.shortened_by(factor);
        let Terms { lease, renew_deadline, retry } = terms;
        let pause = retry.mul_f64(1.1);
        assert!(lease.saturating_sub(renew_deadline) >= lease / 4, "{terms:?}: what was sent has time to end");
        assert!(pause + 2 * terms.request() <= renew_deadline + pause, "{terms:?}: a request may fail once");
        // The last renewal is seen a pause after it was made.
        assert!(pause + lease + seconds(1) < seconds(20), "{terms:?}");
        assert_eq!(lease.subsec_nanos(), 0, "{terms:?}: it is written in whole seconds");
        let is_part = |part: Duration, parts: u32| (part * 15).abs_diff(lease * parts) < Duration::from_millis(1);
        assert!(is_part(renew_deadline, 10) && is_part(retry, 2), "{terms:?}: the proportions stay");
    }
    assert_eq!(Terms::PRODUCTION.shortened_by(1), Terms::PRODUCTION);
}
