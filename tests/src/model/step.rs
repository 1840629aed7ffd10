//! What happens in a story. Things made earlier are named by a number that wraps around, so that a
//! story stays one when steps are left out of it.

use proptest::prelude::*;

use super::setting::{ACTIVITIES, ACTORS, CARDS, COUNTERS, COUPONS, HOMES, REWARDS};

/// Passholders in a story.
pub const PEOPLE: usize = 6;

#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Wait(Wait),
    Register(Registering),
    Move { by: usize, counter: usize, who: usize, home: usize },
    Remove { who: usize },
    CheckIn { by: usize, activity: usize, shown: Shown, channel: Channel },
    Correct { by: usize, nth: usize },
    Sell { by: usize, tickets: Vec<Ticket> },
    Cancel { by: usize, nth: usize },
    Redeem { by: usize, counter: usize, reward: usize, shown: Shown },
    GiveBack { by: usize, nth: usize },
    Block { by: usize, counter: usize, who: usize, nth_card: usize, reason: Reason },
    Replace { by: usize, counter: usize, who: usize, card: Card, status: Option<i64> },
    TakeUp(TakingUp),
    Extend { by: usize, counter: usize, who: usize, days: i64 },
    Suspend { by: usize, counter: usize, who: usize, system: u32, days: i64 },
    Lift { by: usize, counter: usize, who: usize, system: u32 },
    BlockMembership { by: usize, counter: usize, who: usize, system: u32 },
    IssueNote { by: usize, counter: usize, from_days_ago: i64, days: i64 },
    Approve { by: usize, counter: usize, nth: usize },
    Object { by: usize, counter: usize, nth: usize, every: usize },
    Settle { by: usize, counter: usize, nth: usize, upheld: bool },
    Bulk { by: usize, counter: usize, people: Vec<usize>, act: Act },
}

/// Until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    Minutes(i64),
    Hours(i64),
    Days(i64),
    /// The last second of this day.
    LastSecond,
    /// The first instant of the next day, month or quarter.
    NextDay,
    NextMonth,
    NextQuarter,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Registering {
    pub by: usize,
    pub counter: usize,
    pub who: usize,
    pub card: Card,
    pub home: usize,
    /// Years, on the day.
    pub age: u16,
    pub has_insz: bool,
    pub has_email: bool,
    pub says_no_email: bool,
    pub told: bool,
    pub consent: bool,
    /// Days from today to the end of the social status.
    pub status: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TakingUp {
    pub by: usize,
    pub counter: usize,
    pub who: usize,
    pub system: u32,
    /// One of his own, else another.
    pub own_card: Option<usize>,
    pub card: Card,
    pub status: Option<i64>,
    pub moves_to: Option<usize>,
}

/// Which card is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Card {
    /// The first of the card system that is free and for this use.
    Fresh(u32),
    Slot(usize),
}

