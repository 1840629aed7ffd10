//! Coupons: laying them down, and those that a passholder has or can use at an activity.

use chrono::NaiveDate;
use rand::Rng;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::coupon::{Command, Coupon, Definition, GrantedTo};
use uitpas_domain::group_pass::{self, GroupPass};
use uitpas_domain::ids::{ActivityId, CardSystemId, CouponId, GroupPassId, PassholderId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::cards::CardRefused;
use uitpas_domain::passholder::coupons::Usage;
use uitpas_domain::passholder::ticket_sales::Quote;
use uitpas_domain::passholder::{Passholder, Refused};
use uitpas_projections::coupons as view;
use uitpas_store::Work;

use super::ticket_sales::{self, NewSale, age_of};
use super::{
    Outcome, Request, card_systems_of, decide, demand_ksb, demand_version, execute, offering,
};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// Numbers of coupons fit in a signed number of 32 bits, as the contract has them.
const NUMBER_MAX: u32 = i32::MAX as u32;

/// A KSB admin of the owning card system defines a coupon. Its number is unused but for a stroke of
/// luck that the log refuses.
pub async fn define(app: &App, request: &Request, definition: &Definition) -> Answer<CouponId> {
    let at = app.now();
    let id = CouponId(rand::thread_rng().gen_range(1..=NUMBER_MAX));
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb(&work, &request.caller, definition.owner).await?;
        demand_audience(&work, definition).await?;
        let definition = Box::new(definition.clone());
        decide::<Coupon>(&work, &id, Command::Define { definition, at }).await?;
        Ok(id)
    })
    .await
}

/// A group pass that it names is one of the coupon's card system.
async fn demand_audience(work: &Work, definition: &Definition) -> Outcome<()> {
    let GrantedTo::GroupPass(id) = &definition.granted_to else { return Ok(()) };
    let known = work.load::<GroupPass>(id).await?;
    match known.state.known()?.card_system == definition.owner {
        true => Ok(()),
        false => Err(group_pass::Refused::Unknown)?,
    }
}

/// Changes what will be granted; what was sold stays as it was.
pub async fn change(
    app: &App,
    request: &Request,
    id: CouponId,
    definition: &Definition,
    version: Option<u64>,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        let known = work.load::<Coupon>(&id).await?.state.clone();
        let known = known.definition.as_deref().ok_or(uitpas_domain::coupon::Refused::Unknown)?;
        demand_ksb(&work, &request.caller, known.owner).await?;
        demand_version(version, known)?;
        demand_audience(&work, definition).await?;
        let definition = Box::new(definition.clone());
        decide::<Coupon>(&work, &id, Command::Change { definition, at }).await?;
        Ok(())
    })
    .await
}

/// A coupon as it was laid down, for a KSB admin of its card system.
pub async fn of_ksb(app: &App, caller: &Caller, id: CouponId) -> Answer<Definition> {
    let found = app.store.preview(|work| async move {
        let known = work.load::<Coupon>(&id).await?.state.clone();
        let definition = known.definition.as_deref();
        let definition = definition.ok_or(uitpas_domain::coupon::Refused::Unknown)?;
        demand_ksb(&work, caller, definition.owner).await?;
        Ok(definition.clone())
    });
    Ok(found.await?)
}

/// The coupons that may be usable at an activity today; whether they are is decided by the domain.
pub async fn candidates(
    app: &App,
    caller: &Caller,
    activity: &ActivityId,
) -> Answer<Vec<view::Coupon>> {
    let card_systems: Vec<CardSystemId> = app
        .store
        .preview(|work| async move {
            let offering = offering(&work, activity).await?;
            Ok::<_, uitpas_store::Unsuccessful<Problem>>(
                offering.taking_part().map(|(id, _)| id).collect(),
            )
        })
        .await?;
    let today = day_in_belgium(app.now());
    app.caught_up(caller, view::PROJECTION.name).await?;
    let filter = view::Filter {
        card_systems: Some(card_systems),
        begun_on: Some(today),
        not_over_on: Some(today),
        ..Default::default()
    };
    Ok(view::list(app.pool(), &filter).await?)
}

