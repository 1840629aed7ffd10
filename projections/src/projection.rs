//! What a projection is: data, and one pure fold over typed rows that the live runner, a rebuild and
//! a verification use alike.

use crate::reading::{AnyEvent, Entry, Kinds};
use crate::table::{NoRow, Stored};

pub struct Projection {
    pub name: &'static str,
    /// A changed table or fold needs a new version: the view is then rebuilt beside the old one.
    pub version: i32,
    /// Its tables, without a schema before their names.
    pub(crate) schema: &'static str,
    /// Its indexes, made after the tables are filled.
    pub(crate) indexes: &'static str,
    /// Aggregate and type of the events it looks at.
    pub(crate) owns: &'static [(&'static str, &'static str)],
    /// Whether personal details are opened for it.
    pub(crate) opens_details: bool,
    /// Its queries.
    pub(crate) statements: &'static [&'static str],
    pub(crate) new: fn() -> Box<dyn Fold>,
}

impl Projection {
    pub(crate) fn kinds(&self) -> Kinds {
        Kinds::of(self.owns)
    }

    /// The names of its tables.
    pub fn tables(&self) -> Vec<&'static str> {
        (self.new)().tables().into_iter().map(|table| table.name()).collect()
    }
}

/// How events become rows. No clock, no network, no order of a hash map: equal events give equal
/// rows, whoever folds them. An event touches at most one row.
pub(crate) trait Fold: Send {
    /// Announces the row that the event touches.
    fn needs(&mut self, event: &AnyEvent);

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow>;

    fn tables(&mut self) -> Vec<&mut dyn Stored>;
}

/// The event belongs to others.
pub(crate) fn not_mine() -> Result<(), NoRow> {
    Ok(())
}
