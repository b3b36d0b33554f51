//! How access keys are used: counts by New York day, where from, when, and what was unusual.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::calendar::trading_date;
use paddock_core::id::AccessKeyId;
use paddock_core::unusual::{Found, Habits, Learned, Unusual};

use crate::codec::{bigint, instant, micros, number, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError};

/// What is new about the use of an access key since it was last written.
#[derive(Clone, Debug)]
pub struct KeyUse {
    /// The access key.
    pub key: AccessKeyId,
    /// Its name.
    pub name: String,
    /// What to add to the counts.
    pub days: Vec<DayOfUse>,
    /// When it was last used, and from where.
    pub last: Option<(Timestamp, IpAddr)>,
    /// What the program called itself.
    pub agent: String,
    /// When it was first used.
    pub first_at: Option<Timestamp>,
    /// Where and when it was used as never before.
    pub learned: Learned,
    /// What was unusual, which is recorded after this is written.
    pub unusual: Vec<(Timestamp, Found)>,
}

/// Requests of one access key on one New York day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayOfUse {
    /// The day.
    pub day: Date,
    /// All of them.
    pub requests: u64,
    /// Reads that were forwarded.
    pub reads: u64,
    /// Orders that were forwarded.
    pub orders: u64,
    /// Those that were malformed or could not be served.
    pub failed: u64,
    /// The most in one minute.
    pub busiest_minute: u64,
    /// Those that were refused, by reason.
    pub refused: BTreeMap<String, u64>,
}

/// When and how an access key was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When it was first used.
    pub first_at: Timestamp,
    /// When it was last used.
    pub at: Timestamp,
    /// From where.
    pub address: String,
    /// What the program called itself; empty when it did not.
    pub agent: String,
}

row! {
    struct DayColumns {
        access_key_id: String,
        day: String,
        requests: i64,
        reads: i64,
        orders: i64,
        failed: i64,
        busiest_minute: i64,
    }
}

impl DayColumns {
    fn day(self) -> Result<(AccessKeyId, DayOfUse), StoreError> {
        let day = DayOfUse {
            day: parse(&self.day, "day")?,
            requests: number(self.requests)?,
            reads: number(self.reads)?,
            orders: number(self.orders)?,
            failed: number(self.failed)?,
            busiest_minute: number(self.busiest_minute)?,
            refused: BTreeMap::new(),
        };
        Ok((parse(&self.access_key_id, "access key")?, day))
    }
}

impl Store {
    /// Adds what is new about the use of access keys. A key that is not known is passed over. Orders wait for it: give a hundred
    /// at a time.
    ///
    /// # Errors
    /// When the database fails; nothing was added then.
    pub async fn write_key_use(&self, uses: &[KeyUse]) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        for key_use in uses {
            let id = key_use.key.to_string();
            let (known,) =
                sql!(tx, fetch_one (i64,): "SELECT COUNT(*) FROM access_keys WHERE id = $1", id.as_str())?;
            if known > 0 {
                write(&mut tx, &id, key_use).await?;
            }
        }
        tx.commit().await
    }

    /// How an access key was used on each day from `since` on, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key_days(&self, key: AccessKeyId, since: Date) -> Result<Vec<DayOfUse>, StoreError> {
        let (id, since) = (key.to_string(), since.to_string());
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all DayColumns:
            "SELECT access_key_id, day, requests, reads, orders, failed, busiest_minute FROM key_use
             WHERE access_key_id = $1 AND day >= $2 ORDER BY day DESC", id.as_str(), since.as_str())?;
        let days: Result<Vec<_>, StoreError> =
            rows.into_iter().map(|row| row.day().map(|(_, day)| day)).collect();
        let mut days = days?;
        let refused = sql!(tx, fetch_all (String, String, i64):
            "SELECT day, reason, requests FROM key_refusals WHERE access_key_id = $1 AND day >= $2",
            id.as_str(), since.as_str())?;
        for (day, reason, requests) in refused {
            let day: Date = parse(&day, "day")?;
            if let Some(found) = days.iter_mut().find(|one| one.day == day) {
                found.refused.insert(reason, number(requests)?);
            }
        }
        Ok(days)
    }

    /// When and how an access key was last used; nothing when it never was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_use(&self, key: AccessKeyId) -> Result<Option<LastUse>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional (i64, i64, String, String):
            "SELECT first_at, last_at, address, user_agent FROM key_seen WHERE access_key_id = $1", key.to_string())?;
        row.map(|(first_at, at, address, agent)| {
            Ok(LastUse { first_at: instant(first_at)?, at: instant(at)?, address, agent })
        })
        .transpose()
    }

    /// What was unusual about the use of an access key: each kind with the last New York day on which it was found, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unusual_use(&self, key: AccessKeyId) -> Result<Vec<(Unusual, Date)>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all (String, String):
            "SELECT what, day FROM key_unusual WHERE access_key_id = $1 ORDER BY day DESC, what", key.to_string())?;
        // A kind of a newer version has no words here.
        let known = rows.iter().filter_map(|(what, day)| Unusual::named(what).zip(Some(day)));
        known.map(|(what, day)| Ok((what, parse(day, "day")?))).collect()
    }

    /// What is usual for each access key that was used, as of `today`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn habits(&self, today: Date) -> Result<Vec<(AccessKeyId, Habits)>, StoreError> {
        let mut tx = self.begin_read().await?;
        let mut all: BTreeMap<String, Habits> = BTreeMap::new();
        for (id, first_at) in
            sql!(tx, fetch_all (String, i64): "SELECT access_key_id, first_at FROM key_seen")?
        {
            all.entry(id).or_default().first_at = Some(instant(first_at)?);
        }
        for (id, network) in
            sql!(tx, fetch_all (String, String): "SELECT access_key_id, network FROM key_networks")?
        {
            all.entry(id).or_default().networks.insert(network);
        }
        for (id, hour) in sql!(tx, fetch_all (String, i64): "SELECT access_key_id, hour FROM key_hours")? {
            all.entry(id).or_default().hours.insert(number(hour)?);
        }
        let reasons =
            sql!(tx, fetch_all (String, String): "SELECT DISTINCT access_key_id, reason FROM key_refusals")?;
        for (id, reason) in reasons {
            all.entry(id).or_default().refusals.insert(reason);
        }
        for (id, what, day) in
            sql!(tx, fetch_all (String, String, String): "SELECT access_key_id, what, day FROM key_unusual")?
        {
            if let Some(what) = Unusual::named(&what) {
                all.entry(id).or_default().said.insert(what, parse(&day, "day")?);
            }
        }
        let days = sql!(tx, fetch_all DayColumns:
            "SELECT access_key_id, day, requests, reads, orders, failed, busiest_minute FROM key_use")?;
        for row in days {
            let id = row.access_key_id.clone();
            let (_, day) = row.day()?;
            let habits = all.entry(id).or_default();
            if day.day == today {
                habits.resume(today, day.busiest_minute);
            } else {
                habits.days = habits.days.saturating_add(1);
                habits.busiest_minute = habits.busiest_minute.max(day.busiest_minute);
            }
        }
        all.into_iter().map(|(id, habits)| Ok((parse(&id, "access key")?, habits))).collect()
    }
}

