//! Whole elections with everything late and lost, at random.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Milliseconds from the beginning.
type At = u64;

/// One random number after another, from a list that proptest makes smaller.
struct Fate {
    numbers: Vec<u16>,
    next: usize,
}

impl Fate {
    fn up_to(&mut self, limit: u64) -> u64 {
        let number = self.numbers.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        u64::from(number) % limit.max(1)
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.up_to(times) == times - 1
    }
}

enum Event {
    Turn,
    Arrives { action: Action, sent: At },
    Answer { found: Option<(String, Record)>, won: Option<(At, Record)> },
}

/// Three candidates and an API server that holds one Lease.
struct Race {
    beginning: Instant,
    fate: Fate,
    events: BTreeMap<(At, usize), (usize, Event)>,
    count: usize,
    candidates: Vec<Election>,
    lease: Option<(u64, Record)>,
    wins: Vec<(At, usize)>,
}

impl Race {
    fn new(numbers: Vec<u16>) -> Self {
        let candidates = ["a", "b", "c"].map(|name| Election::new(name.to_owned(), Terms::PRODUCTION)).into();
        let mut race = Self {
            beginning: beginning(),
            fate: Fate { numbers, next: 0 },
            events: BTreeMap::new(),
            count: 0,
            candidates,
            lease: None,
            wins: Vec::new(),
        };
        for who in 0..race.candidates.len() {
            let at = race.fate.up_to(3000);
            race.plan(at, who, Event::Turn);
        }
        race
    }

    fn plan(&mut self, at: At, who: usize, event: Event) {
        self.count += 1;
        // Now and then a process stands still, for up to a minute, and goes on where it was.
        let pause = if self.fate.once_in(12) { self.fate.up_to(60_000) } else { 0 };
        let is_process = !matches!(event, Event::Arrives { .. });
        let at = if is_process { at + pause } else { at };
        self.events.insert((at, self.count), (who, event));
    }

    fn instant(&self, at: At) -> Instant {
        self.beginning + Duration::from_millis(at)
    }

    fn run(&mut self) {
        while let Some(((at, _), (who, event))) = self.events.pop_first() {
            if at > 300_000 {
                break;
            }
            match event {
                Event::Turn => self.turn(at, who),
                Event::Arrives { action, sent } => self.arrives(at, who, action, sent),
                Event::Answer { found, won } => self.answer(at, who, found, won),
            }
        }
    }

    /// Half of the turns begin with a read, the others act on what was seen before, however old it is.
    fn turn(&mut self, at: At, who: usize) {
        let now = self.instant(at);
        let election = &mut self.candidates[who];
        let action = match election.decide(now, wall() + jiff::SignedDuration::from_millis(at.cast_signed())) {
            Action::StandDown(_) => {
                election.step_down();
                Action::Read
            }
            Action::Wait { .. } | Action::Read => Action::Read,
            action @ (Action::Create(_) | Action::Replace { .. }) => action,
        };
        let arrival = at + self.fate.up_to(6000);
        if !self.fate.once_in(8) {
            self.plan(arrival, who, Event::Arrives { action, sent: at });
        }
        // A request that is not answered is given up.
        let pause = 5000 + self.fate.up_to(2200);
        self.plan(at + pause, who, Event::Turn);
    }

    fn arrives(&mut self, at: At, who: usize, action: Action, sent: At) {
        let stands = |lease: &Option<(u64, Record)>| lease.as_ref().map(|(version, _)| version.to_string());
        let next = self.lease.as_ref().map_or(1, |(version, _)| version + 1);
        let written = match action {
            Action::Create(record) if self.lease.is_none() => Some(record),
            Action::Replace { version, record } if stands(&self.lease) == Some(version.clone()) => Some(record),
            Action::Create(_) | Action::Replace { .. } | Action::Read | Action::Wait { .. } | Action::StandDown(_) => {
                None
            }
        };
        if let Some(record) = &written {
            self.lease = Some((next, record.clone()));
        }
        let found = self.lease.as_ref().map(|(version, record)| (version.to_string(), record.clone()));
        if !self.fate.once_in(8) {
            let back = at + self.fate.up_to(3000);
            self.plan(back, who, Event::Answer { found, won: written.map(|record| (sent, record)) });
        }
    }

    fn answer(&mut self, at: At, who: usize, found: Option<(String, Record)>, won: Option<(At, Record)>) {
        let now = self.instant(at);
        match (won, found) {
            (Some((sent, record)), Some((version, _))) => {
                let sent = self.instant(sent);
                self.candidates[who].won(sent, now, version, record);
            }
            (_, found) => self.candidates[who].see(now, found),
        }
        let leads = |election: &Election| election.leading_until().is_some_and(|until| now < until);
        if leads(&self.candidates[who]) {
            let leaders = self.candidates.iter().filter(|election| leads(election)).count();
            assert_eq!(leaders, 1, "at {at} ms");
            self.wins.push((at, who));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Requests and answers are lost and late, and processes stand still at any point.
    #[test]
    fn k16_never_do_two_lead_at_once(numbers in prop::collection::vec(any::<u16>(), 0..600)) {
        Race::new(numbers).run();
    }
}

#[test]
fn the_race_has_changes_of_leaders_in_it() {
    let mut seed = 1_u32;
    let mut number = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u16::try_from(seed >> 16).unwrap()
    };
    let mut changes = 0;
    for _ in 0..20 {
        let mut race = Race::new((0..600).map(|_| number()).collect());
        race.run();
        changes += race.wins.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    }
    assert!(changes > 20, "{changes}");
}
