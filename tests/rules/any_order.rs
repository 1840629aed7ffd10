//! Nothing makes the rules stumble: events in an order in which they never came, and whatever is
//! asked after them. What was recorded has happened; a reader that stops at it helps nobody.

use proptest::prelude::*;
use uitpas_domain::account::Account;
use uitpas_domain::activity::Activity;
use uitpas_domain::association::Association;
use uitpas_domain::card::Card;
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::client::Client;
use uitpas_domain::counter::Counter;
use uitpas_domain::coupon::Coupon;
use uitpas_domain::group_pass::GroupPass;
use uitpas_domain::kiosk::Kiosk;
use uitpas_domain::order::Order;
use uitpas_domain::passholder::Passholder;
use uitpas_domain::recorded::AnyEvent;
use uitpas_domain::reward::Reward;
use uitpas_tests::model::stories;

use crate::golden;

proptest! {
    /// R-AUD-01
    #[test]
    fn every_event_is_taken_in_after_any_others(
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..120),
    ) {
        let events = golden::events();
        let mut states = States::default();
        for index in order {
            states.evolve(index.get(&events).clone());
        }
    }
}

/// R-AUD-01
#[test]
fn after_events_out_of_order_whatever_is_asked_is_answered() {
    for number in 0..8 {
        stories::out_of_order(number);
    }
}

/// One stream of each kind.
#[derive(Default)]
struct States {
    passholder: Passholder,
    counter: Counter,
    card: Card,
    card_system: CardSystem,
    activity: Activity,
    reward: Reward,
    kiosk: Kiosk,
    coupon: Coupon,
    group_pass: GroupPass,
    account: Account,
    client: Client,
    order: Order,
    association: Association,
}

impl States {
    fn evolve(&mut self, event: AnyEvent) {
        match event {
            AnyEvent::Passholder(_, event) => self.passholder.evolve(event),
            AnyEvent::Counter(_, event) => self.counter.evolve(event),
            AnyEvent::Card(_, event) => self.card.evolve(event),
            AnyEvent::CardSystem(_, event) => self.card_system.evolve(event),
            AnyEvent::Activity(_, event) => self.activity.evolve(event),
            AnyEvent::Reward(_, event) => self.reward.evolve(event),
            AnyEvent::Kiosk(_, event) => self.kiosk.evolve(event),
            AnyEvent::Coupon(_, event) => self.coupon.evolve(event),
            AnyEvent::GroupPass(_, event) => self.group_pass.evolve(event),
            AnyEvent::Account(_, event) => self.account.evolve(event),
            AnyEvent::Client(_, event) => self.client.evolve(event),
            AnyEvent::Order(_, event) => self.order.evolve(event),
            AnyEvent::Association(_, event) => self.association.evolve(event),
        }
    }
}
