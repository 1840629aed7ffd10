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
    let (by, who, nth) = (actor(), 0..PEOPLE, 0..40_usize);
    let (activity, home, system) =
        (activity(), 0..HOMES.len(), prop_oneof![3 => Just(1_u32), 1 => Just(2)]);
    prop_oneof![
        24 => wait().prop_map(Step::Wait),
        8 => registering().prop_map(Step::Register),
        4 => (place(), who.clone(), home.clone())
            .prop_map(|((by, counter), who, home)| Step::Move { by, counter, who, home }),
        1 => (0..PEOPLE * 6).prop_map(|who| Step::Remove { who }),
        30 => (by.clone(), activity.clone(), shown(), channel()).prop_map(
            |(by, activity, shown, channel)| Step::CheckIn { by, activity, shown, channel }
        ),
        7 => (by.clone(), nth.clone()).prop_map(|(by, nth)| Step::Correct { by, nth }),
        30 => (by.clone(), prop_oneof![
            3 => prop::collection::vec(ticket(), 1..2),
            1 => prop::collection::vec(ticket(), 2..4),
        ])
            .prop_map(|(by, tickets)| Step::Sell { by, tickets }),
        8 => (by.clone(), nth.clone()).prop_map(|(by, nth)| Step::Cancel { by, nth }),
        10 => (place(), 0..REWARDS.len(), shown()).prop_map(
            |((by, counter), reward, shown)| Step::Redeem { by, counter, reward, shown }
        ),
        4 => (by.clone(), nth.clone()).prop_map(|(by, nth)| Step::GiveBack { by, nth }),
        3 => (place(), who.clone(), 0..3_usize, reason()).prop_map(
            |((by, counter), who, nth_card, reason)| {
                Step::Block { by, counter, who, nth_card, reason }
            }
        ),
        14 => (place(), who.clone(), card(), prop_oneof![3 => Just(None), 1 => status()]).prop_map(
            |((by, counter), who, card, status)| Step::Replace { by, counter, who, card, status }
        ),
        8 => taking_up().prop_map(Step::TakeUp),
        5 => (place(), who.clone(), -20..500_i64)
            .prop_map(|((by, counter), who, days)| Step::Extend { by, counter, who, days }),
        3 => (place(), who.clone(), system.clone(), -2..60_i64).prop_map(
            |((by, counter), who, system, days)| Step::Suspend { by, counter, who, system, days }
        ),
        3 => (place(), who.clone(), system.clone())
            .prop_map(|((by, counter), who, system)| Step::Lift { by, counter, who, system }),
        1 => (place(), who.clone(), system).prop_map(
            |((by, counter), who, system)| Step::BlockMembership { by, counter, who, system }
        ),
        8 => (place(), 0..25_i64, 5..90_i64).prop_map(
            |((by, counter), from_days_ago, days)| Step::IssueNote { by, counter, from_days_ago, days }
        ),
        3 => (answering(), 0..3_usize)
            .prop_map(|((by, counter), nth)| Step::Approve { by, counter, nth }),
        4 => (answering(), 0..3_usize, 0..4_usize)
            .prop_map(|((by, counter), nth, every)| Step::Object { by, counter, nth, every }),
        4 => (place(), 0..3_usize, any::<bool>())
            .prop_map(|((by, counter), nth, upheld)| Step::Settle { by, counter, nth, upheld }),
        4 => (place(), prop::collection::vec(who, 0..5), act())
            .prop_map(|((by, counter), people, act)| Step::Bulk { by, counter, people, act }),
    ]
}

/// Mostly a KSB admin, who has a role at every counter here.
fn actor() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![5 => Just(6_usize), 2 => 0..ACTORS.len()]
}

/// Someone and a counter, mostly one where he has a role.
fn place() -> impl Strategy<Value = (usize, usize)> + Clone {
    prop_oneof![
        6 => (Just(6_usize), prop_oneof![2 => Just(0_usize), 1 => 0..COUNTERS.len()]),
        3 => Just((7_usize, 3_usize)),
        1 => Just((4_usize, 3_usize)),
        1 => Just((0_usize, 0_usize)),
        1 => Just((2_usize, 1_usize)),
        1 => (0..ACTORS.len(), 0..COUNTERS.len()),
    ]
}

