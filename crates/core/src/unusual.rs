//! What is unusual about the use of an access key: a network or an hour never seen before, a burst, a refusal for a new reason.
//!
//! All of it is judged by the key's own past. Nothing is refused because of it: it is said, at most once for each kind, key and New
//! York day.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::{hour_of_week, trading_date};

/// How long a key's hours are learned, from its first use on, before one is said to be new: each hour of the week twice.
pub const HOURS_LEARNED: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How long a key may be tried out before a refusal for a new reason is said to be one.
pub const REFUSALS_LEARNED: SignedDuration = SignedDuration::from_hours(24);

/// How many earlier days of use tell what a key's usual rate is.
pub const DAYS_FOR_RATE: u32 = 3;

/// A burst is more requests within one minute than this,
pub const BURST_LEAST: u64 = 60;

/// and more than so many times those of the busiest minute of any earlier day.
pub const BURST_TIMES: u64 = 5;

/// A key that is used from more networks than this is not watched for new ones.
pub const MOST_NETWORKS: usize = 256;

/// A kind of unusual use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unusual {
    /// It came from a network (/24, or /48 of IPv6) from which the key had not been used before.
    NewNetwork,
    /// It came in an hour of the week, in New York, in which the key had never been used.
    NewHour,
    /// It came with far more others within a minute than ever before.
    Burst,
    /// It was refused for a reason for which none of the key's requests had been refused.
    NewRefusal,
}

impl Unusual {
    /// Its name as it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewNetwork => "new_network",
            Self::NewHour => "new_hour",
            Self::Burst => "burst",
            Self::NewRefusal => "new_refusal",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::NewNetwork, Self::NewHour, Self::Burst, Self::NewRefusal]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// What is known of a key's past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// When it was first used.
    pub first_at: Option<Timestamp>,
    /// The networks that it was used from, as [`network_of`] writes them.
    pub networks: BTreeSet<String>,
    /// The hours of the week in which it was used, from 0, Monday from midnight on, to 167.
    pub hours: BTreeSet<u8>,
    /// The reasons for which it was refused.
    pub refusals: BTreeSet<String>,
    /// How many earlier days it was used on.
    pub days: u32,
    /// Requests in the busiest minute of the earlier days.
    pub busiest_minute: u64,
    /// The last day on which each kind was said.
    pub said: BTreeMap<Unusual, Date>,
    /// Networks and hours that were not there before, for whoever keeps them and takes them out.
    pub learned: Learned,
    now: Now,
}

/// What was learned about a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// Networks that it had not been used from.
    pub networks: Vec<String>,
    /// Hours of the week in which it had not been used.
    pub hours: Vec<u8>,
}

/// The minute that is being counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Now {
    /// Minutes since 1970.
    minute: Option<i64>,
    day: Date,
    requests: u64,
    /// The most requests in a minute of this day.
    busiest: u64,
    /// The address of the request before, so that the common case costs nothing.
    address: Option<IpAddr>,
}

/// Something unusual, and what it was.
pub type Found = (Unusual, String);

impl Habits {
    /// Takes in one request, and says what is unusual about it. `refused` is the reason for which it was refused.
    pub fn see(&mut self, at: Timestamp, address: IpAddr, refused: Option<&str>) -> Vec<Found> {
        let mut found = Vec::new();
        let known = self.first_at.map_or(SignedDuration::ZERO, |first| at.duration_since(first));
        let minute = at.as_second().div_euclid(60);
        if self.now.minute != Some(minute) {
            self.turn(minute, at);
            let hour = hour_of_week(at);
            if self.hours.insert(hour) {
                self.learned.hours.push(hour);
                if known >= HOURS_LEARNED {
                    found.push((Unusual::NewHour, hour_in_words(hour)));
                }
            }
        }
        self.now.requests += 1;
        self.now.busiest = self.now.busiest.max(self.now.requests);
        let usual = self.busiest_minute.saturating_mul(BURST_TIMES).max(BURST_LEAST);
        if self.days >= DAYS_FOR_RATE && self.now.requests > usual {
            let most = self.busiest_minute;
            found.push((
                Unusual::Burst,
                format!("more than {usual} requests in a minute, at most {most} before"),
            ));
        }
        if self.now.address != Some(address) {
            self.now.address = Some(address);
            let network = network_of(address);
            if !self.networks.contains(&network) && self.networks.len() < MOST_NETWORKS {
                if !self.networks.is_empty() {
                    found.push((Unusual::NewNetwork, network.clone()));
                }
                self.learned.networks.push(network.clone());
                self.networks.insert(network);
            }
        }
        if let Some(reason) = refused
            && !self.refusals.contains(reason)
        {
            self.refusals.insert(reason.to_owned());
            if known >= REFUSALS_LEARNED {
                found.push((Unusual::NewRefusal, reason.to_owned()));
            }
        }
        self.first_at.get_or_insert(at);
        let today = self.now.day;
        found.retain(|(kind, _)| self.said.insert(*kind, today) != Some(today));
        found
    }

    /// The day of the last request, and the most requests in a minute of it so far.
    #[must_use]
    pub const fn today(&self) -> (Date, u64) {
        (self.now.day, self.now.busiest)
    }

