//! What the codes of conditions and exchanges mean: `/v2/stocks/meta` and `/v1beta1/options/meta`.
//!
//! The codes are those of the consolidated tapes (CTA for tapes A and B, UTP for tape C) and of OPRA.

use std::collections::BTreeMap;

use axum::response::Response;
use paddock_alpaca::AlpacaError;

use super::data;
use crate::http::{Call, respond};

type Table = &'static [(&'static str, &'static str)];

/// Conditions of stock trades or quotes on one tape.
pub(in crate::http) fn stock_conditions(call: &Call) -> Result<Response, AlpacaError> {
    let ticks = ticks(call)?;
    let tape =
        call.text("tape").ok_or_else(|| AlpacaError::data_bad_request("tape is required".to_owned()))?;
    data::check_word(call, "tape", &["A", "B", "C"])?;
    answer(match (ticks, tape) {
        (Ticks::Trade, "C") => UTP_TRADES,
        (Ticks::Trade, _) => CTA_TRADES,
        (Ticks::Quote, "C") => UTP_QUOTES,
        (Ticks::Quote, _) => CTA_QUOTES,
    })
}

/// Where stocks are traded.
pub(in crate::http) fn stock_exchanges() -> Result<Response, AlpacaError> {
    answer(STOCK_EXCHANGES)
}

/// Conditions of option trades or quotes.
pub(in crate::http) fn option_conditions(call: &Call) -> Result<Response, AlpacaError> {
    answer(match ticks(call)? {
        Ticks::Trade => OPRA_TRADES,
        Ticks::Quote => OPRA_QUOTES,
    })
}

/// Where options are traded.
pub(in crate::http) fn option_exchanges() -> Result<Response, AlpacaError> {
    answer(OPTION_EXCHANGES)
}

enum Ticks {
    Trade,
    Quote,
}

fn ticks(call: &Call) -> Result<Ticks, AlpacaError> {
    match call.param() {
        "trade" => Ok(Ticks::Trade),
        "quote" => Ok(Ticks::Quote),
        other => {
            let shown: String = other.chars().take(32).collect();
            Err(AlpacaError::data_bad_request(format!("invalid ticktype: {shown}")))
        }
    }
}

fn answer(table: Table) -> Result<Response, AlpacaError> {
    respond::ok(&table.iter().copied().collect::<BTreeMap<&str, &str>>())
}

const CTA_TRADES: Table = &[
    (" ", "Regular Sale"),
    ("4", "Derivatively Priced"),
    ("5", "Market Center Reopening Trade"),
    ("6", "Market Center Closing Trade"),
    ("7", "Qualified Contingent Trade"),
    ("8", "Reserved"),
    ("9", "Corrected Consolidated Close Price As Per Listing Market"),
    ("B", "Average Price Trade"),
    ("C", "Cash Trade (Same Day Clearing)"),
    ("E", "Automatic Execution"),
    ("F", "Intermarket Sweep Order"),
    ("H", "Price Variation Trade"),
    ("I", "Odd Lot Trade"),
    ("K", "Rule 127 or Rule 155 Trade"),
    ("L", "Sold Last (Late Reporting)"),
    ("M", "Market Center Official Close"),
    ("N", "Next Day Trade (Next Day Clearing)"),
    ("O", "Market Center Opening Trade"),
    ("P", "Prior Reference Price"),
    ("Q", "Market Center Official Open"),
    ("R", "Seller"),
    ("T", "Extended Hours Trade"),
    ("U", "Extended Hours Sold (Out Of Sequence)"),
    ("V", "Contingent Trade"),
    ("X", "Cross Trade"),
    ("Z", "Sold (Out Of Sequence)"),
];

const UTP_TRADES: Table = &[
    ("1", "Stopped Stock (Regular Trade)"),
    ("4", "Derivatively Priced"),
    ("5", "Re-Opening Prints"),
    ("6", "Closing Prints"),
    ("7", "Qualified Contingent Trade"),
    ("8", "Placeholder For 611 Exempt"),
    ("9", "Corrected Consolidated Close (Per Listing Market)"),
    ("@", "Regular Sale"),
    ("A", "Acquisition"),
    ("B", "Bunched Trade"),
    ("C", "Cash Sale"),
    ("D", "Distribution"),
    ("E", "Placeholder"),
    ("F", "Intermarket Sweep"),
    ("G", "Bunched Sold Trade"),
    ("H", "Price Variation Trade"),
    ("I", "Odd Lot Trade"),
    ("K", "Rule 155 Trade"),
    ("L", "Sold Last"),
    ("M", "Market Center Official Close"),
    ("N", "Next Day"),
    ("O", "Opening Prints"),
    ("P", "Prior Reference Price"),
    ("Q", "Market Center Official Open"),
    ("R", "Seller"),
    ("S", "Split Trade"),
    ("T", "Form T"),
    ("U", "Extended Trading Hours (Sold Out Of Sequence)"),
    ("V", "Contingent Trade"),
    ("W", "Average Price Trade"),
    ("X", "Cross Trade"),
    ("Y", "Yellow Flag Regular Trade"),
    ("Z", "Sold (Out Of Sequence)"),
];

const CTA_QUOTES: Table = &[
    ("4", "On Demand Intraday Auction"),
    ("A", "Slow Quote Offer Side"),
    ("B", "Slow Quote Bid Side"),
    ("C", "Closing Quote"),
    ("E", "Slow Quote LRP Bid Side"),
    ("F", "Slow Quote LRP Offer Side"),
    ("H", "Slow Quote Bid And Offer Side"),
    ("L", "Market Maker Quotes Closed"),
    ("N", "Non Firm Quote"),
    ("O", "Opening Quote"),
    ("R", "Regular Market Maker Open"),
    ("U", "Slow Quote LRP Bid And Offer Side"),
    ("W", "Slow Quote Set Slow List"),
];

