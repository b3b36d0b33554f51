//! One file for each group of operations.

pub(super) mod account;
pub(super) mod activities;
pub(super) mod announcements;
pub(super) mod assets;
pub(super) mod auctions;
pub(super) mod calendar;
pub(super) mod clock;
pub(super) mod configuration;
pub(super) mod contracts;
pub(super) mod corporate_actions;
pub(super) mod crypto;
mod data;
pub(super) mod history;
pub(super) mod logos;
pub(super) mod meta;
pub(super) mod news;
pub(super) mod not_enabled;
pub(super) mod orders;
pub(super) mod positions;
pub(super) mod screener;
pub(super) mod stocks;
pub(super) mod watchlists;
