//! How the budgets stand, for people.

use paddock_alpaca::operation::Api;
use paddock_core::id::UserId;
use serde::Serialize;

use crate::shared::Shared;

/// How the budget of one account at one of Alpaca's APIs stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BudgetView {
    /// Whose connection it is.
    #[serde(skip)]
    pub user: UserId,
    /// The connection's name.
    pub connection: String,
    /// `trading` or `data`.
    pub api: &'static str,
    /// Requests a minute.
    pub limit: u32,
    /// How many of them are left now, as far as Paddock knows.
    pub left: u32,
    /// How many requests wait for one.
    pub waiting: usize,
}

pub(crate) fn all(shared: &Shared) -> Vec<BudgetView> {
    let now = shared.clock.now();
    let mut views: Vec<BudgetView> = Vec::new();
    for entry in shared.directory.load().connections() {
        let account = shared.meters.account(entry.connection.id);
        for api in [Api::Trading, Api::Data] {
            let budget = account.budget(api);
            let (limit, left) = budget.state(now);
            let waiting = budget.waiting().iter().sum();
            views.push(BudgetView {
                user: entry.connection.user,
                connection: entry.connection.name.clone(),
                api: name(api),
                limit,
                left,
                waiting,
            });
        }
    }
    views.sort_by(|one, other| one.connection.cmp(&other.connection));
    views
}

pub(crate) const fn name(api: Api) -> &'static str {
    match api {
        Api::Trading => "trading",
        Api::Data => "data",
    }
}
