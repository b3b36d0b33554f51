//! How often somebody may try to sign in: freely a few times, then with pauses that double, for each name that is typed and for each
//! network. Names that nobody has are treated alike, so that nothing is learnt from being made to wait.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use paddock_core::id::PersonId;
use sha2::{Digest, Sha256};

/// Attempts without a pause.
const FREE_BY_NAME: u32 = 5;
const FREE_BY_NETWORK: u32 = 20;

/// The longest pause. By name it is short: otherwise anybody could keep anybody out.
const LONGEST_BY_NAME: SignedDuration = SignedDuration::from_secs(60);
const LONGEST_BY_CODE: SignedDuration = SignedDuration::from_mins(15);
const LONGEST_BY_NETWORK: SignedDuration = SignedDuration::from_mins(15);

/// After so long without an attempt all is forgotten.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(1);

/// How many names and networks are remembered. Beyond that the ones that tried longest ago are forgotten.
const REMEMBERED: usize = 20_000;

/// Who tries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    /// By a hash of what was typed as a name, which may be a password.
    Name([u8; 32]),
    /// By whose code it should be.
    Code(PersonId),
    /// IPv4 by address, IPv6 by the first 64 bits: whoever has one of those has all.
    Network(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    failed: u32,
    last: Timestamp,
    until: Timestamp,
}

/// What is remembered of attempts, in this process only.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<Who, Tries>>);

/// An attempt that was let through. It counts as failed until it is said to have succeeded, so that many at once get no more tries than
/// many in a row.
#[derive(Debug)]
pub(crate) struct Attempt {
    name: Who,
    network: Who,
    /// How many have failed under this name, this one included.
    pub(crate) failed: u32,
}

impl Throttle {
    /// Lets an attempt through, or says how long to wait.
    pub(crate) fn begin(
        &self,
        name: &str,
        network: IpAddr,
        now: Timestamp,
    ) -> Result<Attempt, SignedDuration> {
        self.try_once(Who::Name(Sha256::digest(name.as_bytes()).into()), LONGEST_BY_NAME, network, now)
    }

    /// The same for a code of a second factor. It has few digits, and whoever types one knows the password: the pauses grow long.
    pub(crate) fn begin_code(
        &self,
        person: PersonId,
        network: IpAddr,
        now: Timestamp,
    ) -> Result<Attempt, SignedDuration> {
        self.try_once(Who::Code(person), LONGEST_BY_CODE, network, now)
    }

    fn try_once(
        &self,
        name: Who,
        longest: SignedDuration,
        network: IpAddr,
        now: Timestamp,
    ) -> Result<Attempt, SignedDuration> {
        let network = Who::Network(net_of(network));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = [&name, &network]
            .into_iter()
            .filter_map(|who| known.get(who))
            .map(|tries| tries.until.duration_since(now));
        if let Some(wait) = waits.max().filter(|wait| wait.is_positive()) {
            return Err(wait);
        }
        if known.len() >= REMEMBERED {
            make_room(&mut known, now);
        }
        let failed = count(&mut known, &name, FREE_BY_NAME, longest, now);
        count(&mut known, &network, FREE_BY_NETWORK, LONGEST_BY_NETWORK, now);
        Ok(Attempt { name, network, failed })
    }

    /// The attempt succeeded: what failed under this name before is forgotten. Of the network only this attempt is, since whoever has one
    /// account could otherwise try others for ever.
    pub(crate) fn succeeded(&self, attempt: &Attempt) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&attempt.name);
        if let Some(tries) = known.get_mut(&attempt.network) {
            tries.failed = tries.failed.saturating_sub(1);
            tries.until = tries.last;
        }
    }
}

fn count(
    known: &mut HashMap<Who, Tries>,
    who: &Who,
    free: u32,
    longest: SignedDuration,
    now: Timestamp,
) -> u32 {
    let tries = known.entry(who.clone()).or_insert(Tries { failed: 0, last: now, until: now });
    if now.duration_since(tries.last) >= FORGOTTEN {
        tries.failed = 0;
    }
    tries.failed = tries.failed.saturating_add(1);
    tries.last = now;
    let pause = match tries.failed.checked_sub(free) {
        None | Some(0) => SignedDuration::ZERO,
        Some(over) => SignedDuration::from_secs(1 << (over - 1).min(20)).min(longest),
    };
    tries.until = now.checked_add(pause).unwrap_or(now);
    tries.failed
}

