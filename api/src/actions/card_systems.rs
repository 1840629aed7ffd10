//! Card systems: creating one, and what its KSB admins lay down.

use uitpas_domain::card_system::{CardSystem, Command, Settings, Voucher, VoucherCode};
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::metadata::{Channel, Role};

use super::{Request, decide, demand_ksb, demand_version, execute};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::Answer;

/// Creating a card system and naming its admins is for the system owner; the rest for the admins.
pub async fn carry_out(
    app: &App,
    request: &Request,
    id: CardSystemId,
    command: &Command,
) -> Answer<()> {
    let for_owner = matches!(
        command,
        Command::Create { .. } | Command::AddKsbAdmin { .. } | Command::RemoveKsbAdmin { .. }
    );
    if for_owner {
        request.caller.demand_system_owner()?;
    }
    execute(app, request, Channel::BackOffice, |work| async move {
        match for_owner {
            true => work.act_as(Role::SystemOwner, None),
            false => demand_ksb(&work, &request.caller, id).await?,
        }
        decide::<CardSystem>(&work, &id, command.clone()).await?;
        Ok(())
    })
    .await
}

/// What its admins settled, for one of them.
pub async fn settings(app: &App, caller: &Caller, id: CardSystemId) -> Answer<Settings> {
    let found = app.store.preview(|work| async move {
        demand_ksb(&work, caller, id).await?;
        Ok(work.load::<CardSystem>(&id).await?.state.settings.clone())
    });
    Ok(found.await?)
}

/// Settles that anew.
pub async fn change_settings(
    app: &App,
    request: &Request,
    id: CardSystemId,
    settings: &Settings,
    version: Option<u64>,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb(&work, &request.caller, id).await?;
        demand_version(version, &work.load::<CardSystem>(&id).await?.state.settings)?;
        let settings = settings.clone();
        decide::<CardSystem>(&work, &id, Command::ChangeSettings { settings, at }).await?;
        Ok(())
    })
    .await
}

/// Issues vouchers, all or none; says how many are new. A code that was issued before stays as it is.
pub async fn issue_vouchers(
    app: &App,
    request: &Request,
    id: CardSystemId,
    vouchers: &[(VoucherCode, Voucher)],
) -> Answer<usize> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb(&work, &request.caller, id).await?;
        let mut issued = 0;
        for (code, voucher) in vouchers {
            let system = work.load::<CardSystem>(&id).await?.state.clone();
            if system.vouchers.contains_key(code) {
                continue;
            }
            let (code, voucher) = (code.clone(), voucher.clone());
            decide::<CardSystem>(&work, &id, Command::IssueVoucher { code, voucher, at }).await?;
            issued += 1;
        }
        Ok(issued)
    })
    .await
}

/// Refuses whoever is no KSB admin of this card system (R-KSB-03), for a read.
pub async fn demand_admin(app: &App, caller: &Caller, id: CardSystemId) -> Answer<()> {
    let asked = app.store.preview(|work| async move { demand_ksb(&work, caller, id).await });
    Ok(asked.await?)
}
