//! What splits and dividends do to accounts.
//!
//! A split happens when its ex-date's session opens, the instant in which the tape goes over to the new price: until then
//! neither prices nor quantities change, so that no account is ever worth twice as much. Who holds shares when the ex-date of
//! a dividend begins gets it on the day of payment; who is short pays it.

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::Symbol;
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::Broker;
use super::account::Account;
use super::activity::{Activity, ActivityEvent};
use super::position::to_cents;
use crate::market::{ActionKind, CorporateAction, Market};

/// A dividend that an account will get, or pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DueDividend {
    /// Which.
    pub action: Uuid,
    /// Whose shares.
    pub symbol: Symbol,
    /// Dollars a share.
    pub rate: Decimal,
    /// Shares held when the ex-date began; negative when sold short.
    pub quantity: Decimal,
    /// When it is paid.
    pub payable_date: Date,
}

/// The next split, counted from a place in the market's list: when it happens, and its place.
pub(super) fn next_split(market: &Market, from: usize, after: Timestamp) -> Option<(Timestamp, usize)> {
    let actions = market.corporate_actions().iter().enumerate().skip(from);
    actions
        .filter(|(_, action)| matches!(action.kind, ActionKind::Split { .. }) && action.ex_open > after)
        .map(|(place, action)| (action.ex_open, place))
        .next()
}

impl Broker {
    /// The split that is due happens, before anything else of the same instant. Open orders in the symbol were meant for
    /// other shares, and are canceled.
    pub(super) fn split(&mut self) {
        let Some((at, place)) = self.next_split.take() else { return };
        self.now = self.now.max(at);
        self.next_split = next_split(&self.market, place + 1, Timestamp::MIN);
        let Some(action) = self.market.corporate_actions().get(place).cloned() else { return };
        let ActionKind::Split { new, old } = action.kind else { return };
        let accounts: Vec<Uuid> = self.accounts.keys().copied().collect();
        for id in accounts {
            let Some(account) = self.accounts.get(&id) else { continue };
            let open: Vec<u64> = account
                .open_orders()
                .filter(|order| order.request.symbol == action.symbol)
                .map(|order| order.sequence)
                .collect();
            for sequence in open {
                self.take_back_alone(id, sequence);
            }
            if let Some(account) = self.accounts.get_mut(&id) {
                account.split(&action, (new, old), at);
            }
        }
    }

    /// What dividends bring on a date that begins.
    pub(super) fn dividends(&mut self, date: Date, at: Timestamp) {
        let actions = self.market.corporate_actions();
        let first = actions.partition_point(|action| action.ex_date < date);
        let today: Vec<&CorporateAction> =
            actions[first..].iter().take_while(|action| action.ex_date == date).collect();
        for account in self.accounts.values_mut() {
            account.pay_dividends(date, at);
            for action in &today {
                account.note_dividend(action);
            }
        }
    }
}

impl Account {
    /// Quantities change, costs do not. Fractions are kept, to nine decimals.
    fn split(&mut self, action: &CorporateAction, (new, old): (Decimal, Decimal), at: Timestamp) {
        let Some(position) = self.positions.get_mut(&action.symbol) else { return };
        let before = position.quantity;
        position.quantity = (before * new).checked_div(old).unwrap_or(before).trunc_with_scale(9).normalize();
        let added = position.quantity - before;
        self.activities.push(Activity {
            at,
            uuid: Uuid::new_v5(&self.id, action.id.as_bytes()),
            cash: Decimal::ZERO,
            holding: added,
            event: ActivityEvent::Split {
                symbol: action.symbol.clone(),
                added,
                ratio: (new, old),
                date: action.ex_date,
            },
        });
    }

    fn note_dividend(&mut self, action: &CorporateAction) {
        let ActionKind::Dividend { rate, .. } = action.kind else { return };
        let quantity = self.position(&action.symbol).quantity;
        if !quantity.is_zero() {
            self.dividends.push(DueDividend {
                action: action.id,
                symbol: action.symbol.clone(),
                rate,
                quantity,
                payable_date: action.payable_date,
            });
        }
    }

    fn pay_dividends(&mut self, date: Date, at: Timestamp) {
        let (due, later) =
            std::mem::take(&mut self.dividends).into_iter().partition(|due| due.payable_date <= date);
        self.dividends = later;
        let due: Vec<DueDividend> = due;
        for DueDividend { action, symbol, rate, quantity, .. } in due {
            let amount = to_cents(quantity * rate);
            self.cash += amount;
            self.activities.push(Activity {
                at,
                uuid: Uuid::new_v5(&self.id, action.as_bytes()),
                cash: amount,
                holding: Decimal::ZERO,
                event: ActivityEvent::Dividend { symbol, rate, quantity, date },
            });
        }
    }
}
