create table rewards (
    id uuid primary key,
    title text not null,
    -- In lower case, without accents.
    title_folded text collate "C" not null,
    -- points, welcome
    kind text not null,
    points integer not null,
    -- active, inactive, deleted
    status text not null,
    categories text[] not null,
    -- Id of the card system that owns it.
    owner integer not null,
    -- Whom and where it is for; empty is everyone, everywhere.
    only_card_systems integer[] not null,
    only_at_counters text[] not null,
    only_inhabitants_of text[] not null,
    -- Brussels days, both inclusive; null is open.
    publication_from date,
    publication_until date,
    granting_from date,
    granting_until date,
    redemption_from date,
    redemption_until date,
    -- Null: without end.
    units_max integer,
    units_taken integer not null,
    -- Whether a redemption gets a code, and how many codes are left.
    with_codes boolean not null,
    codes_unused integer not null,
    -- Redemptions that were not cancelled.
    redeemed integer not null,
    -- After first use its points and begin are fixed.
    used boolean not null,
    -- JSON as in the log.
    definition text not null,
    created_at timestamptz not null,
    -- Of the event that made the row what it is.
    position bigint not null
);
