-- What is frozen, beside the marks on access keys, connections and everything: what passes, and who froze it why. The subject is the
-- identifier of the access key or connection, or `everything`. What was frozen before there was this table lets cancels pass.
CREATE TABLE freezes (
    subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    what TEXT NOT NULL CHECK (what IN ('key', 'connection', 'everything')),
    passes TEXT NOT NULL,
    reason TEXT,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL
);
INSERT INTO freezes (subject, what, passes, actor, at)
    SELECT id, 'key', 'cancels', '{"kind":"operator"}', 0 FROM access_keys WHERE frozen;
INSERT INTO freezes (subject, what, passes, actor, at)
    SELECT id, 'connection', 'cancels', '{"kind":"operator"}', 0 FROM connections WHERE frozen;
INSERT INTO freezes (subject, what, passes, actor, at)
    SELECT 'everything', 'everything', 'cancels', '{"kind":"operator"}', 0 FROM everything WHERE frozen;

-- What a freeze has to do about open orders and positions. freeze_seq is the position of the freeze's audit record, subject
-- what was frozen; access_key_id is there when only that key's orders are meant. Nobody but `node` works on it until `lease_until`.
CREATE TABLE wind_downs (
    freeze_seq BIGINT NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    subject TEXT COLLATE "C" NOT NULL,
    access_key_id TEXT COLLATE "C" REFERENCES access_keys (id),
    kind TEXT NOT NULL CHECK (kind IN ('cancel_all', 'flatten')),
    phase TEXT NOT NULL CHECK (phase IN ('cancel', 'close', 'ended')),
    actor TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    node TEXT,
    lease_until BIGINT,
    note TEXT,
    ended_at BIGINT,
    PRIMARY KEY (freeze_seq, connection_id)
);
CREATE INDEX wind_downs_open ON wind_downs (started_at) WHERE phase <> 'ended';

-- One request to the broker each, written before it is sent.
CREATE TABLE wind_down_steps (
    request_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    freeze_seq BIGINT NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('cancel', 'close')),
    target TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sent', 'done', 'failed', 'unknown')),
    status BIGINT,
    detail TEXT,
    order_id TEXT,
    at BIGINT NOT NULL,
    FOREIGN KEY (freeze_seq, connection_id) REFERENCES wind_downs (freeze_seq, connection_id)
);
CREATE INDEX wind_down_steps_of ON wind_down_steps (freeze_seq, connection_id);

-- The signs of life that the dead-man switch waits for: when the last one came, whether the switch would fire, and how long a server
-- that was down gives it before it does.
CREATE TABLE signs_of_life (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    last_at BIGINT NOT NULL,
    armed BOOLEAN NOT NULL,
    grace_until BIGINT
);

-- Tells the other nodes that keys, connections or freezes have changed, with the schema that they are in. When a key was last used is
-- no such change.
CREATE FUNCTION tell_of_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('paddock_changes', TG_TABLE_SCHEMA);
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_changes AFTER INSERT OR DELETE OR UPDATE OF scope, frozen, revoked_at, connection_id, name, secret_hash, key_id
    ON access_keys FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changes();
CREATE TRIGGER tell_of_changes AFTER INSERT OR DELETE OR UPDATE OF name, frozen, active, credential_version, removed_at
    ON connections FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changes();
CREATE TRIGGER tell_of_changes AFTER INSERT OR DELETE OR UPDATE ON credentials
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changes();
CREATE TRIGGER tell_of_changes AFTER INSERT OR DELETE OR UPDATE OF wrapped ON deks
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changes();
CREATE TRIGGER tell_of_changes AFTER UPDATE ON everything
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changes();
CREATE TRIGGER tell_of_changes AFTER INSERT OR DELETE OR UPDATE ON freezes
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changes();
CREATE TRIGGER tell_of_changes AFTER INSERT ON wind_downs
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changes();