/// Which card is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// One of those a person ever had, counted from the last.
    Of(usize, usize),
    Slot(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Counter,
    Kiosk,
    Qr,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    pub activity: usize,
    pub shown: Shown,
    pub price: Price,
    /// Absent: the social tariff.
    pub coupon: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Price {
    /// One of the activity's.
    Nth(usize),
    Cents(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Fraud,
    OwnWish,
    Loss,
    LostSocialStatus,
    GainedSocialStatus,
}

/// What is done for many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Points(usize),
    Tickets(usize),
    Extend(i64),
    Block,
    Move(usize),
}

/// Any step.
pub fn step() -> impl Strategy<Value = Step> {
    let (by, counter, who, nth) = (actor(), counter(), 0..PEOPLE, 0..40_usize);
    let (activity, home, system) =
        (0..ACTIVITIES.len(), 0..HOMES.len(), prop_oneof![3 => Just(1_u32), 1 => Just(2)]);
    prop_oneof![
        24 => wait().prop_map(Step::Wait),
        8 => registering().prop_map(Step::Register),
        4 => (by.clone(), counter.clone(), who.clone(), home.clone())
            .prop_map(|(by, counter, who, home)| Step::Move { by, counter, who, home }),
        1 => (0..PEOPLE * 3).prop_map(|who| Step::Remove { who }),
        22 => (by.clone(), activity.clone(), shown(), channel()).prop_map(
            |(by, activity, shown, channel)| Step::CheckIn { by, activity, shown, channel }
        ),
        7 => (by.clone(), nth.clone()).prop_map(|(by, nth)| Step::Correct { by, nth }),
        22 => (by.clone(), prop_oneof![
            3 => prop::collection::vec(ticket(), 1..2),
            1 => prop::collection::vec(ticket(), 2..4),
        ])
            .prop_map(|(by, tickets)| Step::Sell { by, tickets }),
        8 => (by.clone(), nth.clone()).prop_map(|(by, nth)| Step::Cancel { by, nth }),
        10 => (by.clone(), counter.clone(), 0..REWARDS.len(), shown()).prop_map(
            |(by, counter, reward, shown)| Step::Redeem { by, counter, reward, shown }
        ),
        4 => (by.clone(), nth.clone()).prop_map(|(by, nth)| Step::GiveBack { by, nth }),
        5 => (by.clone(), counter.clone(), who.clone(), 0..3_usize, reason()).prop_map(
            |(by, counter, who, nth_card, reason)| {
                Step::Block { by, counter, who, nth_card, reason }
            }
        ),
        8 => (by.clone(), counter.clone(), who.clone(), card(), status()).prop_map(
            |(by, counter, who, card, status)| Step::Replace { by, counter, who, card, status }
        ),
        8 => taking_up().prop_map(Step::TakeUp),
        5 => (by.clone(), counter.clone(), who.clone(), -20..500_i64)
            .prop_map(|(by, counter, who, days)| Step::Extend { by, counter, who, days }),
        3 => (by.clone(), counter.clone(), who.clone(), system.clone(), -2..60_i64).prop_map(
            |(by, counter, who, system, days)| Step::Suspend { by, counter, who, system, days }
        ),
        3 => (by.clone(), counter.clone(), who.clone(), system.clone())
            .prop_map(|(by, counter, who, system)| Step::Lift { by, counter, who, system }),
        1 => (by.clone(), counter.clone(), who.clone(), system).prop_map(
            |(by, counter, who, system)| Step::BlockMembership { by, counter, who, system }
        ),
        8 => (by.clone(), counter.clone(), 0..60_i64, 0..40_i64).prop_map(
            |(by, counter, from_days_ago, days)| Step::IssueNote { by, counter, from_days_ago, days }
        ),
        3 => (by.clone(), counter.clone(), 0..6_usize)
            .prop_map(|(by, counter, nth)| Step::Approve { by, counter, nth }),
        4 => (by.clone(), counter.clone(), 0..6_usize, 0..4_usize)
            .prop_map(|(by, counter, nth, every)| Step::Object { by, counter, nth, every }),
        4 => (by.clone(), counter.clone(), 0..6_usize, any::<bool>())
            .prop_map(|(by, counter, nth, upheld)| Step::Settle { by, counter, nth, upheld }),
        4 => (by, counter, prop::collection::vec(who, 0..5), act())
            .prop_map(|(by, counter, people, act)| Step::Bulk { by, counter, people, act }),
    ]
}

/// More often those who may do much.
fn actor() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![2 => 0..ACTORS.len(), 3 => Just(6_usize), 1 => Just(7_usize), 1 => Just(4_usize), 1 => Just(1_usize)]
}

fn counter() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![3 => Just(0_usize), 2 => Just(3_usize), 1 => 0..COUNTERS.len()]
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        3 => (1..180_i64).prop_map(Wait::Minutes),
        3 => (1..30_i64).prop_map(Wait::Hours),
        3 => (1..9_i64).prop_map(Wait::Days),
        1 => (9..40_i64).prop_map(Wait::Days),
        2 => Just(Wait::LastSecond),
        2 => Just(Wait::NextDay),
        1 => Just(Wait::NextMonth),
        1 => Just(Wait::NextQuarter),
    ]
}

fn status() -> impl Strategy<Value = Option<i64>> + Clone {
    prop_oneof![1 => Just(None), 2 => (-2..120_i64).prop_map(Some)]
}

fn card() -> impl Strategy<Value = Card> + Clone {
    prop_oneof![
        5 => Just(Card::Fresh(1)),
        3 => Just(Card::Fresh(2)),
        1 => (0..CARDS).prop_map(Card::Slot),
    ]
}