    /// Goes on where the process before stopped: what was counted today.
    pub const fn resume(&mut self, day: Date, busiest: u64) {
        (self.now.day, self.now.busiest) = (day, busiest);
    }

    fn turn(&mut self, minute: i64, at: Timestamp) {
        let day = trading_date(at);
        if day != self.now.day {
            if self.now.busiest > 0 {
                self.days = self.days.saturating_add(1);
                self.busiest_minute = self.busiest_minute.max(self.now.busiest);
            }
            (self.now.day, self.now.busiest) = (day, 0);
        }
        (self.now.minute, self.now.requests) = (Some(minute), 0);
    }
}

/// The network of an address: its first 24 bits, or 48 of IPv6.
#[must_use]
pub fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

fn hour_in_words(hour: u8) -> String {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let day = DAYS.get(usize::from(hour / 24)).copied().unwrap_or_default();
    format!("{day} {:02}:00 to {:02}:00 in New York", hour % 24, hour % 24 + 1)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HOME: &str = "192.0.2.7";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A key that has been used on ten weekdays at 10:00 and 15:00 in New York, at most 4 times a minute, from one network, and was
    /// refused over its cap.
    fn settled() -> Habits {
        let mut habits = Habits::default();
        for day in [2, 3, 4, 5, 6, 9, 10, 11, 12, 13] {
            for hour in [15, 20] {
                for second in 0..4 {
                    let seen = habits.see(
                        at(&format!("2026-11-{day:02}T{hour}:10:0{second}Z")),
                        HOME.parse().unwrap(),
                        None,
                    );
                    assert_eq!(seen, []);
                }
            }
        }
        let refused = habits.see(at("2026-11-13T20:11:00Z"), HOME.parse().unwrap(), Some("daily_orders"));
        assert_eq!(refused.len(), 1, "a first refusal of a key that was long in use");
        habits.said.clear();
        habits
    }

    #[rstest]
    #[case::as_always("2026-11-17T15:30:00Z", HOME, None, &[])]
    #[case::a_neighbour("2026-11-17T15:30:00Z", "192.0.2.200", None, &[])]
    #[case::elsewhere("2026-11-17T15:30:00Z", "198.51.100.1", None, &[Unusual::NewNetwork])]
    #[case::the_same_in_ipv6_clothes("2026-11-17T15:30:00Z", "::ffff:192.0.2.9", None, &[])]
    #[case::at_night("2026-11-17T07:30:00Z", HOME, None, &[Unusual::NewHour])]
    #[case::a_known_refusal("2026-11-17T15:30:00Z", HOME, Some("daily_orders"), &[])]
    #[case::a_new_refusal("2026-11-17T15:30:00Z", HOME, Some("symbol"), &[Unusual::NewRefusal])]
    #[case::all_at_once("2026-11-17T07:30:00Z", "2001:db8::1", Some("symbol"),
        &[Unusual::NewHour, Unusual::NewNetwork, Unusual::NewRefusal])]
    fn by_its_own_past(
        #[case] when: &str,
        #[case] address: &str,
        #[case] refused: Option<&str>,
        #[case] expected: &[Unusual],
    ) {
        let mut habits = settled();
        let kinds = |found: Vec<Found>| found.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
        assert_eq!(kinds(habits.see(at(when), address.parse().unwrap(), refused)), expected);
        // Once is enough.
        assert_eq!(habits.see(at(when), address.parse().unwrap(), refused), []);
    }

    #[rstest]
    #[case::a_busy_minute(60, &[])]
    #[case::a_burst(61, &[Unusual::Burst])]
    #[case::a_long_burst(5000, &[Unusual::Burst])]
    fn bursts(#[case] requests: usize, #[case] expected: &[Unusual]) {
        let mut habits = settled();
        let mut found = Vec::new();
        for _ in 0..requests {
            found.extend(habits.see(at("2026-11-16T15:30:00Z"), HOME.parse().unwrap(), None));
        }
        assert_eq!(found.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>(), expected);
        // What was a burst yesterday is usual today.
        let again =
            (0..requests).flat_map(|_| habits.see(at("2026-11-17T15:30:00Z"), HOME.parse().unwrap(), None));
        assert_eq!(again.count(), 0);
    }

    #[test]
    fn a_new_key_is_learned_first() {
        let mut habits = Habits::default();
        for hour in 0..24 {
            for _ in 0..200 {
                let refused = (hour % 2 == 0).then_some("symbol");
                let when = at(&format!("2026-11-16T{hour:02}:00:00Z"));
                assert_eq!(habits.see(when, HOME.parse().unwrap(), refused), []);
            }
        }
    }

    #[test]
    fn one_of_a_kind_a_day() {
        let mut habits = settled();
        let told: Vec<Found> = (0..=255_u8)
            .flat_map(|net| {
                let address = IpAddr::from([203, 0, net, 1]);
                habits.see(at("2026-11-16T15:30:00Z"), address, Some(&format!("reason_{net}")))
            })
            .collect();
        // A network, a reason, and the burst that it is.
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(habits.networks.len() <= MOST_NETWORKS);
    }
}
