//! The region that the stories play in, as bare facts. Both the rules and the simple model are told
//! of it, each in its own words. Times are those of the clocks in Brussels; amounts are cents.

/// A calendar period, counted in Brussels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    Ever,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// So many times per period.
pub type Times = (u32, Per);

/// Municipalities by postal code; the last one is in no card system, the absent one is abroad.
pub const HOMES: [Option<&str>; 5] = [Some("9981"), Some("9987"), Some("9050"), Some("8000"), None];

pub struct System {
    pub id: u32,
    pub towns: &'static [&'static str],
    pub grace_days: u16,
    pub expired_closes_points: bool,
    /// Minutes before the start and after the end, without staff.
    pub without_staff: (i64, i64),
    pub keys: &'static [Key],
    pub default_keys: &'static [u32],
    /// Up to which age, the price without and with social status.
    pub prices: &'static [(Option<u16>, i64, i64)],
    pub replacement: i64,
    pub upgrade: i64,
}

pub struct Key {
    pub id: u32,
    pub splits: Splits,
    pub any_region: bool,
    pub price_below: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
pub enum Splits {
    /// Percents of passholder, organizer and municipality.
    Percents(u32, u32, u32),
    /// An amount, and the parts of organizer and municipality in the rest.
    Fixed(i64, u32, u32),
}

pub const SYSTEMS: [System; 2] = [
    System {
        id: 1,
        towns: &["9981", "9987"],
        grace_days: 30,
        expired_closes_points: false,
        without_staff: (60, 60),
        keys: &[
            Key {
                id: 1,
                splits: Splits::Percents(20, 40, 40),
                any_region: false,
                price_below: None,
            },
            Key {
                id: 2,
                splits: Splits::Fixed(150, 40, 40),
                any_region: false,
                price_below: Some(2_500),
            },
            Key {
                id: 3,
                splits: Splits::Percents(25, 35, 40),
                any_region: true,
                price_below: None,
            },
        ],
        default_keys: &[1, 2],
        prices: &[(Some(11), 0, 0), (Some(25), 300, 100), (None, 500, 200)],
        replacement: 200,
        upgrade: 0,
    },
    System {
        id: 2,
        towns: &["9050"],
        grace_days: 10,
        expired_closes_points: true,
        without_staff: (90, 30),
        keys: &[Key {
            id: 1,
            splits: Splits::Percents(20, 40, 40),
            any_region: false,
            price_below: None,
        }],
        default_keys: &[1],
        prices: &[(None, 400, 400)],
        replacement: 0,
        upgrade: 150,
    },
];

/// What a counter may do: 1 check-in and ticket, 2 unauthorised, 3 authorised registration.
pub struct Terms {
    pub system: u32,
    pub level: u8,
    pub other_municipalities: bool,
    pub keys: &'static [u32],
    pub ticket_limit: Option<Times>,
}

pub struct CounterIs {
    pub id: &'static str,
    pub home: &'static str,
    pub systems: &'static [u32],
    pub terms: &'static [Terms],
}

pub const THEATRE: usize = 0;
pub const GYM: usize = 1;
pub const YOUTH: usize = 2;
pub const HALL: usize = 3;

const fn terms(system: u32, level: u8) -> Terms {
    Terms { system, level, other_municipalities: false, keys: &[], ticket_limit: None }
}

pub const COUNTERS: [CounterIs; 4] = [
    CounterIs { id: "theater", home: "9981", systems: &[1], terms: &[terms(1, 3)] },
    CounterIs {
        id: "sporthal",
        home: "9987",
        systems: &[1],
        terms: &[Terms { keys: &[3], ticket_limit: Some((3, Per::Month)), ..terms(1, 2) }],
    },
    CounterIs { id: "jeugdhuis", home: "9981", systems: &[1], terms: &[terms(1, 1)] },
    CounterIs {
        id: "overhal",
        home: "9050",
        systems: &[1, 2],
        terms: &[terms(1, 1), Terms { other_municipalities: true, ..terms(2, 3) }],
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acts {
    Member,
    Admin,
    /// An integration with a client token.
    Client,
    Ksb(u32),
}

/// Those who act: what they are, and at which counter they are on the staff.
pub const ACTORS: [(&str, Acts, Option<usize>); 9] = [
    ("theater-member", Acts::Member, Some(THEATRE)),
    ("theater-admin", Acts::Admin, Some(THEATRE)),
    ("sporthal-member", Acts::Member, Some(GYM)),
    ("jeugdhuis-member", Acts::Member, Some(YOUTH)),
    ("overhal-admin", Acts::Admin, Some(HALL)),
    ("webwinkel", Acts::Client, Some(THEATRE)),
    ("ksb-1", Acts::Ksb(1), None),
    ("ksb-2", Acts::Ksb(2), None),
    ("niemand", Acts::Member, None),
];

/// When an activity is on.
pub enum When {
    Once(&'static str, Option<&'static str>),
    Several(&'static [(&'static str, Option<&'static str>)]),
    /// From and until, on these days of the week (Monday is 0), from and until these times.
    Weekly(&'static str, &'static str, &'static [u32], &'static str, &'static str),
    /// Permanent, with such hours.
    Hours(&'static [u32], &'static str, &'static str),
    Always,
}

pub struct ActivityIs {
    pub id: &'static str,
    pub organizer: usize,
    pub when: When,
    pub prices: &'static [(&'static str, i64)],
    pub points: u32,
    pub check_in_limit: Option<Times>,
    pub ticket_limit: Option<Times>,
    /// The card systems chosen, with the keys switched on by hand; absent: all of the organizer.
    pub chosen: Option<&'static [(u32, &'static [u32])]>,
}

const fn activity(id: &'static str, organizer: usize, when: When) -> ActivityIs {
    ActivityIs {
        id,
        organizer,
        when,
        prices: &[("Basistarief", 1_000), ("Kinderen", 600)],
        points: 1,
        check_in_limit: None,
        ticket_limit: None,
        chosen: None,
    }
}

pub const ACTIVITIES: [ActivityIs; 11] = [
    // Over the night in which the clocks go forward.
    activity("nacht", THEATRE, When::Once("2026-03-28 22:00:00", Some("2026-03-29 03:30:00"))),
    ActivityIs {
        points: 5,
        prices: &[("Basistarief", 2_500), ("Balkon", 725)],
        ticket_limit: Some((3, Per::Ever)),
        ..activity("gala", THEATRE, When::Once("2026-05-30 20:00:00", None))
    },
    activity("winter", THEATRE, When::Once("2026-11-30 20:00:00", Some("2026-11-30 22:00:00"))),
    ActivityIs {
        prices: &[("Inkom", 310)],
        check_in_limit: Some((2, Per::Week)),
        ticket_limit: Some((2, Per::Week)),
        ..activity("fitness", GYM, When::Always)
    },
    ActivityIs {
        prices: &[("Inkom", 99), ("Gratis", 0)],
        ..activity(
            "tornooi",
            GYM,
            When::Several(&[
                ("2026-04-04 10:00:00", Some("2026-04-04 18:00:00")),
                ("2026-06-30 22:00:00", Some("2026-07-01 02:00:00")),
                ("2026-10-25 01:00:00", None),
            ]),
        )
    },
    ActivityIs {
        prices: &[("Gratis", 0)],
        check_in_limit: Some((1, Per::Month)),
        ..activity("fuif", YOUTH, When::Always)
    },
    ActivityIs {
        chosen: Some(&[(1, &[3]), (2, &[])]),
        ..activity("museum", HALL, When::Hours(&[1, 2, 3, 4, 5, 6], "10:00:00", "17:00:00"))
    },
    activity(
        "cursus",
        HALL,
        When::Weekly("2026-03-01", "2026-12-31", &[2, 5], "13:00:00", "16:30:00"),
    ),
    ActivityIs {
        chosen: Some(&[(2, &[])]),
        check_in_limit: Some((1, Per::Quarter)),
        ticket_limit: Some((1, Per::Year)),
        ..activity("expo", HALL, When::Always)
    },
    ActivityIs { prices: &[], ..activity("zonder-prijs", THEATRE, When::Always) },
    ActivityIs { points: 0, ..activity("zonder-punt", THEATRE, When::Always) },
];

pub struct RewardIs {
    pub title: &'static str,
    /// 0: a welcome reward.
    pub points: u32,
    pub units: Option<u32>,
    pub limit: Option<Times>,
    pub granting: (Option<&'static str>, Option<&'static str>),
    pub redemption: (Option<&'static str>, Option<&'static str>),
    pub inhabitants: &'static [&'static str],
    pub counters: &'static [usize],
    pub systems: &'static [u32],
}

const fn reward(title: &'static str, points: u32) -> RewardIs {
    RewardIs {
        title,
        points,
        units: None,
        limit: None,
        granting: (None, None),
        redemption: (None, None),
        inhabitants: &[],
        counters: &[],
        systems: &[],
    }
}

pub const REWARDS: [RewardIs; 6] = [
    RewardIs { limit: Some((1, Per::Week)), ..reward("Koffie", 1) },
    RewardIs { units: Some(2), ..reward("Mok", 3) },
    RewardIs {
        inhabitants: &["9981"],
        counters: &[THEATRE, GYM],
        redemption: (Some("2026-04-01"), Some("2026-09-30")),
        ..reward("Zak", 2)
    },
    RewardIs { systems: &[2], limit: Some((1, Per::Year)), ..reward("Zwembeurt", 1) },
    RewardIs {
        granting: (Some("2026-03-20"), Some("2026-10-31")),
        systems: &[1],
        units: Some(3),
        ..reward("Welkom", 0)
    },
    RewardIs {
        granting: (Some("2026-04-01"), None),
        redemption: (Some("2026-05-01"), None),
        inhabitants: &["9050", "9987"],
        ..reward("Welkom overal", 0)
    },
];

#[derive(Debug, Clone, Copy)]
pub enum Grants {
    Everyone,
    Status,
    /// Inhabitants of a municipality from and until an age.
    Segment(&'static str, u16, u16),
}

#[derive(Debug, Clone, Copy)]
pub enum Does {
    /// Percents of passholder, organizer and municipality.
    Percents(u32, u32, u32),
    /// Percents off, borne by organizer and municipality in these parts.
    PercentOff(u32, u32, u32),
    AmountOff(i64, u32, u32),
}

pub struct CouponIs {
    pub owner: u32,
    pub systems: &'static [u32],
    pub activities: &'static [&'static str],
    pub limit: Option<Times>,
    pub validity: (Option<&'static str>, Option<&'static str>),
    pub grants: Grants,
    pub does: Does,
    pub payer: Option<&'static str>,
}

pub const COUPONS: [CouponIs; 4] = [
    CouponIs {
        owner: 1,
        systems: &[],
        activities: &[],
        limit: Some((1, Per::Month)),
        validity: (None, Some("2026-12-31")),
        grants: Grants::Everyone,
        does: Does::PercentOff(50, 1, 2),
        payer: None,
    },
    CouponIs {
        owner: 1,
        systems: &[1, 2],
        activities: &[],
        limit: Some((2, Per::Quarter)),
        validity: (Some("2026-04-01"), None),
        grants: Grants::Status,
        does: Does::AmountOff(700, 0, 1),
        payer: Some("9050"),
    },
    CouponIs {
        owner: 2,
        systems: &[],
        activities: &["expo", "cursus"],
        limit: None,
        validity: (None, None),
        grants: Grants::Everyone,
        does: Does::Percents(0, 30, 70),
        payer: None,
    },
    CouponIs {
        owner: 1,
        systems: &[],
        activities: &[],
        limit: Some((1, Per::Week)),
        validity: (None, None),
        grants: Grants::Segment("9987", 12, 40),
        does: Does::AmountOff(100, 1, 0),
        payer: None,
    },
];

/// Cards in the books: of which card system, for social status or not, in local stock or not.
pub const CARDS: usize = 64;

pub fn card(slot: usize) -> (u32, bool, bool) {
    let system = if slot % 8 < 5 { 1 } else { 2 };
    (system, slot % 2 == 1, slot % 16 != 15)
}

/// When the stories begin.
pub const BEGINS: &str = "2026-03-20 09:00:00";