fn shown() -> impl Strategy<Value = Shown> + Clone {
    prop_oneof![
        7 => (0..PEOPLE).prop_map(|who| Shown::Of(who, 0)),
        2 => (0..PEOPLE, 0..3_usize).prop_map(|(who, nth)| Shown::Of(who, nth)),
        1 => (0..CARDS).prop_map(Shown::Slot),
    ]
}

fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![5 => Just(Channel::Counter), 1 => Just(Channel::Kiosk), 1 => Just(Channel::Qr)]
}

fn ticket() -> impl Strategy<Value = Ticket> {
    let price = prop_oneof![
        8 => (0..2_usize).prop_map(Price::Nth),
        1 => (0..1_200_i64).prop_map(Price::Cents),
    ];
    let coupon = prop_oneof![2 => Just(None), 1 => (0..COUPONS.len()).prop_map(Some)];
    (0..ACTIVITIES.len(), shown(), price, coupon)
        .prop_map(|(activity, shown, price, coupon)| Ticket { activity, shown, price, coupon })
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        1 => Just(Reason::Fraud),
        1 => Just(Reason::OwnWish),
        4 => Just(Reason::Loss),
        2 => Just(Reason::LostSocialStatus),
        1 => Just(Reason::GainedSocialStatus),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..ACTIVITIES.len()).prop_map(Act::Points),
        (0..ACTIVITIES.len()).prop_map(Act::Tickets),
        (-20..500_i64).prop_map(Act::Extend),
        Just(Act::Block),
        (0..HOMES.len()).prop_map(Act::Move),
    ]
}

/// Mostly one that is in order.
fn registering() -> impl Strategy<Value = Registering> {
    let mostly = || prop::bool::weighted(0.93);
    (
        (actor(), counter(), 0..PEOPLE, card(), 0..HOMES.len(), 3..90_u16),
        (mostly(), any::<bool>(), mostly(), mostly(), mostly()),
        status(),
    )
        .prop_map(|(who, said, status)| {
            let (by, counter, who, card, home, age) = who;
            let (has_insz, has_email, says_no_email, told, consent) = said;
            Registering {
                by,
                counter,
                who,
                card,
                home,
                age,
                has_insz,
                has_email,
                says_no_email,
                told,
                consent,
                status,
            }
        })
}

/// A registration that is in order, of each of those who are in the story from the beginning.
pub fn beginning() -> impl Strategy<Value = Vec<Step>> {
    let one = |who: usize| {
        (0..3_usize, 3..90_u16, status()).prop_map(move |(home, age, status)| {
            let of_two = home == 2;
            Step::Register(Registering {
                by: if of_two { 7 } else { 6 },
                counter: if of_two { 3 } else { 0 },
                who,
                card: Card::Fresh(if of_two { 2 } else { 1 }),
                home,
                age,
                has_insz: true,
                has_email: true,
                says_no_email: false,
                told: true,
                consent: true,
                status: status.filter(|days| *days > 0),
            })
        })
    };
    (one(0), one(1), one(2), one(3)).prop_map(|(a, b, c, d)| vec![a, b, c, d])
}

fn taking_up() -> impl Strategy<Value = TakingUp> {
    let own_card = prop::option::weighted(0.3, 0..3_usize);
    let moves_to = prop::option::weighted(0.4, 0..HOMES.len());
    let system = prop_oneof![1 => Just(1_u32), 2 => Just(2_u32)];
    let by = prop_oneof![2 => actor(), 1 => Just(7_usize), 1 => Just(4_usize)];
    let counter = prop_oneof![1 => counter(), 1 => Just(3_usize)];
    (by, counter, 0..PEOPLE, system, own_card, prop::bool::weighted(0.15), status(), moves_to)
        .prop_map(|(by, counter, who, system, own_card, other, status, moves_to)| {
            let card = Card::Fresh(if other { 3 - system } else { system });
            TakingUp { by, counter, who, system, own_card, card, status, moves_to }
        })
}

/// A story of this many steps after its beginning.
pub fn story(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    (beginning(), prop::collection::vec(step(), steps))
        .prop_map(|(beginning, rest)| [beginning, rest].concat())
}
