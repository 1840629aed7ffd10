//! R-AUD: whatever the log held at a moment makes the world of that moment, and nothing in it is
//! passed over. That it was not altered, and that views are made anew from it, shows outside the rules.

use cqrs_es::Aggregate;
use uitpas_domain::passholder::Passholder;
use uitpas_domain::recorded::{AnyEvent, NotUnderstood};
use uitpas_tests::model::simple::Simple;
use uitpas_tests::model::stories;
use uitpas_tests::model::world::World;

use crate::given::*;

/// Steps from one moment that is looked back at to the next.
const STEPS: usize = 9;

/// R-AUD-01
#[test]
fn the_log_up_to_any_position_makes_the_world_as_it_was_there() {
    for number in 0..3 {
        let (mut simple, mut world) = (Simple::default(), World::default());
        let mut moments = Vec::new();
        for (index, step) in stories::numbered(number).iter().enumerate() {
            let base = (index as u128 + 1) * 10_000;
            let _ = world.carry_out(base, step, &simple);
            let _ = simple.carry_out(base, step);
            if index % STEPS == 0 {
                moments.push((world.log.len(), simple.picture()));
            }
        }
        for (units, picture) in moments {
            let so_far = world.log[..units].iter().flat_map(|unit| &unit.events);
            let then = World::told(so_far.cloned());
            assert_eq!(then.picture(), picture, "story {number}, after {units} units");
        }
    }
}

/// R-AUD-01
#[test]
fn what_is_not_understood_is_not_passed_over() {
    let id = uuid(1).to_string();
    let event = serde_json::to_string(&registered(anna())).unwrap();
    assert!(AnyEvent::read(Passholder::TYPE, &id, &event).is_ok());
    let strange = event.replacen("Registered", "Zapped", 1);
    for (kind, id, payload) in [
        ("zwemclub", id.as_str(), event.as_str()),
        (Passholder::TYPE, "iemand", &event),
        (Passholder::TYPE, &id, &strange),
        (Passholder::TYPE, &id, &event[..event.len() - 1]),
    ] {
        let read = AnyEvent::read(kind, id, payload);
        let as_expected = match read.unwrap_err() {
            NotUnderstood::AggregateType(named) => named == "zwemclub",
            NotUnderstood::AggregateId(named) => named == "iemand",
            NotUnderstood::Payload(_) => kind == Passholder::TYPE && id != "iemand",
        };
        assert!(as_expected, "{kind} {id}");
    }
}
