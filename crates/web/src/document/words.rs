//! Schemas for the types of other crates that stand in answers and bodies. `value_type` names them.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// Gives a name to the schema of a text.
macro_rules! text {
    ($($(#[doc = $doc:literal])+ $name:ident $(: $format:expr)? $(=> $pattern:literal)?;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = string([$($doc),+]);
                $(let text = ObjectBuilder::from(text).format(Some($format)).build();)?
                $(let text = ObjectBuilder::from(text).pattern(Some($pattern)).build();)?
                text.into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name).trim_end_matches("Word"))
            }
        }
    )+};
}

/// Gives a name to the schema of one of several words, which are those of the type.
macro_rules! word {
    ($($(#[doc = $doc:literal])+ $name:ident => $type:ty;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = <$type>::ALL.iter().map(|word| word.as_str());
                ObjectBuilder::from(string([$($doc),+])).enum_values(Some(words)).build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name).trim_end_matches("Word"))
            }
        }
    )+};
}

fn string<const LINES: usize>(doc: [&str; LINES]) -> Object {
    let description = doc.map(str::trim).join(" ");
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).build()
}

fn custom(format: &str) -> SchemaFormat {
    SchemaFormat::Custom(format.to_owned())
}

text! {
    /// An identifier; a UUID, later ones are greater.
    Id: custom("uuid");
    /// An exact decimal number as text. Money is in US dollars.
    Exact: custom("decimal") => r"^-?[0-9]+(\.[0-9]+)?$";
    /// SHA-256, as 64 hexadecimal digits.
    Hash => "^[0-9a-f]{64}$";
    /// An Ed25519 public key, as 64 hexadecimal digits.
    PublicKeyHex => "^[0-9a-f]{64}$";
    /// An Ed25519 signature, as 128 hexadecimal digits.
    SignatureHex => "^[0-9a-f]{128}$";
    /// A symbol: of a stock (`AAPL`), an option contract (`AAPL261218C00200000`) or a pair (`BTC/USD`).
    SymbolText;
}

word! {
    /// Where a held request is.
    ApprovalStateWord => paddock_store::ApprovalState;
    /// What a person may do.
    RoleWord => paddock_core::Role;
    /// Alpaca's asset classes.
    AssetClassWord => paddock_core::AssetClass;
    /// What an order is made of.
    OrderClassWord => paddock_core::order::OrderClass;
    /// An order's type.
    OrderTypeWord => paddock_core::order::OrderType;
    /// What may pass a freeze.
    PassageWord => paddock_core::decide::Passage;
    /// A class of operations.
    PermissionClassWord => paddock_core::PermissionClass;
    /// What orders may do to positions.
    PositionRuleWord => paddock_core::scope::PositionRule;
    /// How far a wind-down has come.
    PhaseWord => paddock_store::Phase;
    /// An order's side.
    SideWord => paddock_core::order::Side;
    /// Whether requests must be signed.
    SignedWord => paddock_core::scope::Signed;
    /// What became of one step.
    StepStateWord => paddock_store::StepState;
    /// Who decides about new trades.
    TradingModeWord => paddock_core::TradingMode;
    /// What a credential is: a Key ID and a Secret Key, or a token that Alpaca gave for a person's yes.
    CredentialKindWord => paddock_core::CredentialKind;
    /// What was decided about a request.
    ActivityDecisionWord => paddock_store::ActivityDecision;
    /// What kind of thing sent a request: a program with an access key, a person, whoever is at the command line of this machine, or Paddock.
    SenderWord => paddock_store::Sender;
    /// How far back a curve goes.
    EquityPeriodWord => paddock_gateway::EquityPeriod;
    /// How long an order stays.
    TimeInForceWord => paddock_core::order::TimeInForce;
    /// Why a pair is replaced.
    CauseWord => paddock_core::rotation::Cause;
    /// What is done about orders that are open when trading is paused.
    OpenOrdersWord => paddock_core::rotation::OpenOrders;
    /// When new orders pass again.
    ResumeWhenWord => paddock_core::rotation::ResumeWhen;
    /// Where a rotation is.
    RotationStateWord => paddock_core::rotation::RotationState;
    /// What a freeze does about what is open.
    WindDownKind => paddock_core::audit::WindDown;
}

/// Alpaca's two worlds: `paper` is simulated money, `live` is real money.
#[derive(Debug)]
pub(crate) struct EnvironmentWord;

impl PartialSchema for EnvironmentWord {
    fn schema() -> RefOr<Schema> {
        let words = ["paper", "live"];
        let doc = "Alpaca's two worlds: `paper` is simulated money, `live` is real money.";
        ObjectBuilder::from(string([doc])).enum_values(Some(words)).build().into()
    }
}

impl ToSchema for EnvironmentWord {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Environment")
    }
}
