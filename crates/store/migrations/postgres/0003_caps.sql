-- What an order was charged, for as long as that may change: until the order has ended at the broker.
--   quantity  units that were ordered; NULL for an order in dollars, and where one request brings many orders
--   worth     dollars that the order was worth when it was decided; a replacement is charged for the difference only
--   exposure  dollars by which it may make the account's open exposure larger; NULL when that could not be told
--   seen_seq  position in the audit chain from which the broker's figures show what became of it; NULL while it may be on its way
--   replaces  the broker's id of the order that it replaces
--   filled    units that are known to be filled, dollars for an order in dollars; NULL while the order works
--   returned  dollars of its charge that were given back
CREATE TABLE order_charges (
    request_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES reservations (request_id),
    access_key_id TEXT COLLATE "C" NOT NULL REFERENCES access_keys (id),
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    quantity TEXT COLLATE "C",
    worth TEXT COLLATE "C" NOT NULL,
    exposure TEXT COLLATE "C",
    seen_seq BIGINT,
    replaces TEXT COLLATE "C",
    filled TEXT COLLATE "C",
    returned TEXT COLLATE "C" NOT NULL
);
CREATE INDEX order_charges_unseen ON order_charges (connection_id, seen_seq);
CREATE INDEX order_charges_working ON order_charges (connection_id) WHERE filled IS NULL;
CREATE INDEX order_charges_replaces ON order_charges (replaces) WHERE replaces IS NOT NULL;

-- The trading days on which an access key was stopped because the account had lost too much, with the largest loss that was seen.
CREATE TABLE loss_stops (
    access_key_id TEXT COLLATE "C" NOT NULL REFERENCES access_keys (id),
    day TEXT COLLATE "C" NOT NULL,
    loss TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (access_key_id, day)
);
