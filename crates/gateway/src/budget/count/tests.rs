use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const BEGIN: i64 = 1_795_186_800 * SECOND;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_microsecond(BEGIN + millis * 1000).unwrap()
}

fn answer(remaining: u32, reset_seconds: i64) -> Head {
    let reset = Reset::At(BEGIN + reset_seconds * SECOND);
    Head { limit: Some(200), remaining: Some(remaining), reset, ..Head::default() }
}

/// A broker that counts as Alpaca does: so many requests from one full minute to the next.
struct Broker {
    limit: u32,
    minute: i64,
    count: u32,
    refused: u32,
}

impl Broker {
    fn new(limit: u32) -> Self {
        Self { limit, minute: 0, count: 0, refused: 0 }
    }

    fn answer(&mut self, millis: i64) -> Head {
        if self.minute != millis / 60_000 {
            (self.minute, self.count) = (millis / 60_000, 0);
        }
        self.count += 1;
        let limited = self.count > self.limit;
        self.refused += u32::from(limited);
        Head {
            limited,
            limit: Some(self.limit),
            remaining: Some(self.limit.saturating_sub(self.count)),
            reset: Reset::At(BEGIN + (self.minute + 1) * 60 * SECOND),
            pause: None,
        }
    }
}

#[test]
fn nothing_is_learned_of_a_minute_that_is_over() {
    let count = Count::new(None);
    assert!(count.take(Priority::Read, at(0)) && count.take(Priority::Read, at(0)));
    count.answered(count.number(), &answer(150, 30), false, at(10));
    assert_eq!(count.state(at(20)), (200, 149), "one is on its way");
    let late = Head { reset: Reset::Over, remaining: Some(3), ..Head::default() };
    count.answered(count.number(), &late, false, at(31_000));
    assert!(count.take(Priority::Read, at(31_000)));
    assert_eq!(count.state(at(31_000)), (200, 199));
}

#[test]
fn what_was_taken_and_not_sent_comes_back() {
    let count = Count::new(None);
    for _ in 0..1000 {
        assert!(count.take(Priority::Read, at(0)));
        count.give_back();
    }
    assert_eq!(count.state(at(0)), (200, 200));
}

#[test]
fn without_headers_requests_are_counted() {
    let count = Count::new(None);
    let mut passed = 0;
    // Through the whole minute somebody asks for more.
    for millis in (0..60_000).step_by(50) {
        if count.take(Priority::Read, at(millis)) {
            passed += 1;
            count.answered(count.number(), &Head::default(), false, at(millis));
        }
    }
    assert!((155..=160).contains(&passed), "all but the reserve, but not {passed}");
    assert!(count.take(Priority::Order, at(59_900)));
    assert!(count.take(Priority::Read, at(60_000)));
}

/// How many requests a minute an operator allows holds, whether it is more than Alpaca says or less.
#[test]
fn the_operators_limit_is_counted_here() {
    for (most, expected) in [(1000, 940..=965), (100, 70..=81)] {
        let count = Count::new(Some(most));
        let mut passed = 0;
        for millis in 0..59_000 {
            // A broker that never counts anything off, as the built-in one without a limit.
            if count.take(Priority::Read, at(millis)) {
                passed += 1;
                count.answered(count.number(), &answer(199, 60), false, at(millis));
            }
        }
        assert!(expected.contains(&passed), "{passed} of {most}");
    }
}

#[test]
fn a_broker_that_does_not_count_is_not_slowed_down() {
    let count = Count::new(None);
    let mut under_way = VecDeque::new();
    let mut passed = 0;
    for millis in 0..10_000 {
        // 300 programs that ask again as soon as they are answered, after 30 ms.
        while under_way.len() < 300 && count.take(Priority::Read, at(millis)) {
            under_way.push_back(millis + 30);
            passed += 1;
        }
        while under_way.front().is_some_and(|due| *due <= millis) {
            under_way.pop_front();
            count.answered(count.number(), &answer(199, 60), false, at(millis));
        }
    }
    assert!(passed > 30_000, "{passed}");
}

#[test]
fn pauses_without_a_word_grow_and_end_with_the_minute() {
    let count = Count::new(None);
    let limited = Head { limited: true, ..Head::default() };
    assert!(count.take(Priority::Cancel, at(0)));
    count.give_back();
    let mut millis = 0;
    for expected in [1, 2, 4, 8, 16, 29] {
        count.take_regardless();
        count.answered(count.number(), &limited, false, at(millis));
        assert_eq!(count.wait_for(Priority::Cancel, at(millis)).as_secs(), expected, "at {millis}");
        millis += i64::try_from(expected).unwrap() * 1000;
        assert!(count.take(Priority::Cancel, at(millis)));
        count.give_back();
    }
}

/// Two keys: one asks as often as it gets answers, the other once a second. Whoever waits takes turns, as in the queue.
#[test]
fn a_key_that_asks_little_finds_something_beside_one_that_asks_for_everything() {
    let (count, mut broker) = (Count::new(None), Broker::new(200));
    let (mut greedy, mut modest, mut longest_wait) = (0, 0, 0);
    let mut waiting_since: Option<i64> = None;
    let mut is_modests_turn = true;
    for millis in (0..180_000).step_by(25) {
        if millis % 1000 == 0 && waiting_since.is_none() {
            waiting_since = Some(millis);
        }
        while count.take(Priority::Read, at(millis)) {
            match waiting_since.filter(|_| is_modests_turn) {
                Some(since) => {
                    longest_wait = longest_wait.max(millis - since);
                    waiting_since = None;
                    modest += 1;
                }
                None => greedy += 1,
            }
            is_modests_turn = !is_modests_turn;
            count.answered(count.number(), &broker.answer(millis), false, at(millis));
        }
    }
    assert_eq!(broker.refused, 0);
    assert!(longest_wait <= 2_000, "it waited {longest_wait} ms");
    assert!(modest >= 85 && greedy + modest >= 450, "{modest} and {greedy}");
}

proptest! {
    /// Whatever comes when, and however long answers take: a broker that counts from minute to minute refuses none of ours.
    #[test]
    fn alpaca_never_has_to_refuse(
        seed_of_delays in prop::collection::vec(1_i64..400, 50),
        pauses in prop::collection::vec(0_i64..300, 50..400),
        priorities in prop::collection::vec(0_usize..4, 50),
    ) {
        let (count, mut broker) = (Count::new(None), Broker::new(60));
        let mut due: Vec<(i64, u64, Head)> = Vec::new();
        let (mut millis, mut knows_the_limit) = (0, false);
        for (number, pause) in pauses.iter().enumerate() {
            millis += pause;
            due.retain(|(when, sent, head)| {
                if *when <= millis {
                    // As an answer that comes late is read.
                    let is_over = matches!(head.reset, Reset::At(end) if end <= BEGIN + millis * 1000);
                    let reset = if is_over { Reset::Over } else { head.reset };
                    count.answered(*sent, &Head { reset, ..*head }, false, at(millis));
                    knows_the_limit = true;
                }
                *when > millis
            });
            let priority = Priority::ALL[priorities[number % priorities.len()]];
            // The first answer tells the limit; until then 200 are believed in.
            if (number == 0 || knows_the_limit) && count.take(priority, at(millis)) {
                let delay = seed_of_delays[number % seed_of_delays.len()];
                due.push((millis + delay, count.number(), broker.answer(millis)));
            }
        }
        prop_assert_eq!(broker.refused, 0);
    }
}