const UTP_QUOTES: Table = &[
    ("4", "On Demand Intraday Auction"),
    ("A", "Manual Ask Automated Bid"),
    ("B", "Manual Bid Automated Ask"),
    ("F", "Fast Trading"),
    ("H", "Manual Bid And Ask"),
    ("I", "Order Imbalance"),
    ("L", "Closed Quote"),
    ("N", "Non Firm Quote"),
    ("O", "Opening Quote Automated"),
    ("R", "Regular Two Sided Open"),
    ("U", "Manual Bid And Ask Non Firm"),
    ("X", "Order Influx"),
    ("Y", "No Offer No Bid One Sided Open"),
    ("Z", "No Open No Resume"),
];

const STOCK_EXCHANGES: Table = &[
    ("A", "NYSE American (AMEX)"),
    ("B", "NASDAQ OMX BX"),
    ("C", "National Stock Exchange"),
    ("D", "FINRA ADF"),
    ("E", "Market Independent"),
    ("G", "24X National Exchange"),
    ("H", "MIAX"),
    ("I", "International Securities Exchange"),
    ("J", "Cboe EDGA"),
    ("K", "Cboe EDGX"),
    ("L", "Long Term Stock Exchange"),
    ("M", "Chicago Stock Exchange"),
    ("N", "New York Stock Exchange"),
    ("P", "NYSE Arca"),
    ("Q", "NASDAQ OMX"),
    ("S", "NASDAQ Small Cap"),
    ("T", "NASDAQ Int"),
    ("U", "Members Exchange"),
    ("V", "IEX"),
    ("W", "CBOE"),
    ("X", "NASDAQ OMX PSX"),
    ("Y", "Cboe BYX"),
    ("Z", "Cboe BZX"),
];

const OPRA_TRADES: Table = &[
    ("A", "CANC - Cancel"),
    ("B", "OSEQ - Out Of Sequence"),
    ("C", "CNCL - Cancel Last"),
    ("D", "LATE - Late"),
    ("E", "CNCO - Cancel Opening"),
    ("F", "OPEN - Late Opening"),
    ("G", "CNOL - Cancel Only"),
    ("H", "OPNL - Late Opening Last"),
    ("I", "AUTO - Automatic Execution"),
    ("J", "REOP - Reopening"),
    ("S", "ISOI - Intermarket Sweep Order"),
    ("a", "SLAN - Single Leg Auction Non ISO"),
    ("b", "SLAI - Single Leg Auction ISO"),
    ("c", "SLCN - Single Leg Cross Non ISO"),
    ("d", "SLCI - Single Leg Cross ISO"),
    ("e", "SLFT - Single Leg Floor Trade"),
    ("f", "MLET - Multi Leg Auto-Electronic Trade"),
    ("g", "MLAT - Multi Leg Auction"),
    ("h", "MLCT - Multi Leg Cross"),
    ("i", "MLFT - Multi Leg Floor Trade"),
    ("j", "MESL - Multi Leg Auto-Electronic Trade Against Single Leg"),
    ("k", "TLAT - Stock Options Auction"),
    ("l", "MASL - Multi Leg Auction Against Single Leg"),
    ("m", "MFSL - Multi Leg Floor Trade Against Single Leg"),
    ("n", "TLET - Stock Options Auto-Electronic Trade"),
    ("o", "TLCT - Stock Options Cross"),
    ("p", "TLFT - Stock Options Floor Trade"),
    ("q", "TESL - Stock Options Auto-Electronic Trade Against Single Leg"),
    ("r", "TASL - Stock Options Auction Against Single Leg"),
    ("s", "TFSL - Stock Options Floor Trade Against Single Leg"),
    ("t", "CBMO - Multi Leg Floor Trade Of Proprietary Products"),
    ("u", "MCTP - Multilateral Compression Trade Of Proprietary Products"),
    ("v", "EXHT - Extended Hours Trade"),
];

const OPRA_QUOTES: Table = &[
    (" ", "Regular Trading"),
    ("A", "Eligible For Automatic Execution"),
    ("B", "Bid Contains Customer Trading Interest"),
    ("C", "Both Bid And Offer Contain Customer Trading Interest"),
    ("F", "Non-Firm Quote"),
    ("O", "Offer Contains Customer Trading Interest"),
    ("R", "Rotation"),
    ("T", "Trading Halted"),
    ("X", "Offer Side Firm, Bid Side Not Firm"),
    ("Y", "Bid Side Firm, Offer Side Not Firm"),
];

const OPTION_EXCHANGES: Table = &[
    ("A", "NYSE American Options"),
    ("B", "BOX Options"),
    ("C", "Cboe Options"),
    ("D", "MIAX Emerald"),
    ("E", "Cboe EDGX Options"),
    ("H", "Nasdaq GEMX"),
    ("I", "Nasdaq ISE"),
    ("J", "Nasdaq MRX"),
    ("M", "MIAX Options"),
    ("N", "NYSE Arca Options"),
    ("O", "OPRA"),
    ("P", "MIAX Pearl"),
    ("Q", "Nasdaq Options"),
    ("S", "MIAX Sapphire"),
    ("T", "Nasdaq BX Options"),
    ("U", "MEMX Options"),
    ("W", "Cboe C2 Options"),
    ("X", "Nasdaq PHLX"),
    ("Z", "Cboe BZX Options"),
];
