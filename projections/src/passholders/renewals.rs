//! The yearly renewal of social status: who is up for it, and what came of it (R-SOC-03).

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use sqlx::FromRow;
use sqlx::postgres::PgPool;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::ids::{CardSystemId, PassholderId};
use uitpas_domain::passholder::renewal::Withheld;
use uitpas_domain::social_status::OnDay;
use uitpas_domain::values::place::PostalCode;
use uuid::Uuid;

use super::{Membership, Passholder};
use crate::counters::number;
use crate::search::{Page, Paging, page};
use crate::table::AsJson;

/// The three lists of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum RenewalList {
    Renewed,
    Negative,
    NotInList,
}

impl From<Withheld> for RenewalList {
    fn from(why: Withheld) -> Self {
        match why {
            Withheld::Negative => RenewalList::Negative,
            Withheld::NotInList => RenewalList::NotInList,
        }
    }
}

/// How many are on a list, with and without an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub renewed_with_email: i64,
    pub renewed_without_email: i64,
    pub negative: i64,
    pub not_in_list: i64,
}

/// What is on one list; removed passholders are not.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    pub card_system: CardSystemId,
    /// That of the run.
    pub year: i32,
    pub list: RenewalList,
    /// Only those with, or without, an e-mail address.
    pub with_email: Option<bool>,
    pub paging: Paging,
}

/// How an outcome is written in the row of a passholder.
fn outcome(card_system: CardSystemId, year: i32, list: RenewalList) -> String {
    format!("{card_system}/{year}/{list}")
}

impl Passholder {
    /// A later outcome of the same year takes the place of the first.
    pub(super) fn on_renewal(
        &mut self,
        card_system: CardSystemId,
        list: RenewalList,
        at: DateTime<Utc>,
    ) {
        let year = day_in_belgium(at).year();
        let of_this_year = format!("{card_system}/{year}/");
        self.renewals.retain(|known| !known.starts_with(&of_this_year));
        self.renewals.push(outcome(card_system, year, list));
    }
}

#[derive(FromRow)]
struct Candidate {
    id: Uuid,
    memberships: AsJson<std::collections::BTreeMap<CardSystemId, Membership>>,
}

pub(super) const CANDIDATES: &str = "
    select id, memberships
    from views.passholders
    where removed_at is null and card_systems @> array[$1::int] and home_postal_code = any($2)
    order by id";

/// Whose social status in a card system is active or in grace on a day, and who live there.
pub async fn candidates(
    pool: &PgPool,
    card_system: CardSystemId,
    postal_codes: &[PostalCode],
    (day, grace_days): (NaiveDate, u16),
) -> sqlx::Result<Vec<PassholderId>> {
    let postal_codes: Vec<String> = postal_codes.iter().map(PostalCode::to_string).collect();
    let members: Vec<Candidate> = sqlx::query_as(CANDIDATES)
        .bind(number(card_system))
        .bind(postal_codes)
        .fetch_all(pool)
        .await?;
    let is_candidate = |candidate: &Candidate| {
        let membership = candidate.memberships.0.get(&card_system)?;
        let state = membership.social_status.as_ref()?.on(day, grace_days, membership.blocked);
        matches!(state, OnDay::Active | OnDay::Grace).then_some(PassholderId(candidate.id))
    };
    Ok(members.iter().filter_map(is_candidate).collect())
}

pub(super) const COUNTS: &str = "
    select r.outcome, p.email is not null as with_email, count(*) as passholders
    from views.passholders p cross join unnest(p.renewals) as r(outcome)
    where p.removed_at is null and p.renewals && $1 and r.outcome = any($1)
    group by 1, 2";

pub async fn counts(pool: &PgPool, card_system: CardSystemId, year: i32) -> sqlx::Result<Counts> {
    let lists = [RenewalList::Renewed, RenewalList::Negative, RenewalList::NotInList];
    let [renewed, negative, not_in_list] = lists.map(|list| outcome(card_system, year, list));
    let found: Vec<(String, bool, i64)> = sqlx::query_as(COUNTS)
        .bind(vec![&renewed, &negative, &not_in_list])
        .fetch_all(pool)
        .await?;
    let sum = |list: &String, with_email: &[bool]| {
        let of_list =
            found.iter().filter(|(known, mail, _)| known == list && with_email.contains(mail));
        of_list.map(|(.., passholders)| passholders).sum()
    };
    Ok(Counts {
        renewed_with_email: sum(&renewed, &[true]),
        renewed_without_email: sum(&renewed, &[false]),
        negative: sum(&negative, &[true, false]),
        not_in_list: sum(&not_in_list, &[true, false]),
    })
}

pub(super) const LISTED: &str = "
    select *, count(*) over () as total
    from views.passholders
    where removed_at is null and renewals @> array[$1::text]
        and ($2::boolean is null or (email is not null) = $2)
    order by name_folded, first_name_folded, id
    offset $3 limit $4";

pub async fn listed(pool: &PgPool, asked: &Listed) -> sqlx::Result<Page<Passholder>> {
    let outcome = outcome(asked.card_system, asked.year, asked.list);
    page(pool, asked.paging, |paging| {
        sqlx::query_as(LISTED)
            .bind(outcome.clone())
            .bind(asked.with_email)
            .bind(paging.start)
            .bind(paging.limit)
    })
    .await
}
