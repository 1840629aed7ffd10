create table ticket_sales (
    id uuid primary key,
    -- Of the passholder, or of the group pass.
    passholder uuid not null,
    group_pass boolean not null,
    activity text collate "C" not null,
    title text not null,
    -- In lower case, without accents.
    title_folded text collate "C" not null,
    counter text collate "C" not null,
    card_system integer not null,
    -- UiTPAS number.
    card text collate "C" not null,
    -- Amounts in euro cents; the shares sum to the price.
    price bigint not null,
    passholder_share bigint not null,
    organizer_share bigint not null,
    municipality_share bigint not null,
    price_name text,
    -- Not one of the activity's prices.
    deviating boolean not null,
    -- Distribution key of the card system, or the coupon.
    key_id integer not null,
    key_name text not null,
    -- Whether it was sold with a coupon, and not at the social tariff.
    with_coupon boolean not null,
    -- The municipality that pays.
    payer_postal_code text not null,
    payer_name text not null,
    -- The check-in that it gave.
    check_in uuid,
    -- When it was sold.
    at timestamptz not null,
    cancelled_at timestamptz,
    -- Of the event that made the row what it is.
    position bigint not null
);
