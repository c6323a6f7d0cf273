//! Wrong passwords slow down who sends them: by address and role, and more loosely by address.
//!
//! After a few failures each further attempt has to wait for its turn, *before* its password is looked at (a delay of the answer
//! alone would be no hindrance to who does not wait for it). Turns are given out one after the other, further and further
//! apart; who would wait too long is turned away at once. So an address guesses at a bounded rate, however many
//! connections it opens, and holds few of them open meanwhile. What is counted does not depend on whether the role exists.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;

use super::hosts::plain;
use crate::config::Limits;
use crate::error::{Error, SqlState};

/// The first pause; it doubles with each failure up to limits.password_pause.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Who would wait for longer than this many pauses is turned away.
const WAITING: u32 = 4;
/// How many times as many failures an address has free as one of its roles.
const ADDRESS_FACTOR: u32 = 20;
/// After this time without a failure they are forgotten.
const FORGET: Duration = Duration::from_secs(600);
/// What is remembered at most, of pairs and of addresses; the oldest go first.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
/// Roles that have logged in from an address: its other failures do not concern them.
const WELCOME: usize = 64;

/// Where a client comes from: the IPv6 addresses of one network (/64) count as one, Unix sockets too.
type Place = Option<IpAddr>;

fn place(address: Option<IpAddr>) -> Place {
    address.map(|address| match plain(address) {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        four @ IpAddr::V4(_) => four,
    })
}

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    last: Option<Instant>,
    /// When the next turn is.
    next: Option<Instant>,
    welcome: Vec<String>,
}

impl Failures {
    fn forget_old(&mut self, now: Instant) {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) > FORGET) {
            (self.count, self.last, self.next) = (0, None, None);
        }
    }

    /// When an attempt may go on that comes now, with this many failures free.
    fn turn(&mut self, free: u32, longest: Duration, now: Instant) -> Result<Instant, Duration> {
        self.forget_old(now);
        if self.count < free {
            return Ok(now);
        }
        let doubled = FIRST_PAUSE.saturating_mul(1 << (self.count - free).min(16));
        let pause = doubled.min(longest);
        let turn = self.next.map_or(now, |next| next.max(now));
        let wait = turn.saturating_duration_since(now);
        if wait > pause * WAITING {
            return Err(wait);
        }
        self.next = Some(turn + pause);
        Ok(turn)
    }

    fn failed(&mut self, now: Instant) {
        self.count = self.count.saturating_add(1);
        self.last = Some(now);
    }
}

struct Remembered {
    pairs: LruCache<(Place, String), Failures>,
    places: LruCache<Place, Failures>,
}

/// Remembers who failed.
pub struct Throttle {
    remembered: Mutex<Remembered>,
    free: u32,
    longest: Duration,
}

impl Throttle {
    pub fn new(limits: &Limits) -> Self {
        let remembered = Remembered { pairs: LruCache::new(REMEMBERED), places: LruCache::new(REMEMBERED) };
        let free = u32::try_from(limits.password_failures).unwrap_or(u32::MAX);
        Self { remembered: Mutex::new(remembered), free, longest: limits.password_pause }
    }

    /// When an attempt that comes now may go on.
    ///
    /// # Errors
    /// FATAL 28000: too many wait already.
    pub fn turn(&self, address: Option<IpAddr>, user: &str, now: Instant) -> Result<Instant, Error> {
        let place = place(address);
        let mut remembered = self.remembered.lock();
        let mut turn = now;
        if let Some(pair) = remembered.pairs.get_mut(&(place, user.to_owned())) {
            turn = pair.turn(self.free, self.longest, now).map_err(|wait| refused(user, wait))?;
        }
        if let Some(all) = remembered.places.get_mut(&place)
            && !all.welcome.iter().any(|known| known == user)
        {
            let free = self.free.saturating_mul(ADDRESS_FACTOR);
            turn = turn.max(all.turn(free, self.longest, now).map_err(|wait| refused(user, wait))?);
        }
        Ok(turn)
    }

