#!/usr/bin/env python3
"""Writes `xnys.txt`, the table against which `src/calendar.rs` is tested.

The table is what the PyPI package `exchange_calendars` says about the New York Stock Exchange (XNYS):
every session from 1990 to 2099 with its opening and closing instant in UTC. Dates in the future are the
package's own projection of today's rules. Run it after the package has learned of a new closure:

    python3 -m venv venv
    venv/bin/pip install exchange_calendars
    venv/bin/python crates/core/calendar/regenerate.py

Then `cargo test -p paddock-core calendar` says which days the Rust rules get wrong.

Format: one run per line, `FIRST LAST OPEN CLOSE`. Every Monday to Friday from FIRST to LAST, both included,
is a session that opens and closes at these UTC times of day. A day in no run has no session.
"""

import datetime
import pathlib

import exchange_calendars

FIRST = datetime.date(1990, 1, 1)
LAST = datetime.date(2099, 12, 31)


def next_weekday(date):
    step = 3 if date.weekday() == 4 else 1
    return date + datetime.timedelta(days=step)


def time_of_day(instant, session):
    """The UTC time of an instant that must fall on the UTC day of its session, else the format is too narrow."""
    assert instant.date() == session, (instant, session)
    assert instant.second == 0 and instant.microsecond == 0, instant
    return f"{instant:%H:%M}"


def runs(schedule):
    current = None
    for label, row in schedule.iterrows():
        date = label.date()
        assert date.weekday() < 5, date
        times = (time_of_day(row["open"], date), time_of_day(row["close"], date))
        if current and next_weekday(current[1]) == date and current[2] == times:
            current[1] = date
        else:
            if current:
                yield current
            current = [date, date, times]
    if current:
        yield current


def main():
    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST.isoformat(), end=LAST.isoformat())
    lines = [
        f"# XNYS sessions {FIRST} to {LAST}, UTC, from exchange_calendars {exchange_calendars.__version__}",
        "# written by regenerate.py, which explains the format; do not edit",
    ]
    for first, last, (opens, closes) in runs(calendar.schedule):
        lines.append(f"{first} {last} {opens} {closes}")
    path = pathlib.Path(__file__).with_name("xnys.txt")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    print(f"{len(calendar.schedule)} sessions in {len(lines) - 2} runs written to {path.name}")


if __name__ == "__main__":
    main()
