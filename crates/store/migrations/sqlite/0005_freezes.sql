-- What is frozen, beside the marks on access keys, connections and everything: what passes, and who froze it why. The subject is the
-- identifier of the access key or connection, or `everything`. What was frozen before there was this table lets cancels pass.
CREATE TABLE freezes (
    subject TEXT NOT NULL PRIMARY KEY,
    what TEXT NOT NULL CHECK (what IN ('key', 'connection', 'everything')),
    passes TEXT NOT NULL,
    reason TEXT,
    actor TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO freezes (subject, what, passes, actor, at)
    SELECT id, 'key', 'cancels', '{"kind":"operator"}', 0 FROM access_keys WHERE frozen = 1;
INSERT INTO freezes (subject, what, passes, actor, at)
    SELECT id, 'connection', 'cancels', '{"kind":"operator"}', 0 FROM connections WHERE frozen = 1;
INSERT INTO freezes (subject, what, passes, actor, at)
    SELECT 'everything', 'everything', 'cancels', '{"kind":"operator"}', 0 FROM everything WHERE frozen = 1;

-- What a freeze has to do about open orders and positions. freeze_seq is the position of the freeze's audit record, subject
-- what was frozen; access_key_id is there when only that key's orders are meant. Nobody but `node` works on it until `lease_until`.
CREATE TABLE wind_downs (
    freeze_seq INTEGER NOT NULL,
    connection_id TEXT NOT NULL REFERENCES connections (id),
    subject TEXT NOT NULL,
    access_key_id TEXT REFERENCES access_keys (id),
    kind TEXT NOT NULL CHECK (kind IN ('cancel_all', 'flatten')),
    phase TEXT NOT NULL CHECK (phase IN ('cancel', 'close', 'ended')),
    actor TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    node TEXT,
    lease_until INTEGER,
    note TEXT,
    ended_at INTEGER,
    PRIMARY KEY (freeze_seq, connection_id)
) STRICT;
CREATE INDEX wind_downs_open ON wind_downs (started_at) WHERE phase <> 'ended';

-- One request to the broker each, written before it is sent.
CREATE TABLE wind_down_steps (
    request_id TEXT NOT NULL PRIMARY KEY,
    freeze_seq INTEGER NOT NULL,
    connection_id TEXT NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('cancel', 'close')),
    target TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sent', 'done', 'failed', 'unknown')),
    status INTEGER,
    detail TEXT,
    order_id TEXT,
    at INTEGER NOT NULL,
    FOREIGN KEY (freeze_seq, connection_id) REFERENCES wind_downs (freeze_seq, connection_id)
) STRICT;
CREATE INDEX wind_down_steps_of ON wind_down_steps (freeze_seq, connection_id);

-- The signs of life that the dead-man switch waits for: when the last one came, whether the switch would fire, and how long a server
-- that was down gives it before it does.
CREATE TABLE signs_of_life (
    name TEXT NOT NULL PRIMARY KEY,
    last_at INTEGER NOT NULL,
    armed INTEGER NOT NULL CHECK (armed IN (0, 1)),
    grace_until INTEGER
) STRICT;
