-- What makes the audit chain verifiable elsewhere and prunable, and how access keys are used.

-- The keys that sign checkpoints. The private half is sealed, and erased when another key has taken its place.
CREATE TABLE audit_keys (
    public_key BYTEA NOT NULL PRIMARY KEY CHECK (length(public_key) = 32),
    created_at BIGINT NOT NULL,
    endorsed_by BYTEA,
    endorsement BYTEA,
    dek_id TEXT REFERENCES deks (id),
    sealed BYTEA
);

CREATE TABLE audit_checkpoints (
    seq BIGINT NOT NULL PRIMARY KEY CHECK (seq >= 1),
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    at BIGINT NOT NULL,
    public_key BYTEA NOT NULL REFERENCES audit_keys (public_key),
    signature BYTEA NOT NULL CHECK (length(signature) = 64)
);

-- One row: the last record that was removed, and what the removed ones say about what there is.
CREATE TABLE audit_start (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL CHECK (seq >= 0),
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    kept TEXT NOT NULL
);
INSERT INTO audit_start (id, seq, hash, kept) VALUES (1, 0, decode(repeat('00', 32), 'hex'), '{}');

-- The start only moves forward, to a signed checkpoint, and only what is before it may be removed.
CREATE FUNCTION audit_start_moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.seq <> OLD.seq AND (NEW.seq < OLD.seq OR NOT EXISTS (
        SELECT 1 FROM audit_checkpoints c WHERE c.seq = NEW.seq AND c.hash = NEW.hash)) THEN
        RAISE EXCEPTION 'the audit begins at a checkpoint';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_start_moves BEFORE UPDATE ON audit_start FOR EACH ROW EXECUTE FUNCTION audit_start_moves();
CREATE FUNCTION audit_keeps_what_is_after_its_start() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.seq > (SELECT seq FROM audit_start) THEN
        RAISE EXCEPTION 'audit is append-only';
    END IF;
    RETURN OLD;
END $$;
DROP TRIGGER audit_no_delete ON audit;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_keeps_what_is_after_its_start();

-- Counted by New York day. The busiest minute is that with the most requests.
CREATE TABLE key_use (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    day TEXT NOT NULL,
    requests BIGINT NOT NULL CHECK (requests >= 0),
    reads BIGINT NOT NULL CHECK (reads >= 0),
    orders BIGINT NOT NULL CHECK (orders >= 0),
    failed BIGINT NOT NULL CHECK (failed >= 0),
    busiest_minute BIGINT NOT NULL CHECK (busiest_minute >= 0),
    PRIMARY KEY (access_key_id, day)
);

CREATE TABLE key_refusals (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    day TEXT NOT NULL,
    reason TEXT NOT NULL,
    requests BIGINT NOT NULL CHECK (requests >= 0),
    PRIMARY KEY (access_key_id, day, reason)
);

CREATE TABLE key_seen (
    access_key_id TEXT NOT NULL PRIMARY KEY REFERENCES access_keys (id),
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
);

CREATE TABLE key_networks (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    network TEXT NOT NULL,
    PRIMARY KEY (access_key_id, network)
);

-- Hours of the week in New York, from 0 to 167.
CREATE TABLE key_hours (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    hour BIGINT NOT NULL CHECK (hour BETWEEN 0 AND 167),
    PRIMARY KEY (access_key_id, hour)
);

-- The last day on which a kind of unusual use was said.
CREATE TABLE key_unusual (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    what TEXT NOT NULL,
    day TEXT NOT NULL,
    PRIMARY KEY (access_key_id, what)
);
