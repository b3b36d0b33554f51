//! Splits and dividends.

use jiff::civil::Date;
use paddock_alpaca::wire::corporate::{Announcement, CashDividend, ForwardSplit};
use rust_decimal::Decimal;

use crate::market::{ActionKind, CorporateAction};

/// An action as the trading host announces it. When it was declared is not known.
pub(in crate::http) fn announcement(action: &CorporateAction) -> Announcement {
    let (ca_type, ca_sub_type, cash, new_rate, old_rate) = match action.kind {
        ActionKind::Dividend { rate, .. } => ("dividend", "cash", rate, Decimal::ONE, Decimal::ONE),
        ActionKind::Split { new, old } => ("split", "stock_split", Decimal::ZERO, new, old),
    };
    Announcement {
        id: action.id,
        corporate_action_id: format!("{}_{}", action.cusip, action.ex_date.strftime("%Y%m%d")),
        ca_type: ca_type.to_owned(),
        ca_sub_type: ca_sub_type.to_owned(),
        initiating_symbol: action.symbol.to_string(),
        initiating_original_cusip: action.cusip.to_owned(),
        target_symbol: action.symbol.to_string(),
        target_original_cusip: action.cusip.to_owned(),
        declaration_date: None,
        ex_date: action.ex_date,
        record_date: action.record_date,
        payable_date: action.payable_date,
        cash,
        old_rate,
        new_rate,
    }
}

/// When accounts get it: a dividend when it is paid, a split on its ex-date.
pub(in crate::http) fn process_date(action: &CorporateAction) -> Date {
    match action.kind {
        ActionKind::Dividend { .. } => action.payable_date,
        ActionKind::Split { .. } => action.ex_date,
    }
}

/// A dividend as the data host shows it.
pub(in crate::http) fn cash_dividend(action: &CorporateAction, rate: Decimal, special: bool) -> CashDividend {
    CashDividend {
        id: action.id,
        symbol: action.symbol.to_string(),
        cusip: action.cusip.to_owned(),
        rate,
        special,
        foreign: false,
        process_date: process_date(action),
        ex_date: action.ex_date,
        record_date: action.record_date,
        payable_date: action.payable_date,
    }
}

/// A split as the data host shows it.
pub(in crate::http) fn forward_split(
    action: &CorporateAction,
    new_rate: Decimal,
    old_rate: Decimal,
) -> ForwardSplit {
    ForwardSplit {
        id: action.id,
        symbol: action.symbol.to_string(),
        cusip: action.cusip.to_owned(),
        new_rate,
        old_rate,
        process_date: process_date(action),
        ex_date: action.ex_date,
        record_date: action.record_date,
        payable_date: action.payable_date,
    }
}
