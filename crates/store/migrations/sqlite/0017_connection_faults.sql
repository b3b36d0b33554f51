-- What the latest look at a connection found wrong, until a look finds nothing.
CREATE TABLE connection_faults (
    connection_id TEXT NOT NULL PRIMARY KEY REFERENCES connections (id),
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    detail TEXT NOT NULL,
    next_step TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
