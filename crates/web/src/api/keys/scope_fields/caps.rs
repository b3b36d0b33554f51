//! Caps on the key's own orders and requests.

use paddock_core::Scope;

use crate::complaints::Complaints;
use crate::fields::Fields;

pub(super) fn read(fields: &mut Fields, scope: &mut Scope, complaints: &mut Complaints) {
    let units = "units above zero as text, for example \"10\" or \"0.5\"";
    scope.max_order_quantity = complaints.hear(fields.amount("max_order_quantity", units));
    scope.max_order_notional = complaints.hear(fields.dollars("max_order_notional"));
    scope.max_daily_notional = complaints.hear(fields.dollars("max_daily_notional"));
    scope.max_daily_orders = complaints.hear(fields.count("max_daily_orders"));
    scope.max_requests_per_minute = complaints.hear(fields.count("max_requests_per_minute"));
}
