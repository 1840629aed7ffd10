create table coupons (
    id integer primary key,
    -- The card system that defined it.
    owner integer not null,
    -- Of the activities at which it can be used.
    card_systems integer[] not null,
    -- Brussels days, inclusive; null: open.
    valid_from date,
    valid_until date,
    name text collate "C" not null,
    -- JSON: all that was laid down.
    definition text not null,
    -- Of the event that made the row what it is.
    position bigint not null
);
