//! What can be traded: an equity, a crypto pair or an option contract, in one canonical spelling.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The asset classes that Paddock tells apart, spelled as Alpaca spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetClass {
    /// A US stock or fund.
    UsEquity,
    /// A US equity option contract.
    UsOption,
    /// A crypto pair.
    Crypto,
}

impl AssetClass {
    /// All classes.
    pub const ALL: &'static [Self] = &[Self::UsEquity, Self::UsOption, Self::Crypto];

    /// Alpaca's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UsEquity => "us_equity",
            Self::UsOption => "us_option",
            Self::Crypto => "crypto",
        }
    }
}

impl fmt::Display for AssetClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AssetClass {
    type Err = UnknownAssetClass;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|class| class.as_str() == text).ok_or(UnknownAssetClass)
    }
}

/// The text names no asset class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the asset class is `us_equity`, `us_option` or `crypto`")]
pub struct UnknownAssetClass;

/// A tradable thing in its canonical spelling: `AAPL`, `BRK.B`, `BTC/USD` or `AAPL261218C00150000` (OCC: root of 1 to 6
/// letters, expiry as `YYMMDD`, `C` or `P`, strike in thousandths of a dollar with 8 digits).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Symbol {
    /// Shared, since every order and position names its symbol.
    text: Arc<str>,
    class: AssetClass,
}

/// The text is no symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a symbol: expected upper case like `AAPL`, `BRK.B`, `BTC/USD` or `AAPL261218C00150000`")]
pub struct NotASymbol;

/// The quote currencies of Alpaca's crypto pairs, longest first, so that `BTCUSDT` is read as `BTC/USDT`.
const CRYPTO_QUOTES: [&str; 4] = ["USDT", "USDC", "USD", "BTC"];

impl Symbol {
    /// Reads a symbol strictly: upper case only, nothing to trim. Positions show crypto pairs without the slash
    /// (`BTCUSD`); that spelling becomes `BTC/USD`, so that both name the same thing in a scope.
    ///
    /// # Errors
    /// [`NotASymbol`] when the text has none of the three forms.
    pub fn parse(text: &str) -> Result<Self, NotASymbol> {
        if let Some((base, quote)) = text.split_once('/') {
            let part = |part: &str| (2..=10).contains(&part.len()) && upper_alphanumeric(part);
            return if part(base) && CRYPTO_QUOTES.contains(&quote) {
                Ok(Self { text: text.into(), class: AssetClass::Crypto })
            } else {
                Err(NotASymbol)
            };
        }
        if is_occ(text) {
            return Ok(Self { text: text.into(), class: AssetClass::UsOption });
        }
        if is_equity(text) {
            return Ok(Self { text: text.into(), class: AssetClass::UsEquity });
        }
        let slashless =
            CRYPTO_QUOTES.iter().find_map(|quote| text.strip_suffix(quote).map(|base| (base, *quote)));
        match slashless {
            Some((base, quote)) if (2..=10).contains(&base.len()) && upper_alphanumeric(base) => {
                Ok(Self { text: format!("{base}/{quote}").into(), class: AssetClass::Crypto })
            }
            _ => Err(NotASymbol),
        }
    }

    /// The canonical spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What kind of thing it is.
    #[must_use]
    pub const fn class(&self) -> AssetClass {
        self.class
    }

    /// The spelling without the slash, as Alpaca shows crypto positions.
    #[must_use]
    pub fn without_slash(&self) -> String {
        self.text.replace('/', "")
    }

    /// What an option contract is on, as far as its symbol says: the root of the contract. For nearly all contracts that is the
    /// underlying's symbol. Where it is not (`BRKB` for `BRK.B`), no stock has it.
    #[must_use]
    pub fn root(&self) -> Option<Self> {
        match self.class {
            AssetClass::UsOption => {
                let root = self.text.len().checked_sub(15).and_then(|end| self.text.get(..end))?;
                Self::parse(root).ok().filter(|root| root.class == AssetClass::UsEquity)
            }
            AssetClass::UsEquity | AssetClass::Crypto => None,
        }
    }

    /// How many units of the underlying one unit of quantity stands for: 100 for an option contract, otherwise 1.
    #[must_use]
    pub fn multiplier(&self) -> rust_decimal::Decimal {
        match self.class {
            AssetClass::UsOption => rust_decimal::Decimal::ONE_HUNDRED,
            AssetClass::UsEquity | AssetClass::Crypto => rust_decimal::Decimal::ONE,
        }
    }
}

fn upper_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn upper(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// One to five letters, optionally a point and one to three letters for the share class.
fn is_equity(text: &str) -> bool {
    let (root, class) = text.split_once('.').unwrap_or((text, "A"));
    (1..=5).contains(&root.len()) && upper(root) && (1..=3).contains(&class.len()) && upper(class)
}

fn is_occ(text: &str) -> bool {
    let Some(split) = text.len().checked_sub(15) else { return false };
    if !text.is_ascii() || !(1..=6).contains(&split) {
        return false;
    }
    let (root, rest) = text.split_at(split);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    upper(root) && digits(&rest[..6]) && matches!(&rest[6..7], "C" | "P") && digits(&rest[7..])
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({})", self.text)
    }
}

impl FromStr for Symbol {
    type Err = NotASymbol;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Symbol {
    type Error = NotASymbol;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Symbol> for String {
    fn from(symbol: Symbol) -> Self {
        symbol.text.as_ref().into()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("AAPL", "AAPL", AssetClass::UsEquity)]
    #[case("BRK.B", "BRK.B", AssetClass::UsEquity)]
    #[case("F", "F", AssetClass::UsEquity)]
    #[case("BTC/USD", "BTC/USD", AssetClass::Crypto)]
    #[case("BTCUSD", "BTC/USD", AssetClass::Crypto)]
    #[case("BTCUSDT", "BTC/USDT", AssetClass::Crypto)]
    #[case("ETH/BTC", "ETH/BTC", AssetClass::Crypto)]
    #[case("AAPL261218C00150000", "AAPL261218C00150000", AssetClass::UsOption)]
    fn canonical_spelling(#[case] text: &str, #[case] canonical: &str, #[case] class: AssetClass) {
        let symbol = Symbol::parse(text).unwrap();
        assert_eq!((symbol.as_str(), symbol.class()), (canonical, class));
    }

    #[rstest]
    #[case("AAPL261218C00150000", Some("AAPL"))]
    #[case("F261218P00010000", Some("F"))]
    #[case("GOOGLE261218P00010000", None)]
    #[case("BTCUSD261218P00010000", None)]
    #[case("AAPL", None)]
    #[case("BTC/USD", None)]
    fn what_a_contract_is_on(#[case] text: &str, #[case] root: Option<&str>) {
        assert_eq!(Symbol::parse(text).unwrap().root().as_ref().map(Symbol::as_str), root);
    }

    #[rstest]
    #[case("")]
    #[case("aapl")]
    #[case(" AAPL")]
    #[case("AAPL ")]
    #[case("AAPL/")]
    #[case("/USD")]
    #[case("BTC/USD/EUR")]
    #[case("BTC/EUR")]
    #[case("AAPL;MSFT")]
    #[case("AAPL,MSFT")]
    #[case("ААРL")]
    #[case("../orders")]
    #[case("AAPL261218X00150000")]
    fn everything_else_is_refused(#[case] text: &str) {
        assert_eq!(Symbol::parse(text), Err(NotASymbol));
    }
}