/// Someone who may answer to a note, mostly.
fn answering() -> impl Strategy<Value = (usize, usize)> + Clone {
    prop_oneof![3 => Just((1_usize, 0_usize)), 3 => Just((4_usize, 3_usize)), 1 => place()]
}

/// More often those that are on all year.
fn activity() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![
        4 => prop::sample::select(vec![1_usize, 3, 3, 3, 6, 6, 7, 8]),
        2 => 0..ACTIVITIES.len(),
    ]
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        3 => (1..180_i64).prop_map(Wait::Minutes),
        3 => (1..30_i64).prop_map(Wait::Hours),
        3 => (1..9_i64).prop_map(Wait::Days),
        1 => (9..30_i64).prop_map(Wait::Days),
        2 => Just(Wait::LastSecond),
        2 => Just(Wait::NextDay),
        1 => prop_oneof![3 => Just(Wait::NextMonth), 1 => Just(Wait::NextQuarter)],
    ]
}

fn status() -> impl Strategy<Value = Option<i64>> + Clone {
    prop_oneof![1 => Just(None), 1 => (-2..400_i64).prop_map(Some)]
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
        6 => (0..3_usize).prop_map(|who| Shown::Of(who, 0)),
        2 => (0..PEOPLE).prop_map(|who| Shown::Of(who, 0)),
        2 => (0..PEOPLE, 0..3_usize).prop_map(|(who, nth)| Shown::Of(who, nth)),
        1 => (0..CARDS).prop_map(Shown::Slot),
    ]
}

fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![5 => Just(Channel::Counter), 1 => Just(Channel::Kiosk), 1 => Just(Channel::Qr)]
}

fn ticket() -> impl Strategy<Value = Ticket> {
    let price = prop_oneof![
        12 => (0..2_usize).prop_map(Price::Nth),
        1 => (0..1_200_i64).prop_map(Price::Cents),
    ];
    let coupon = prop_oneof![2 => Just(None), 1 => (0..COUPONS.len()).prop_map(Some)];
    (activity(), shown(), price, coupon).prop_map(|(activity, shown, price, coupon)| Ticket {
        activity,
        shown,
        price,
        coupon,
    })
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
        6 => activity().prop_map(Act::Points),
        6 => activity().prop_map(Act::Tickets),
        3 => (-20..500_i64).prop_map(Act::Extend),
        1 => Just(Act::Block),
        2 => (0..HOMES.len()).prop_map(Act::Move),
    ]
}

/// Mostly one that is in order.
fn registering() -> impl Strategy<Value = Registering> {
    let mostly = || prop::bool::weighted(0.93);
    (
        (place(), 0..PEOPLE, card(), 0..HOMES.len(), 3..90_u16),
        (mostly(), any::<bool>(), mostly(), mostly(), mostly()),
        status(),
    )
        .prop_map(|(who, said, status)| {
            let ((by, counter), who, card, home, age) = who;
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
        (0..3_usize, 3..90_u16, prop_oneof![1 => Just(None), 3 => (-2..400_i64).prop_map(Some)])
            .prop_map(move |(home, age, status)| {
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
    (one(0), one(1), one(2), one(3), one(4)).prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e])
}

fn taking_up() -> impl Strategy<Value = TakingUp> {
    let own_card = prop::option::weighted(0.3, 0..3_usize);
    let moves_to = prop::option::weighted(0.4, 0..HOMES.len());
    let system = prop_oneof![1 => Just(1_u32), 2 => Just(2_u32)];
    let place = prop_oneof![1 => place(), 1 => Just((7_usize, 3_usize))];
    (place, 0..PEOPLE, system, own_card, prop::bool::weighted(0.15), status(), moves_to).prop_map(
        |((by, counter), who, system, own_card, other, status, moves_to)| {
            let card = Card::Fresh(if other { 3 - system } else { system });
            TakingUp { by, counter, who, system, own_card, card, status, moves_to }
        },
    )
}

/// A story of at least this many steps after its beginning; some come twice, which limits notice.
pub fn story(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    let twice = prop::bool::weighted(0.2);
    (beginning(), prop::collection::vec((step(), twice), steps)).prop_map(|(mut told, rest)| {
        for (step, twice) in rest {
            if twice {
                told.push(step.clone());
            }
            told.push(step);
        }
        told
    })
}
