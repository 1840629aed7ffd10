//! R-BLK: bulk actions.

use uitpas_domain::bulk::{ListRefused, demand_list};
use uitpas_domain::ids::PassholderId;

use crate::given::uuid;

/// R-BLK-01: the bounds on both sides.
#[test]
fn one_to_two_hundred_distinct_passholders_at_once() {
    let people = |count: u128| (0..count).map(|n| PassholderId(uuid(n))).collect::<Vec<_>>();
    for (count, expected) in
        [(0, Err(ListRefused::Empty)), (1, Ok(())), (200, Ok(())), (201, Err(ListRefused::TooMany))]
    {
        assert_eq!(demand_list(&people(count)), expected, "{count}");
    }
    for (first, second) in [(0, 1), (3, 99), (0, 199)] {
        let mut all = people(200);
        all[second] = all[first];
        assert_eq!(demand_list(&all), Err(ListRefused::Duplicate(second + 1)));
    }
}
