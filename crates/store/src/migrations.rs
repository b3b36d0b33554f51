//! The tables, as they came to be. Both databases have a folder with files of the same names.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

macro_rules! migrations {
    ($folder:literal, $($version:literal $description:literal $file:literal),+ $(,)?) => {
        vec![$(migration($version, $description, include_str!(concat!("../migrations/", $folder, "/", $file)))),+]
    };
}

/// The version of the tables, which is that of the last migration.
pub(crate) const SCHEMA: i64 = 17;

pub(crate) fn sqlite() -> Migrator {
    Migrator::with_migrations(migrations!(
        "sqlite",
        1 "initial" "0001_initial.sql",
        2 "placed orders" "0002_placed_orders.sql",
        3 "caps" "0003_caps.sql",
        4 "signed requests" "0004_signed_requests.sql",
        5 "freezes" "0005_freezes.sql",
        6 "audit and use" "0006_audit_and_use.sql",
        7 "pulse" "0007_pulse.sql",
        8 "approvals" "0008_approvals.sql",
        9 "people" "0009_people.sql",
        10 "factors" "0010_factors.sql",
        11 "activity" "0011_activity.sql",
        12 "attestations" "0012_attestations.sql",
        13 "rotation" "0013_rotation.sql",
        15 "oauth" "0015_oauth.sql",
        16 "reminders" "0016_reminders.sql",
        17 "connection faults" "0017_connection_faults.sql",
    ))
}

pub(crate) fn postgres() -> Migrator {
    Migrator::with_migrations(migrations!(
        "postgres",
        1 "initial" "0001_initial.sql",
        2 "placed orders" "0002_placed_orders.sql",
        3 "caps" "0003_caps.sql",
        4 "signed requests" "0004_signed_requests.sql",
        5 "freezes" "0005_freezes.sql",
        6 "audit and use" "0006_audit_and_use.sql",
        7 "pulse" "0007_pulse.sql",
        8 "approvals" "0008_approvals.sql",
        9 "people" "0009_people.sql",
        10 "factors" "0010_factors.sql",
        11 "activity" "0011_activity.sql",
        12 "attestations" "0012_attestations.sql",
        13 "rotation" "0013_rotation.sql",
        15 "oauth" "0015_oauth.sql",
        16 "reminders" "0016_reminders.sql",
        17 "connection faults" "0017_connection_faults.sql",
    ))
}

fn migration(version: i64, description: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, Cow::Borrowed(description), MigrationType::Simple, sql.into_sql_str(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_migrations_up_to_the_schema_version() {
        let names = |migrator: &Migrator| -> Vec<_> {
            migrator.iter().map(|one| (one.version, one.description.to_string())).collect()
        };
        assert_eq!(names(&sqlite()), names(&postgres()));
        assert_eq!(names(&sqlite()).last().map(|(version, _)| *version), Some(SCHEMA));
    }
}
