-- A credential is a key pair or a token that Alpaca gave by OAuth. A token has no Key ID: key_id_fingerprint is empty for it, and
-- secret_fingerprint is the token's.
ALTER TABLE credentials ADD COLUMN kind TEXT COLLATE "C" NOT NULL DEFAULT 'key_pair' CHECK (kind IN ('key_pair', 'oauth_token'));
ALTER TABLE credentials ADD COLUMN oauth_token BYTEA;
ALTER TABLE credentials ADD COLUMN oauth_scopes TEXT;

-- Attempts to connect an account by OAuth, by the hash of the state that goes to Alpaca and comes back. Each is of one session and good
-- for one answer; without connection_id it is for a new connection. What was signed for a live one waits here.
CREATE TABLE oauth_attempts (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    state_hash BYTEA NOT NULL UNIQUE CHECK (length(state_hash) = 32),
    session_id TEXT COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    environment TEXT COLLATE "C" NOT NULL CHECK (environment IN ('paper', 'live')),
    connection_id TEXT COLLATE "C" REFERENCES connections (id),
    name TEXT COLLATE "C" NOT NULL,
    text TEXT,
    text_sha256 TEXT COLLATE "C",
    signed_name TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    problem TEXT
);
CREATE INDEX oauth_attempts_session ON oauth_attempts (session_id);
