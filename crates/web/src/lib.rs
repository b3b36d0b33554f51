//! Paddock's web side: the JSON API for people and automation, and the first page.
//!
//! HTML and JSON only. This crate can seal a secret and never open one; what needs an opened credential is asked of the
//! gateway's control handle. One endpoint lives in one file, with its errors and its tests.

mod access;
mod api;
mod clients;
mod complaints;
mod desk;
mod document;
mod events;
mod faults;
mod fields;
mod fresh;
mod idempotency;
mod lifetime;
mod name;
mod oauth;
mod pages;
mod paging;
mod people;
mod problem;
mod qr;
mod query;
mod recovery;
mod rehearsal;
mod rotation_gate;
mod same_origin;
mod sealing;
mod second_factor;
mod state;

pub use access::access_routes;
pub use api::accounts::{AccountFigures, OrderView, PlacedBy, PositionView};
pub use api::approvals::ApprovalView;
pub use api::audit::prune::{Pruned, prune_before};
pub use api::ca::AuthorityView;
pub use api::connections::{ConnectionView, RepairView};
pub use api::consumers::ConsumerView;
pub use api::consumers::check::{ConsumerCheckView, ConsumerProblem};
pub use api::keys::outlook::{Outlook, Stake, Warning};
pub use api::keys::usage::{DayView, KeyUseView, UnusualView};
pub use api::keys::{KeyView, UsageView};
pub use api::pace::{Pace, USUAL_PER_MINUTE};
pub use api::people::sessions::SessionView;
pub use api::people::{InvitationView, PersonView};
pub use api::rotations::broker::{PaperAccount, RehearsalHost};
pub use api::rotations::matrix::{Matrix, MatrixRow};
pub use api::rotations::{
    AccountBefore, AskView, DueView, PastedPair, PlanView, RotationConsumerView, RotationView, StepView,
    WindowView,
};
pub use api::router as api_router;
pub use api::tokens::TokenView;
pub use api::trading::TradingView;
pub use clients::{Client, ClientSettings, NeedsProxy, ProxySettings, SECRET_PLACE, Snippet, snippets};
pub use document::openapi_from_code;
pub use lifetime::parse as parse_lifetime;
pub use oauth::OAUTH_CALLBACK;
pub use pages::chain::ChainWatch;
pub use pages::hosts::AllowedHosts;
pub use pages::{monitoring_router, router as pages_router};
pub use paging::Page;
pub use people::invite::{demo_link, set_up_link};
pub use people::{People, PeopleOptions, WebOrigin};
pub use problem::Problem;
pub use rotation_gate::ControlGate;
pub use state::WebState;
