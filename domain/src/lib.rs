//! The rules of UiTPAS: values, aggregates, decisions. No IO, no clock, no random ids, no async.
//!
//! Every aggregate has one file (or folder) that reads in the same order: `Command`, `Event`,
//! `Refused`, the state, `decide`, `evolve`, and then its rules. Facts from elsewhere come in with
//! the command. An activity of UiTdatabank is an [`activity::Activity`]: the word *event* is kept
//! for what stands in the log.
//!
//! | Dutch | here |
//! |---|---|
//! | pashouder | [`passholder::Passholder`] |
//! | kaart | [`card::Card`] |
//! | kaartsysteem, KSB | [`card_system::CardSystem`] and its KSB admins |
//! | balie | [`counter::Counter`] |
//! | kansenstatuut | [`social_status::SocialStatus`] |
//! | kansentarief, verdeelsleutel | [`distribution::DistributionKey`] |
//! | UiTID | [`account::Account`], of a person; a program has a [`client::Client`] |
//! | gespaard punt | a check-in: [`passholder::check_ins`] |
//! | lidmaatschap | of an [`association::Association`], in [`passholder::associations`] |
//! | kortingsbon | [`coupon::Coupon`], used in [`passholder::coupons`] |
//! | groepspas | [`group_pass::GroupPass`] |
//! | toegekende korting | a ticket sale: [`passholder::ticket_sales`] |
//! | omruil- en welkomstvoordeel | [`reward::Reward`] |
//! | opgenomen voordeel | a redemption: [`passholder::redemptions`] |

pub mod account;
pub mod activity;
pub mod association;
pub mod bulk;
pub mod calendar;
pub mod card;
pub mod card_system;
pub mod client;
pub mod counter;
pub mod coupon;
pub mod distribution;
pub mod group_pass;
pub mod ids;
pub mod insight;
pub mod kiosk;
pub mod limit;
pub mod metadata;
pub mod offering;
pub mod order;
pub mod passholder;
pub mod payment;
pub mod permission;
pub mod recorded;
pub mod reward;
pub mod root;
pub mod sealed;
pub mod segment;
pub mod social_status;
pub mod values;