async fn write(tx: &mut Tx, id: &str, key_use: &KeyUse) -> Result<(), StoreError> {
    for day in &key_use.days {
        let date = day.day.to_string();
        sql!(tx, execute
            "INSERT INTO key_use (access_key_id, day, requests, reads, orders, failed, busiest_minute)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (access_key_id, day) DO UPDATE SET requests = key_use.requests + excluded.requests,
                 reads = key_use.reads + excluded.reads, orders = key_use.orders + excluded.orders,
                 failed = key_use.failed + excluded.failed,
                 busiest_minute = CASE WHEN excluded.busiest_minute > key_use.busiest_minute
                     THEN excluded.busiest_minute ELSE key_use.busiest_minute END",
            id, date.as_str(), bigint(day.requests), bigint(day.reads), bigint(day.orders), bigint(day.failed),
            bigint(day.busiest_minute))?;
        for (reason, count) in &day.refused {
            sql!(tx, execute
                "INSERT INTO key_refusals (access_key_id, day, reason, requests) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (access_key_id, day, reason) DO UPDATE SET requests = key_refusals.requests + excluded.requests",
                id, date.as_str(), reason.as_str(), bigint(*count))?;
        }
    }
    if let Some((at, address)) = key_use.last {
        let first_at = key_use.first_at.unwrap_or(at);
        sql!(tx, execute
            "INSERT INTO key_seen (access_key_id, first_at, last_at, address, user_agent) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (access_key_id) DO UPDATE SET last_at = excluded.last_at, address = excluded.address,
                 user_agent = excluded.user_agent WHERE key_seen.last_at <= excluded.last_at",
            id, micros(first_at), micros(at), address.to_string(), key_use.agent.as_str())?;
    }
    for network in &key_use.learned.networks {
        sql!(tx, execute
            "INSERT INTO key_networks (access_key_id, network) VALUES ($1, $2) ON CONFLICT (access_key_id, network) DO NOTHING",
            id, network.as_str())?;
    }
    for hour in &key_use.learned.hours {
        sql!(tx, execute
            "INSERT INTO key_hours (access_key_id, hour) VALUES ($1, $2) ON CONFLICT (access_key_id, hour) DO NOTHING",
            id, i64::from(*hour))?;
    }
    for (at, (what, _)) in &key_use.unusual {
        sql!(tx, execute
            "INSERT INTO key_unusual (access_key_id, what, day) VALUES ($1, $2, $3)
             ON CONFLICT (access_key_id, what) DO UPDATE SET day = excluded.day",
            id, what.name(), trading_date(*at).to_string())?;
    }
    Ok(())
}
