//! The paper broker over HTTP, as its clients see it.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod admin;
mod auth;
mod browser;
mod contracts;
mod corporate;
mod dashboard;
mod data;
mod durability;
mod faults_of_requests;
mod faults_of_streams;
mod halts;
mod harness;
mod news;
mod oauth;
mod operations;
mod order_kinds;
mod own_bars;
mod pages;
mod recording;
mod reference;
mod socket;
mod stream_activities;
mod stream_data;
mod stream_deflate;
mod stream_errors;
mod stream_trading;
mod time;
mod trading;
mod watchlists;
