-- Requests that wait, or waited, for a person. What is sent after a yes is what stands here. The reservation of an approved request
-- has the same request_id and is made in the transaction that ends the state 'pending'.
CREATE TABLE approvals (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    request_id TEXT COLLATE "C" NOT NULL UNIQUE,
    access_key_id TEXT COLLATE "C" NOT NULL REFERENCES access_keys (id),
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    request_hash BYTEA NOT NULL CHECK (length(request_hash) = 32),
    operation TEXT COLLATE "C" NOT NULL,
    method TEXT NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    body BYTEA NOT NULL,
    network TEXT NOT NULL,
    summary TEXT NOT NULL,
    notional TEXT,
    market_price TEXT,
    price_band TEXT,
    requested_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'void', 'refused')),
    ended_at BIGINT,
    ended_by TEXT,
    reason TEXT,
    answer_status BIGINT,
    answer BYTEA
);
CREATE UNIQUE INDEX approvals_pending ON approvals (access_key_id, request_hash) WHERE state = 'pending';
CREATE INDEX approvals_expiry ON approvals (expires_at) WHERE state = 'pending';
CREATE INDEX approvals_requested ON approvals (requested_at, id);
