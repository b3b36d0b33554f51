-- What was signed when a live account was connected: the text as it was shown, and who signed it. A record of the audit holds its hash.
CREATE TABLE attestations (
    connection_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES connections (id),
    text TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    signed_name TEXT NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL
);
