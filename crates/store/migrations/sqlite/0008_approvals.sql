-- Requests that wait, or waited, for a person. What is sent after a yes is what stands here. The reservation of an approved request
-- has the same request_id and is made in the transaction that ends the state 'pending'.
CREATE TABLE approvals (
    id TEXT NOT NULL PRIMARY KEY,
    request_id TEXT NOT NULL UNIQUE,
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    connection_id TEXT NOT NULL REFERENCES connections (id),
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    operation TEXT NOT NULL,
    method TEXT NOT NULL,
    target TEXT NOT NULL,
    body BLOB NOT NULL,
    network TEXT NOT NULL,
    summary TEXT NOT NULL,
    notional TEXT,
    market_price TEXT,
    price_band TEXT,
    requested_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'void', 'refused')),
    ended_at INTEGER,
    ended_by TEXT,
    reason TEXT,
    answer_status INTEGER,
    answer BLOB
) STRICT;
CREATE UNIQUE INDEX approvals_pending ON approvals (access_key_id, request_hash) WHERE state = 'pending';
CREATE INDEX approvals_expiry ON approvals (expires_at) WHERE state = 'pending';
CREATE INDEX approvals_requested ON approvals (requested_at, id);