/// Those of the candidates that buy a ticket, each with what it comes to.
pub async fn usable(
    app: &App,
    caller: &Caller,
    sale: &NewSale,
    candidates: &[view::Coupon],
) -> Answer<Vec<(CouponId, Quote)>> {
    let mut usable = Vec::new();
    for candidate in candidates {
        let with_coupon = NewSale { coupon: Some(candidate.id()), ..sale.clone() };
        match ticket_sales::quote(app, caller, &with_coupon).await {
            Ok(quote) => usable.push((candidate.id(), quote)),
            Err(Problem::Passholder(_) | Problem::OfGroupPass(_)) => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(usable)
}

/// A coupon that a passholder or a group pass was granted.
pub struct Granted {
    pub coupon: view::Coupon,
    pub is_over: bool,
    pub usage: Usage,
}

/// The coupons that are granted to a passholder today: begun, and over or not.
pub async fn granted_to(
    app: &App,
    caller: &Caller,
    passholder: PassholderId,
    card_systems: Option<Vec<CardSystemId>>,
) -> Answer<Vec<Granted>> {
    let at = app.now();
    let today = day_in_belgium(at);
    let coupons = &begun(app, caller, card_systems, today).await?;
    let granted = app.store.preview(|work| async move {
        let state = work.load::<Passholder>(&passholder).await?;
        let holder = state.state.holder()?;
        if holder.memberships.values().all(|membership| membership.blocked) {
            return Err(Refused::from(CardRefused::NoActiveMembership))?;
        }
        let card_systems = card_systems_of(&work, holder).await?;
        let age = age_of(&work, passholder, holder, at).await?;
        let mut granted = Vec::new();
        for coupon in coupons {
            let definition = &coupon.definition.0;
            if holder.demand_granted(definition, age, today, &card_systems).is_ok() {
                let usage = holder.usage(coupon.id(), definition, today);
                granted.push(Granted::of(coupon, usage, today));
            }
        }
        Ok::<_, uitpas_store::Unsuccessful<Problem>>(granted)
    });
    Ok(granted.await?)
}

/// The same for a group pass: what was granted to it by name (R-GRP-02).
pub async fn granted_to_group(
    app: &App,
    caller: &Caller,
    id: GroupPassId,
    card_systems: Option<Vec<CardSystemId>>,
) -> Answer<Vec<Granted>> {
    let today = day_in_belgium(app.now());
    let coupons = begun(app, caller, card_systems, today).await?;
    let state = app.store.load::<GroupPass>(&id).await?;
    let pass = state.state.known()?;
    if pass.blocked {
        return Err(group_pass::Refused::Blocked.into());
    }
    let mut granted = Vec::new();
    for coupon in &coupons {
        let definition = &coupon.definition.0;
        if pass.demand_granted(id, definition).is_ok() {
            let usage = pass.usage(coupon.id(), definition, today);
            granted.push(Granted::of(coupon, usage, today));
        }
    }
    Ok(granted)
}

/// The coupons that have begun, by name.
async fn begun(
    app: &App,
    caller: &Caller,
    card_systems: Option<Vec<CardSystemId>>,
    today: NaiveDate,
) -> Answer<Vec<view::Coupon>> {
    app.caught_up(caller, view::PROJECTION.name).await?;
    let filter = view::Filter { card_systems, begun_on: Some(today), ..Default::default() };
    Ok(view::list(app.pool(), &filter).await?)
}

impl Granted {
    fn of(coupon: &view::Coupon, usage: Usage, today: NaiveDate) -> Self {
        let until = coupon.definition.0.validity.until;
        Self { coupon: coupon.clone(), is_over: until.is_some_and(|until| until < today), usage }
    }
}

/// All coupons of a card system, for its KSB admins.
pub async fn of_card_system(
    app: &App,
    caller: &Caller,
    owner: CardSystemId,
) -> Answer<Vec<view::Coupon>> {
    super::card_systems::demand_admin(app, caller, owner).await?;
    app.caught_up(caller, view::PROJECTION.name).await?;
    let filter = view::Filter { owner: Some(owner), ..Default::default() };
    Ok(view::list(app.pool(), &filter).await?)
}
