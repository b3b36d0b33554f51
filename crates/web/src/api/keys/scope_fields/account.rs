//! Limits that depend on the whole account, whoever trades in it.

use paddock_core::Scope;

use crate::complaints::Complaints;
use crate::fields::Fields;

pub(super) fn read(fields: &mut Fields, scope: &mut Scope, complaints: &mut Complaints) {
    scope.max_open_exposure = complaints.hear(fields.dollars("max_open_exposure"));
    scope.max_daily_loss = complaints.hear(fields.dollars("max_daily_loss"));
}
