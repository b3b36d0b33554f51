//! The gateway as its clients and its attackers see it, in front of a broker that records everything it is sent.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod account_caps;
mod approvals;
mod attacks;
mod broker;
mod budget;
mod by_hand;
mod caps;
mod credentials;
mod deadman;
mod differential;
mod entrances;
mod floods;
mod freeze;
mod metrics;
mod nodes;
mod oauth;
mod option_streams;
mod order_ends;
mod order_limits;
mod orders;
mod own_events;
mod own_orders;
mod rig;
mod rotating;
mod rotation;
mod signed;
mod signer;
mod streams;
mod streams_at_once;
mod test_order;
mod upstream_faults;
mod ways;
mod wind_down;
