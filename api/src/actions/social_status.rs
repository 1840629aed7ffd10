//! Extending, suspending and blocking social status.

use chrono::{DateTime, NaiveDate, Utc};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::Authority;
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::status::{
    BlockMembership, Extend, LiftSuspension, StatusRefused, Suspend,
};
use uitpas_domain::passholder::{Command, Passholder, Reason, Refused};
use uitpas_store::{StreamKey, Work};

use super::passholders::seal_reason;
use super::{Outcome, Request, authority, decide, execute};
use crate::app::App;
use crate::problem::{Answer, Problem};

/// Moves the end date of the social status, wherever the passholder has it.
pub async fn extend(
    work: &Work,
    by: Authority,
    passholder: PassholderId,
    until: NaiveDate,
    at: DateTime<Utc>,
) -> Outcome<()> {
    let state = work.load::<Passholder>(&passholder).await?;
    let (card_system, ..) =
        state.state.holder()?.social_status().ok_or(Refused::from(StatusRefused::None))?;
    let system = work.load::<CardSystem>(&card_system).await?.state.clone();
    let extend = Extend { by, card_system, system, until, at };
    decide::<Passholder>(work, &passholder, Command::ExtendSocialStatus(extend)).await?;
    Ok(())
}

/// What a KSB admin does to a membership, always with a reason (R-SOC-02).
#[derive(Debug, Clone)]
pub enum KsbAct {
    Suspend { until: NaiveDate },
    LiftSuspension,
    BlockMembership,
}

pub async fn by_ksb(
    app: &App,
    request: &Request,
    counter: &CounterId,
    passholder: PassholderId,
    card_system: CardSystemId,
    (act, reason): (&KsbAct, &Reason),
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&passholder)]).await?;
        let by = authority(&work, &request.caller, counter).await?;
        let reason = seal_reason(&work, passholder, Some(reason)).await?;
        let reason = reason.ok_or(Problem::PassNotFound)?;
        let command = match act {
            KsbAct::Suspend { until } => {
                Command::SuspendSocialStatus(Suspend { by, card_system, until: *until, reason, at })
            }
            KsbAct::LiftSuspension => {
                Command::LiftSuspension(LiftSuspension { by, card_system, reason, at })
            }
            KsbAct::BlockMembership => {
                Command::BlockMembership(BlockMembership { by, card_system, reason, at })
            }
        };
        decide::<Passholder>(&work, &passholder, command).await?;
        Ok(())
    })
    .await
}