fn make_room(known: &mut HashMap<Who, Tries>, now: Timestamp) {
    known.retain(|_, tries| now.duration_since(tries.last) < FORGOTTEN);
    if known.len() >= REMEMBERED {
        let mut lasts: Vec<Timestamp> = known.values().map(|tries| tries.last).collect();
        let (_, middle, _) = lasts.select_nth_unstable(REMEMBERED / 2);
        let middle = *middle;
        known.retain(|_, tries| tries.last > middle);
    }
}

fn net_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + seconds).unwrap()
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, last))
    }

    #[test]
    fn pauses_double_and_have_an_end() {
        let throttle = Throttle::default();
        let mut now = 0;
        let mut pauses = Vec::new();
        for try_number in 0..14_u8 {
            // Each from elsewhere: it is the name that waits.
            while let Err(wait) = throttle.begin("ada", address(try_number), at(now)) {
                pauses.push(wait.as_secs());
                now += wait.as_secs();
            }
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        // Somebody else is not made to wait for it.
        assert!(throttle.begin("grace", address(99), at(now)).is_ok());
        // And after an hour it is forgotten.
        assert!(throttle.begin("ada", HOME, at(now + 3600)).is_ok());
        assert!(throttle.begin("ada", HOME, at(now + 3600)).is_ok());
    }

    #[test]
    fn many_at_once_get_no_more_tries_than_many_in_a_row() {
        let throttle = Throttle::default();
        let through = (0..100).filter(|_| throttle.begin("ada", HOME, at(0)).is_ok()).count();
        assert_eq!(through, 6);
    }

    #[test]
    fn a_network_that_tries_many_names_waits_longer() {
        let throttle = Throttle::default();
        let through = (0..100).filter(|n| throttle.begin(&format!("n{n}"), HOME, at(0)).is_ok()).count();
        assert_eq!(through, 21);
        let same = "2001:db8:0:1::1".parse().unwrap();
        let other = "2001:db8:0:1:ffff::9".parse().unwrap();
        for n in 0..21 {
            assert!(throttle.begin(&format!("m{n}"), same, at(0)).is_ok());
        }
        assert!(throttle.begin("one more", other, at(0)).is_err());
    }

    #[test]
    fn success_forgets_the_name_and_not_the_network() {
        let throttle = Throttle::default();
        for _ in 0..4 {
            throttle.begin("ada", HOME, at(0)).unwrap();
        }
        let attempt = throttle.begin("ada", HOME, at(0)).unwrap();
        throttle.succeeded(&attempt);
        assert_eq!(throttle.begin("ada", HOME, at(0)).unwrap().failed, 1);
        let through = (0..100).filter(|n| throttle.begin(&format!("n{n}"), HOME, at(0)).is_ok()).count();
        assert_eq!(through, 16);
    }

    /// At one guess in fifteen minutes three codes of a million are hit once in nine years.
    #[test]
    fn codes_are_guessed_slowly_and_a_right_password_forgets_none() {
        let throttle = Throttle::default();
        let person = PersonId::generate(at(0), &paddock_vault::OsEntropy);
        let (mut now, mut pauses) = (0, Vec::new());
        for try_number in 0..20_u8 {
            let attempt = throttle.begin("ada", address(200), at(now)).unwrap();
            throttle.succeeded(&attempt);
            while let Err(wait) = throttle.begin_code(person, address(try_number), at(now)) {
                pauses.push(wait.as_secs());
                now += wait.as_secs();
            }
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let throttle = Throttle::default();
        for n in 0..(REMEMBERED as u32 + 10) {
            let from = IpAddr::V4(std::net::Ipv4Addr::from(n));
            _ = throttle.begin(&format!("n{n}"), from, at(i64::from(n)));
        }
        assert!(throttle.0.lock().unwrap().len() <= REMEMBERED + 2);
    }
}
