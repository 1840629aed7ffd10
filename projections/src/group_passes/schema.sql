create table group_passes (
    id uuid primary key,
    card_system integer not null,
    -- UiTPAS number.
    card text collate "C" not null,
    name text not null,
    postal_code text collate "C" not null,
    city text not null,
    -- The last day, inclusive.
    until_day date not null,
    -- At the social tariff; null without social status.
    tickets_per_year integer,
    blocked boolean not null,
    -- Of the event that made the row what it is.
    position bigint not null
);
