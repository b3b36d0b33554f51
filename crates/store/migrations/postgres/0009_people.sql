-- People. A team is a row of `users`: what connections, access keys and data-encryption keys belong to. The oldest runs this Paddock.
ALTER TABLE users ADD COLUMN name TEXT COLLATE "C" NOT NULL DEFAULT 'first-team';

-- Who signs in. The name is normalised. Who was removed keeps the row, which history names, but no password.
CREATE TABLE persons (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'operator', 'owner')),
    password TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    removed_at BIGINT
);
CREATE UNIQUE INDEX persons_name ON persons (name) WHERE removed_at IS NULL;
CREATE INDEX persons_user ON persons (user_id);

-- Signed-in browsers, by the hash of what their cookie holds. The row goes when the session ends.
CREATE TABLE sessions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    token_hash BYTEA NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    person_id TEXT COLLATE "C" NOT NULL REFERENCES persons (id),
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    network TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    factor_at BIGINT
);
CREATE INDEX sessions_person ON sessions (person_id);

-- Links that work once, by the hash of what they hold: for the first owner, for who is invited, for who has lost the password. The row
-- goes when the link is used. An invitation without user_id founds a team.
CREATE TABLE links (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    token_hash BYTEA NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('setup', 'invitation', 'reset', 'demo')),
    user_id TEXT COLLATE "C" REFERENCES users (id),
    invited_by TEXT COLLATE "C" REFERENCES users (id),
    team_name TEXT,
    role TEXT COLLATE "C" CHECK (role IN ('viewer', 'operator', 'owner')),
    person_id TEXT COLLATE "C" REFERENCES persons (id),
    label TEXT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Whose record it is. None for the first team, and for what is of the whole.
ALTER TABLE audit ADD COLUMN user_id TEXT COLLATE "C";
CREATE INDEX audit_user ON audit (user_id, seq) WHERE user_id IS NOT NULL;
