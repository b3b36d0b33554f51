-- Which access key placed which order at the broker. Nothing is taken out again: an order of long ago is still its key's.
CREATE TABLE placed_orders (
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    order_id TEXT COLLATE "C" NOT NULL,
    access_key_id TEXT COLLATE "C" NOT NULL REFERENCES access_keys (id),
    client_order_id TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, order_id)
);
CREATE INDEX placed_orders_name ON placed_orders (connection_id, client_order_id) WHERE client_order_id IS NOT NULL;

-- What was placed before there was this table.
INSERT INTO placed_orders (connection_id, order_id, access_key_id, client_order_id, at)
    SELECT connection_id, order_id, access_key_id, client_order_id, at FROM reservations
    WHERE state = 'confirmed' AND order_id IS NOT NULL
        AND operation IN ('postOrder', 'patchOrderByOrderId', 'deleteOpenPosition')
    ORDER BY at, request_id
    ON CONFLICT (connection_id, order_id) DO NOTHING;
