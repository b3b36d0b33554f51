-- What persons did by hand to orders and positions. Each row is written, with the audit record of it, before the request is sent.
--   target  what it is about: the broker's id of an order, a symbol, or all open orders
--   wanted  method, path and query, by which a name that is used for something else is told
--   once    names one intention of a person's: a form that is sent twice is carried out once
CREATE TABLE hand_requests (
    request_id TEXT NOT NULL PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connections (id),
    actor TEXT NOT NULL,
    operation TEXT NOT NULL,
    target TEXT NOT NULL,
    wanted TEXT NOT NULL,
    once TEXT,
    state TEXT NOT NULL CHECK (state IN ('sent', 'done', 'failed', 'unknown')),
    status INTEGER,
    order_id TEXT,
    detail TEXT,
    at INTEGER NOT NULL,
    settled_at INTEGER
) STRICT;
CREATE UNIQUE INDEX hand_requests_once ON hand_requests (connection_id, once) WHERE once IS NOT NULL;
CREATE INDEX hand_requests_target ON hand_requests (connection_id, target, at);
CREATE INDEX hand_requests_order ON hand_requests (connection_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX hand_requests_sent ON hand_requests (at) WHERE state = 'sent';

-- Who decides about new trades of the engine, by user. No row is `manual` and not paused.
CREATE TABLE trading (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    mode TEXT NOT NULL CHECK (mode IN ('autopilot', 'copilot', 'manual')),
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    reason TEXT,
    actor TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- What follows is made from the audit chain and can be made again: what is asked of it by people, where asking the chain itself would
-- mean reading all of it. `activity_head` is how far that is.
CREATE TABLE activity_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL CHECK (seq >= 0)
) STRICT;
INSERT INTO activity_head (id, seq) VALUES (1, 0);

-- Each audit record, with whose it is and who caused it.
CREATE TABLE activity_records (
    seq INTEGER NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    event_name TEXT NOT NULL,
    actor TEXT NOT NULL
) STRICT;
CREATE INDEX activity_records_user ON activity_records (user_id, seq);
CREATE INDEX activity_records_event ON activity_records (user_id, event_name, seq);
CREATE INDEX activity_records_actor ON activity_records (user_id, actor, seq);

-- Each request that was permitted, held or refused. `who` is the name of its access key or person; `numbers` is a JSON object, `state`
-- what the broker made of a permitted one.
CREATE TABLE activity (
    request_id TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    connection_id TEXT,
    access_key_id TEXT,
    actor TEXT NOT NULL,
    who TEXT NOT NULL,
    operation TEXT NOT NULL,
    target TEXT NOT NULL,
    summary TEXT,
    network TEXT,
    decision TEXT NOT NULL CHECK (decision IN ('permitted', 'held', 'refused')),
    reason TEXT,
    message TEXT,
    numbers TEXT NOT NULL,
    state TEXT CHECK (state IN ('sent', 'done', 'failed', 'unknown')),
    answered INTEGER,
    status INTEGER,
    order_id TEXT,
    client_order_id TEXT
) STRICT;
CREATE INDEX activity_at ON activity (user_id, at, seq);
CREATE INDEX activity_who ON activity (user_id, who, at, seq);
CREATE INDEX activity_connection ON activity (user_id, connection_id, at, seq);
CREATE INDEX activity_decision ON activity (user_id, decision, at, seq);
CREATE INDEX activity_reason ON activity (user_id, reason, at, seq) WHERE reason IS NOT NULL;
CREATE INDEX activity_operation ON activity (user_id, operation, at, seq);
CREATE INDEX activity_order ON activity (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX activity_client_order ON activity (client_order_id) WHERE client_order_id IS NOT NULL;
CREATE INDEX activity_seq ON activity (seq);

-- The symbols that each of them names.
CREATE TABLE activity_symbols (
    user_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    PRIMARY KEY (user_id, symbol, at, seq)
) STRICT;
CREATE INDEX activity_symbols_request ON activity_symbols (request_id);

-- The audit records that name a request.
CREATE TABLE activity_requests (
    request_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (request_id, seq)
) STRICT;
CREATE INDEX activity_requests_seq ON activity_requests (seq);
