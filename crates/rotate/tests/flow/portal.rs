//! A proxy or a captive portal that answers in Alpaca's place. It may say 401 and 403 as often as it likes: only Alpaca knows whether a pair
//! is dead.

use std::sync::Arc;

use paddock_alpaca::ConnectFault;
use paddock_core::Environment;
use paddock_core::rotation::{Effect, OldPair, RotationState, TradingHold};
use paddock_rotate::{Deaths, Doing, Point, Rest, Suspicion};
use paddock_store::Target;
use rstest::rstest;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::database::on_sqlite;
use crate::place::Sight;
use crate::world::{World, halves, owner};

const PAGE: &str = "<html><head><title>Sign in to the network</title></head></html>";

async fn portal(status: u16) -> MockServer {
    let portal = MockServer::start().await;
    let page = ResponseTemplate::new(status).set_body_raw(PAGE, "text/html");
    Mock::given(any()).respond_with(page).mount(&portal).await;
    portal
}

#[rstest]
fn a_page_of_a_proxy_opens_no_rotation(#[values(401, 403, 200)] status: u16) {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Paper, &[Sight::Values]).await;
        let portal = portal(status).await;
        *world.portal.lock().unwrap() = Some(portal.uri());
        let rotations = world.process(&Deaths::default());
        let seen = rotations.suspect(site.connection.id).await.unwrap();
        assert!(matches!(seen, Suspicion::Faulty(ConnectFault::UnexpectedAnswer { .. })), "{seen:?}");
        assert!(world.store.open_rotations().await.unwrap().is_empty());

        // One that is planned looks again until Alpaca itself answers.
        let id = world.planned(&site).await;
        let deaths = Deaths::default();
        let rotations = world.process(&deaths);
        rotations.start(id, &owner(), world.now()).await.unwrap();
        assert!(matches!(rotations.run(id).await.unwrap(), Rest::Until(_)));
        let looking = world.store.rotation(id).await.unwrap().unwrap().rotation;
        assert_eq!((looking.state, looking.trading), (RotationState::Preflight, TradingHold::Running));
        *world.portal.lock().unwrap() = None;
        assert_eq!(world.run(id, &deaths).await, Rest::Person);
        let waits = world.store.rotation(id).await.unwrap().unwrap().rotation;
        assert_eq!(waits.state, RotationState::AwaitingMint);
    });
}

/// The old pair is alive, and a proxy refuses everything: that is no proof that it is dead.
#[rstest]
fn a_page_of_a_proxy_proves_no_old_pair_dead(#[values(401, 403)] status: u16) {
    on_sqlite(async |target: Target| {
        let world = Arc::new(World::on(target).await);
        let site = world.site(Environment::Paper, &[Sight::Values]).await;
        let id = world.planned(&site).await;
        let rotations = world.process(&Deaths::default());
        rotations.start(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &Deaths::default()).await, Rest::Person);
        let minted = world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
        let (key_id, secret_key) = halves(&minted);
        rotations.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        // The process dies just before it asks about the old pair, and the next one sits behind the proxy.
        let (portal, between) = (portal(status).await, Arc::clone(&world));
        let address = portal.uri();
        let deaths = Deaths::at(move |moment| {
            let asks =
                moment.doing == Doing::Effect(Effect::ProveOldPairDead) && moment.point == Point::Before;
            if asks {
                *between.portal.lock().unwrap() = Some(address.clone());
            }
            asks
        });
        let dying = world.process(&deaths);
        while let Ok(Rest::Until(at)) = dying.run(id).await {
            world.clock.set(at);
        }
        let rotations = world.process(&Deaths::default());
        assert!(matches!(rotations.run(id).await.unwrap(), Rest::Until(_)));
        let unheard = world.store.rotation(id).await.unwrap().unwrap().rotation;
        assert_eq!(unheard.trouble.as_ref().map(|trouble| trouble.code.as_str()), Some("unexpected_answer"));
        assert!(!matches!(unheard.old_pair, OldPair::Dead { .. }), "{:?}", unheard.old_pair);
        *world.portal.lock().unwrap() = None;
        assert_eq!(world.run(id, &Deaths::default()).await, Rest::Over);
    });
}