    pub fn failed(&self, address: Option<IpAddr>, user: &str, now: Instant) {
        let place = place(address);
        let mut remembered = self.remembered.lock();
        remembered.pairs.get_or_insert_mut((place, user.to_owned()), Failures::default).failed(now);
        let all = remembered.places.get_or_insert_mut(place, Failures::default);
        all.forget_old(now);
        all.failed(now);
    }

    pub fn succeeded(&self, address: Option<IpAddr>, user: &str) {
        let place = place(address);
        let mut remembered = self.remembered.lock();
        remembered.pairs.pop(&(place, user.to_owned()));
        let all = remembered.places.get_or_insert_mut(place, Failures::default);
        if !all.welcome.iter().any(|known| known == user) {
            if all.welcome.len() >= WELCOME {
                all.welcome.remove(0);
            }
            all.welcome.push(user.to_owned());
        }
    }
}

fn refused(user: &str, wait: Duration) -> Error {
    let message = format!("too many failed logins for user \"{user}\" from this address");
    Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message)
        .hint(format!("Try again in {} seconds.", wait.as_secs() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)));

    fn throttle() -> Throttle {
        Throttle::new(&Limits { password_failures: 3, password_pause: Duration::from_secs(1), ..Limits::default() })
    }

    /// Wrong passwords sent one after the other for so long: how many were looked at.
    fn guesses(throttle: &Throttle, user: impl Fn(u32) -> String, begin: Instant, time: Duration) -> u32 {
        let (mut now, mut looked_at) = (begin, 0);
        for n in 0.. {
            if now > begin + time {
                return looked_at;
            }
            let user = user(n);
            match throttle.turn(HERE, &user, now) {
                Ok(turn) => {
                    now = turn.max(now + Duration::from_micros(500));
                    throttle.failed(HERE, &user, now);
                    looked_at += 1;
                }
                Err(_) => now += Duration::from_micros(500),
            }
        }
        looked_at
    }

    #[test]
    fn guesses_slow_down_and_nobody_else_does() {
        let (throttle, now) = (throttle(), Instant::now());
        let looked_at = guesses(&throttle, |_| "kim".into(), now, Duration::from_secs(60));
        assert!((55..70).contains(&looked_at), "{looked_at}");
        let later = now + Duration::from_secs(60);
        // The same role from elsewhere, another role from here.
        assert_eq!(throttle.turn(THERE, "kim", later).expect("a turn"), later);
        throttle.succeeded(HERE, "ann");
        assert_eq!(throttle.turn(HERE, "ann", later).expect("a turn"), later);
        // It is forgotten in the end, and by the right password.
        let much_later = later + FORGET * 2;
        assert_eq!(throttle.turn(HERE, "kim", much_later).expect("a turn"), much_later);
    }

    #[test]
    fn guesses_of_one_address_over_many_roles_slow_down_too() {
        let (throttle, now) = (throttle(), Instant::now());
        throttle.succeeded(HERE, "ann");
        let looked_at = guesses(&throttle, |n| format!("role{n}"), now, Duration::from_secs(60));
        assert!((110..140).contains(&looked_at), "{looked_at}");
        let later = now + Duration::from_secs(60);
        assert_eq!(throttle.turn(HERE, "ann", later).expect("a turn"), later);
    }

    #[test]
    fn attempts_at_once_wait_in_a_row_and_the_rest_is_turned_away() {
        let (throttle, now) = (throttle(), Instant::now());
        (0..20).for_each(|_| throttle.failed(HERE, "kim", now));
        let turns: Vec<_> = (0..50).map(|_| throttle.turn(HERE, "kim", now).ok()).collect();
        let waits: Vec<_> = turns.iter().flatten().map(|turn| (*turn - now).as_secs()).collect();
        assert_eq!(waits, [0, 1, 2, 3, 4]);
        throttle.succeeded(HERE, "kim");
        assert_eq!(throttle.turn(HERE, "kim", now).expect("a turn"), now);
    }

    #[test]
    fn networks_of_ipv6_count_as_one_address() {
        let six = |text: &str| place(text.parse().ok());
        assert_eq!(six("2001:db8::1"), six("2001:db8::ffff:1"));
        assert_ne!(six("2001:db8:0:1::1"), six("2001:db8:0:2::1"));
        assert_eq!(six("::ffff:10.0.0.1"), HERE);
    }
}
