-- Granted tariffs on their way to an expense note, with everything it prints.
create table settlement_lines (
    sale uuid primary key,
    -- Of the sale in the log.
    sold_position bigint not null,
    -- The Brussels day on which the sale was registered.
    day date not null,
    -- Of the cancellation, if there was one.
    cancelled_position bigint,
    cancelled_day date,
    counter text collate "C" not null,
    -- The municipality that pays its share.
    postal_code text collate "C" not null,
    municipality text collate "C" not null,
    activity text collate "C" not null,
    title text not null,
    price_name text,
    -- Not one of the activity's prices.
    deviating boolean not null,
    -- Amounts in euro cents; the shares sum to the price.
    price bigint not null,
    passholder_share bigint not null,
    organizer_share bigint not null,
    municipality_share bigint not null,
    -- Distribution key of the card system, or the coupon.
    card_system integer not null,
    key_id integer not null,
    key_name text not null,
    -- Of the event that made the row what it is.
    position bigint not null
);

create table settlement_notes (
    counter text collate "C" not null,
    -- From 1 per counter, in the order of issue.
    number integer not null,
    -- Brussels days, both inclusive.
    from_day date not null,
    until_day date not null,
    -- The log is taken in up to here, and its hash there.
    pinned_position bigint not null,
    issued_position bigint not null,
    head text not null,
    rule_set integer not null,
    -- Of the canonical text of its lines.
    digest text not null,
    -- JSON as in the log: what each municipality owes.
    parts text not null,
    -- The last day to answer.
    deadline date not null,
    issued_at timestamptz not null,
    approved_at timestamptz,
    objected_at timestamptz,
    -- Sealed, like the other one.
    objection_reason text,
    -- JSON: ids.
    objection_sales text not null,
    settled_at timestamptz,
    upheld boolean,
    settlement_reason text,
    position bigint not null,
    primary key (counter, number)
);
