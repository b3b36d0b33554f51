//! Which orders a person has to approve, and how long that holds.

use paddock_core::Scope;
use paddock_core::scope::approval;
use rust_decimal::Decimal;

use crate::complaints::Complaints;
use crate::fields::Fields;
use crate::problem::Problem;

pub(super) fn read(fields: &mut Fields, scope: &mut Scope, complaints: &mut Complaints) {
    scope.approval_over = complaints.hear(over(fields));
    scope.approval_wait = complaints.hear(fields.within("approval_wait", 0..=approval::LONGEST_WAIT));
    scope.approval_expiry = complaints.hear(fields.within("approval_expiry", 10..=86_400));
    let percent = "percent above zero as text, for example \"1.5\"";
    scope.approval_price_band = complaints.hear(fields.amount("approval_price_band", percent));
}

/// Dollars beyond which a person has to approve an order; `always` is each order.
fn over(fields: &mut Fields) -> Result<Option<Decimal>, Problem> {
    let Some(text) = fields.text("approval_over")? else { return Ok(None) };
    let over = match text.trim() {
        "always" => Some(Decimal::ZERO),
        amount => fields.read_dollars(amount).filter(|amount| !amount.is_sign_negative()),
    };
    let expected = "dollars as text, for example \"1000\", or `always`";
    over.map(Some).ok_or_else(|| Problem::field("approval_over", expected))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::fields::FormFields;

    #[rstest]
    #[case("always", Some("0"))]
    #[case("1000", Some("1000"))]
    #[case("$1,000", Some("1000"))]
    #[case("$ 1,234.50", Some("1234.5"))]
    #[case("1,0", None)]
    #[case("-1", None)]
    #[case("never", None)]
    fn a_threshold_as_people_write_it(#[case] typed: &str, #[case] expected: Option<&str>) {
        let FormFields(mut fields) = FormFields::of([("approval_over".to_owned(), typed.to_owned())]);
        let expected: Option<Decimal> = expected.map(|text| text.parse().unwrap());
        assert_eq!(over(&mut fields).ok().flatten(), expected);
    }
}
