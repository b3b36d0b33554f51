//! Amounts as people read them in an account.

use paddock_core::money::format_usd;
use rust_decimal::Decimal;

use crate::pages::text;

/// An amount with its sign and the class that gives its colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) text: String,
    /// `gain`, `loss` or nothing.
    pub(super) class: &'static str,
}

/// `$1,234.56`, `-$5.00`; cents always. A dash for what is not told.
pub(in crate::pages) fn money(amount: Option<Decimal>) -> String {
    match amount {
        None => "–".to_owned(),
        Some(amount) => {
            let rounded = amount.round_dp(2);
            let sign = if rounded.is_sign_negative() && !rounded.is_zero() { "-" } else { "" };
            format!("{sign}${}", format_usd(rounded.abs()))
        }
    }
}

/// A price; a dash for what is not told.
pub(super) fn price(amount: Option<Decimal>) -> String {
    amount.map_or_else(|| "–".to_owned(), text::price)
}

/// A gain or a loss, with a sign either way, so that the colour says nothing alone.
pub(super) fn change(amount: Option<Decimal>) -> Amount {
    match amount.map(|amount| amount.round_dp(2)) {
        None => Amount { text: "–".to_owned(), class: "" },
        Some(amount) if amount.is_zero() => Amount { text: "$0.00".to_owned(), class: "" },
        Some(amount) if amount.is_sign_negative() => Amount { text: money(Some(amount)), class: "loss" },
        Some(amount) => Amount { text: format!("+{}", money(Some(amount))), class: "gain" },
    }
}

/// `+1.25 %`.
pub(super) fn percent(share: Option<Decimal>) -> Option<String> {
    let share = share?.round_dp(2);
    let sign = if share.is_sign_negative() || share.is_zero() { "" } else { "+" };
    Some(format!("{sign}{share:.2} %"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1234.5", "$1,234.50", "+$1,234.50", "gain")]
    #[case("-5", "-$5.00", "-$5.00", "loss")]
    #[case("-0.001", "$0.00", "$0.00", "")]
    #[case("0", "$0.00", "$0.00", "")]
    fn amounts_have_cents_and_a_sign(
        #[case] amount: &str,
        #[case] plain: &str,
        #[case] signed: &str,
        #[case] class: &str,
    ) {
        let amount: Option<Decimal> = Some(amount.parse().unwrap());
        assert_eq!(money(amount), plain);
        assert_eq!(change(amount), Amount { text: signed.to_owned(), class: change(amount).class });
        assert_eq!(change(amount).class, class);
    }

    #[test]
    fn what_is_not_told_is_a_dash() {
        assert_eq!((money(None).as_str(), change(None).text.as_str(), percent(None)), ("–", "–", None));
        assert_eq!((price(None), price(Some(Decimal::ONE))), ("–".to_owned(), "$1.00".to_owned()));
    }
}
