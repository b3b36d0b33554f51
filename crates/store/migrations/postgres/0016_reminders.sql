-- That a connection's pair is due, which is told once for each nearness of each day on which it is due.
CREATE TABLE rotation_reminders (
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    due_at BIGINT NOT NULL,
    nearness TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, due_at, nearness)
);

-- The consumers that are to be told of it. A message is tried until it was taken; next_at is when it is tried again.
CREATE TABLE rotation_notices (
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    due_at BIGINT NOT NULL,
    nearness TEXT COLLATE "C" NOT NULL,
    consumer_id TEXT COLLATE "C" NOT NULL REFERENCES consumers (id),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('due', 'sent', 'failed')),
    tries BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    detail TEXT,
    PRIMARY KEY (connection_id, due_at, nearness, consumer_id)
);
CREATE INDEX rotation_notices_due ON rotation_notices (next_at) WHERE state = 'due';
