//! The one table of what the recorded companies did while they were recorded: splits and cash dividends.
//!
//! Ex-dates, split ratios and amounts are what the recordings themselves show: a test finds every one of them again in the
//! publisher's adjusted close, to the cent, and nothing else. That a part of Microsoft's 3.08 dollars of 2004-11-15 was special,
//! the days of payment, the record dates of the splits and the CUSIPs are public facts written down from memory. The record
//! date of a dividend was two sessions after its ex-date, as trades settled in three days then.

use jiff::civil::{Date, date};

/// One split or dividend, on the dates on which it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fact {
    pub company: Company,
    pub ex_date: Date,
    /// Absent where it follows from the ex-date.
    pub record_date: Option<Date>,
    pub payable_date: Date,
    pub what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Company {
    pub symbol: &'static str,
    pub cusip: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// So many new shares for each old one.
    Split(u32),
    /// Cents a share.
    Dividend { cents: i64, special: bool },
}

const AAPL: Company = Company { symbol: "AAPL", cusip: "037833100" };
const IBM: Company = Company { symbol: "IBM", cusip: "459200101" };
const MSFT: Company = Company { symbol: "MSFT", cusip: "594918104" };

const fn split(company: Company, ex_date: Date, record: Date, payable_date: Date, new: u32) -> Fact {
    Fact { company, ex_date, record_date: Some(record), payable_date, what: What::Split(new) }
}

const fn dividend(company: Company, ex_date: Date, payable_date: Date, cents: i64) -> Fact {
    let what = What::Dividend { cents, special: false };
    Fact { company, ex_date, record_date: None, payable_date, what }
}

const fn special(fact: Fact) -> Fact {
    match fact.what {
        What::Dividend { cents, .. } => Fact { what: What::Dividend { cents, special: true }, ..fact },
        What::Split(_) => fact,
    }
}

