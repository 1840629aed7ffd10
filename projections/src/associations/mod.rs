//! Associations, and the memberships of them by their end: which ones are about to end.

use chrono::NaiveDate;
use sqlx::FromRow;
use sqlx::postgres::PgPool;
use uitpas_domain::association::{Definition, Event};
use uitpas_domain::ids::{AssociationId, CardSystemId, CounterId, PassholderId};
use uitpas_domain::passholder;
use uuid::Uuid;

use crate::counters::number;
use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::table::{AsJson, NoRow, Stored, Table, table};

table! {
    /// An association as last laid down.
    Association in "associations" by (id: Uuid) {
        id: Uuid,
        owner: i32,
        name: String,
        readers: Vec<String>,
        registrars: Vec<String>,
        definition: AsJson<Definition>,
        position: i64,
    }
}

table! {
    /// A membership that was not stopped.
    Membership in "association_memberships" by (passholder: Uuid, association: Uuid) {
        passholder: Uuid,
        association: Uuid,
        /// The last day, inclusive.
        until_day: NaiveDate,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "associations",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[
        ("association", "Defined"),
        ("association", "Changed"),
        ("passholder", "AssociationJoined"),
        ("passholder", "AssociationLeft"),
    ],
    opens_details: false,
    statements: &[SEEN, REGISTERED, OWNED, MEMBERS, ENDING],
    new: || Box::new(Associations::default()),
};

#[derive(Default)]
struct Associations {
    associations: Table<Association>,
    memberships: Table<Membership>,
}

impl Fold for Associations {
    fn needs(&mut self, event: &AnyEvent) {
        match event {
            AnyEvent::Association(id, Event::Defined { .. }) => self.associations.makes((id.0,)),
            AnyEvent::Association(id, Event::Changed { .. }) => self.associations.needs((id.0,)),
            AnyEvent::Passholder(
                id,
                passholder::Event::AssociationJoined { association, .. }
                | passholder::Event::AssociationLeft { association, .. },
            ) => self.memberships.needs((id.0, association.0)),
            _ => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        match &entry.event {
            AnyEvent::Association(
                id,
                Event::Defined { definition, .. } | Event::Changed { definition, .. },
            ) => self.associations.put(Association::new(*id, definition, entry.position)),
            AnyEvent::Passholder(
                id,
                passholder::Event::AssociationJoined { association, until, .. },
            ) => self.memberships.put(Membership {
                passholder: id.0,
                association: association.0,
                until_day: *until,
                position: entry.position,
            }),
            AnyEvent::Passholder(id, passholder::Event::AssociationLeft { association, .. }) => {
                self.memberships.remove(&(id.0, association.0));
            }
            _ => return not_mine(),
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.associations, &mut self.memberships]
    }
}

impl Association {
    fn new(id: AssociationId, definition: &Definition, position: i64) -> Self {
        let names = |counters: &std::collections::BTreeSet<CounterId>| {
            counters.iter().map(CounterId::to_string).collect()
        };
        Self {
            id: id.0,
            owner: number(definition.owner),
            name: definition.name.to_string(),
            readers: names(&definition.readers),
            registrars: names(&definition.registrars),
            definition: AsJson(definition.clone()),
            position,
        }
    }

    pub fn id(&self) -> AssociationId {
        AssociationId(self.id)
    }
}

const SEEN: &str = "
    select * from views.associations
    where $1 = any(readers) or $1 = any(registrars)
    order by name, id";

const REGISTERED: &str = "
    select * from views.associations where $1 = any(registrars) order by name, id";

const OWNED: &str = "select * from views.associations where owner = $1 order by name, id";

/// What a counter may do with an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    See,
    Register,
}

/// Those with which a counter may do this, by name.
pub async fn of_counter(
    pool: &PgPool,
    counter: &CounterId,
    right: Right,
) -> sqlx::Result<Vec<Association>> {
    let statement = match right {
        Right::See => SEEN,
        Right::Register => REGISTERED,
    };
    sqlx::query_as(statement).bind(counter.as_str()).fetch_all(pool).await
}

/// Those of a card system, by name.
pub async fn of_card_system(pool: &PgPool, owner: CardSystemId) -> sqlx::Result<Vec<Association>> {
    sqlx::query_as(OWNED).bind(number(owner)).fetch_all(pool).await
}

const MEMBERS: &str = "
    select passholder
    from views.association_memberships
    where association = $1 and ($2::boolean is null or (until_day >= $3::date) = $2)";

/// Who has a membership of an association that was not stopped: one in force on this day or one that
/// was over by then; absent: either.
pub async fn members(
    pool: &PgPool,
    association: AssociationId,
    in_force: Option<bool>,
    on: NaiveDate,
) -> sqlx::Result<Vec<PassholderId>> {
    let rows = sqlx::query_scalar(MEMBERS).bind(association.0).bind(in_force).bind(on);
    Ok(rows.fetch_all(pool).await?.into_iter().map(PassholderId).collect())
}

/// A membership that is about to end, of an association.
#[derive(Debug, Clone, FromRow)]
pub struct Ending {
    pub passholder: Uuid,
    pub association: Uuid,
    pub name: String,
    pub until_day: NaiveDate,
}

/// The most that a list of ending memberships holds.
const ENDING_MAX: i64 = 500;

const ENDING: &str = "
    select membership.passholder, membership.association, association.name, membership.until_day
    from views.association_memberships membership
    join views.associations association on association.id = membership.association
    where ($1 = any(association.readers) or $1 = any(association.registrars))
        and membership.until_day between $2 and $3
    order by membership.until_day, association.name, membership.passholder
    limit $4";

/// Those that a counter sees and that end on or between these days, the first one first.
pub async fn ending(
    pool: &PgPool,
    counter: &CounterId,
    from: NaiveDate,
    until: NaiveDate,
) -> sqlx::Result<Vec<Ending>> {
    sqlx::query_as(ENDING)
        .bind(counter.as_str())
        .bind(from)
        .bind(until)
        .bind(ENDING_MAX)
        .fetch_all(pool)
        .await
}
