//! Kiosks: what they are called, and for which counters they are.

use sqlx::postgres::PgPool;
use uitpas_domain::ids::{CounterId, KioskId};
use uitpas_domain::kiosk::{Event, Profile};
use uuid::Uuid;

use crate::counters::number;
use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::search::{Page, Paging, page};
use crate::table::{NoRow, Stored, Table, table};

table! {
    /// A kiosk as last laid down.
    Kiosk in "kiosks" by (id: Uuid) {
        id: Uuid,
        name: String,
        card_system: i32,
        counters: Vec<String>,
        shows_qr: bool,
        claimed: bool,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "kiosks",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[("kiosk", "Provisioned"), ("kiosk", "Claimed"), ("kiosk", "DeviceReleased")],
    opens_details: false,
    statements: &[LIST],
    new: || Box::new(Kiosks::default()),
};

#[derive(Default)]
struct Kiosks {
    kiosks: Table<Kiosk>,
}

impl Fold for Kiosks {
    fn needs(&mut self, event: &AnyEvent) {
        let AnyEvent::Kiosk(id, event) = event else { return };
        match event {
            Event::Provisioned { .. } | Event::Claimed { .. } | Event::DeviceReleased { .. } => {
                self.kiosks.needs((id.0,));
            }
            Event::Fixed { .. } | Event::Chosen { .. } => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::Kiosk(id, event) = &entry.event else { return not_mine() };
        let position = entry.position;
        match event {
            Event::Provisioned { profile, .. } => {
                let claimed = self.kiosks.at(&(id.0,)).is_ok_and(|known| known.claimed);
                self.kiosks.put(Kiosk { claimed, ..Kiosk::new(*id, profile, position) });
            }
            Event::Claimed { .. } | Event::DeviceReleased { .. } => {
                let kiosk = self.kiosks.at(&(id.0,))?;
                kiosk.claimed = matches!(event, Event::Claimed { .. });
                kiosk.position = position;
            }
            Event::Fixed { .. } | Event::Chosen { .. } => return not_mine(),
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.kiosks]
    }
}

impl Kiosk {
    fn new(id: KioskId, profile: &Profile, position: i64) -> Self {
        Self {
            id: id.0,
            name: profile.name.to_string(),
            card_system: number(profile.card_system),
            counters: profile.counters.iter().map(ToString::to_string).collect(),
            shows_qr: profile.shows_qr,
            claimed: false,
            position,
        }
    }
}

const LIST: &str = "
    select *, count(*) over () as total
    from views.kiosks
    where counters && $1::text[]
    order by name, id
    offset $2 limit $3";

/// The kiosks of any of these counters, by name.
pub async fn list(
    pool: &PgPool,
    counters: &[CounterId],
    paging: Paging,
) -> sqlx::Result<Page<Kiosk>> {
    let counters: Vec<String> = counters.iter().map(CounterId::to_string).collect();
    page(pool, paging, |paging| {
        sqlx::query_as(LIST).bind(counters.clone()).bind(paging.start).bind(paging.limit)
    })
    .await
}
