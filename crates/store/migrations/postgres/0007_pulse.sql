-- One row: when the database was last seen to take a write.
CREATE TABLE pulse (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL
);
INSERT INTO pulse (id, at) VALUES (1, 0);