/// By company, oldest first. Facebook and Google paid nothing and split nothing while they were recorded.
#[rustfmt::skip]
pub(super) static FACTS: [Fact; 96] = [
    split(AAPL, date(2000, 6, 21), date(2000, 5, 19), date(2000, 6, 20), 2),
    split(AAPL, date(2005, 2, 28), date(2005, 2, 18), date(2005, 2, 25), 2),
    dividend(AAPL, date(2012, 8, 9), date(2012, 8, 16), 265),
    dividend(AAPL, date(2012, 11, 7), date(2012, 11, 15), 265),
    dividend(AAPL, date(2013, 2, 7), date(2013, 2, 14), 265),
    dividend(IBM, date(2000, 5, 8), date(2000, 6, 10), 13),
    dividend(IBM, date(2000, 8, 8), date(2000, 9, 10), 13),
    dividend(IBM, date(2000, 11, 8), date(2000, 12, 10), 13),
    dividend(IBM, date(2001, 2, 7), date(2001, 3, 10), 13),
    dividend(IBM, date(2001, 5, 8), date(2001, 6, 10), 14),
    dividend(IBM, date(2001, 8, 8), date(2001, 9, 10), 14),
    dividend(IBM, date(2001, 11, 7), date(2001, 12, 10), 14),
    dividend(IBM, date(2002, 2, 6), date(2002, 3, 10), 14),
    dividend(IBM, date(2002, 5, 8), date(2002, 6, 10), 15),
    dividend(IBM, date(2002, 8, 7), date(2002, 9, 10), 15),
    dividend(IBM, date(2002, 11, 6), date(2002, 12, 10), 15),
    dividend(IBM, date(2003, 2, 6), date(2003, 3, 10), 15),
    dividend(IBM, date(2003, 5, 7), date(2003, 6, 10), 16),
    dividend(IBM, date(2003, 8, 6), date(2003, 9, 10), 16),
    dividend(IBM, date(2003, 11, 6), date(2003, 12, 10), 16),
    dividend(IBM, date(2004, 2, 6), date(2004, 3, 10), 16),
    dividend(IBM, date(2004, 5, 6), date(2004, 6, 10), 18),
    dividend(IBM, date(2004, 8, 6), date(2004, 9, 10), 18),
    dividend(IBM, date(2004, 11, 8), date(2004, 12, 10), 18),
    dividend(IBM, date(2005, 2, 8), date(2005, 3, 10), 18),
    dividend(IBM, date(2005, 5, 6), date(2005, 6, 10), 20),
    dividend(IBM, date(2005, 8, 8), date(2005, 9, 10), 20),
    dividend(IBM, date(2005, 11, 8), date(2005, 12, 10), 20),
    dividend(IBM, date(2006, 2, 8), date(2006, 3, 10), 20),
    dividend(IBM, date(2006, 5, 8), date(2006, 6, 10), 30),
    dividend(IBM, date(2006, 8, 8), date(2006, 9, 10), 30),
    dividend(IBM, date(2006, 11, 8), date(2006, 12, 10), 30),
    dividend(IBM, date(2007, 2, 7), date(2007, 3, 10), 30),
    dividend(IBM, date(2007, 5, 8), date(2007, 6, 10), 40),
    dividend(IBM, date(2007, 8, 8), date(2007, 9, 10), 40),
    dividend(IBM, date(2007, 11, 7), date(2007, 12, 10), 40),
    dividend(IBM, date(2008, 2, 6), date(2008, 3, 10), 40),
    dividend(IBM, date(2008, 5, 7), date(2008, 6, 10), 50),
    dividend(IBM, date(2008, 8, 6), date(2008, 9, 10), 50),
    dividend(IBM, date(2008, 11, 6), date(2008, 12, 10), 50),
    dividend(IBM, date(2009, 2, 6), date(2009, 3, 10), 50),
    dividend(IBM, date(2009, 5, 6), date(2009, 6, 10), 55),
    dividend(IBM, date(2009, 8, 6), date(2009, 9, 10), 55),
    dividend(IBM, date(2009, 11, 6), date(2009, 12, 10), 55),
    dividend(IBM, date(2010, 2, 8), date(2010, 3, 10), 55),
    dividend(IBM, date(2010, 5, 6), date(2010, 6, 10), 65),
    dividend(IBM, date(2010, 8, 6), date(2010, 9, 10), 65),
    dividend(IBM, date(2010, 11, 8), date(2010, 12, 10), 65),
    dividend(IBM, date(2011, 2, 8), date(2011, 3, 10), 65),
    dividend(IBM, date(2011, 5, 6), date(2011, 6, 10), 75),
    dividend(IBM, date(2011, 8, 8), date(2011, 9, 10), 75),
    dividend(IBM, date(2011, 11, 8), date(2011, 12, 10), 75),
    dividend(IBM, date(2012, 2, 8), date(2012, 3, 10), 75),
    dividend(IBM, date(2012, 5, 8), date(2012, 6, 10), 85),
    dividend(IBM, date(2012, 8, 8), date(2012, 9, 10), 85),
    dividend(IBM, date(2012, 11, 7), date(2012, 12, 10), 85),
    dividend(IBM, date(2013, 2, 6), date(2013, 3, 10), 85),
    split(MSFT, date(2003, 2, 18), date(2003, 1, 27), date(2003, 2, 14), 2),
    dividend(MSFT, date(2003, 2, 19), date(2003, 3, 7), 8),
    dividend(MSFT, date(2003, 10, 15), date(2003, 11, 7), 16),
    dividend(MSFT, date(2004, 8, 23), date(2004, 9, 14), 8),
    dividend(MSFT, date(2004, 11, 15), date(2004, 12, 2), 8),
    special(dividend(MSFT, date(2004, 11, 15), date(2004, 12, 2), 300)),
    dividend(MSFT, date(2005, 2, 15), date(2005, 3, 10), 8),
    dividend(MSFT, date(2005, 5, 16), date(2005, 6, 9), 8),
    dividend(MSFT, date(2005, 8, 15), date(2005, 9, 8), 8),
    dividend(MSFT, date(2005, 11, 15), date(2005, 12, 8), 8),
    dividend(MSFT, date(2006, 2, 15), date(2006, 3, 9), 9),
    dividend(MSFT, date(2006, 5, 15), date(2006, 6, 8), 9),
    dividend(MSFT, date(2006, 8, 15), date(2006, 9, 14), 9),
    dividend(MSFT, date(2006, 11, 14), date(2006, 12, 14), 10),
    dividend(MSFT, date(2007, 2, 13), date(2007, 3, 8), 10),
    dividend(MSFT, date(2007, 5, 15), date(2007, 6, 14), 10),
    dividend(MSFT, date(2007, 8, 14), date(2007, 9, 13), 10),
    dividend(MSFT, date(2007, 11, 13), date(2007, 12, 13), 11),
    dividend(MSFT, date(2008, 2, 19), date(2008, 3, 13), 11),
    dividend(MSFT, date(2008, 5, 13), date(2008, 6, 12), 11),
    dividend(MSFT, date(2008, 8, 19), date(2008, 9, 11), 11),
    dividend(MSFT, date(2008, 11, 18), date(2008, 12, 11), 13),
    dividend(MSFT, date(2009, 2, 17), date(2009, 3, 12), 13),
    dividend(MSFT, date(2009, 5, 19), date(2009, 6, 18), 13),
    dividend(MSFT, date(2009, 8, 18), date(2009, 9, 10), 13),
    dividend(MSFT, date(2009, 11, 17), date(2009, 12, 10), 13),
    dividend(MSFT, date(2010, 2, 16), date(2010, 3, 11), 13),
    dividend(MSFT, date(2010, 5, 18), date(2010, 6, 10), 13),
    dividend(MSFT, date(2010, 8, 17), date(2010, 9, 9), 13),
    dividend(MSFT, date(2010, 11, 16), date(2010, 12, 9), 16),
    dividend(MSFT, date(2011, 2, 15), date(2011, 3, 10), 16),
    dividend(MSFT, date(2011, 5, 17), date(2011, 6, 9), 16),
    dividend(MSFT, date(2011, 8, 16), date(2011, 9, 8), 16),
    dividend(MSFT, date(2011, 11, 15), date(2011, 12, 8), 20),
    dividend(MSFT, date(2012, 2, 14), date(2012, 3, 8), 20),
    dividend(MSFT, date(2012, 5, 15), date(2012, 6, 14), 20),
    dividend(MSFT, date(2012, 8, 14), date(2012, 9, 13), 20),
    dividend(MSFT, date(2012, 11, 13), date(2012, 12, 13), 23),
    dividend(MSFT, date(2013, 2, 19), date(2013, 3, 14), 23),
];
