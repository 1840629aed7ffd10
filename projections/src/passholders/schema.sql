-- The only view with personal data. Removing a passholder empties those columns.
create table passholders (
    id uuid primary key,
    registered_at timestamptz not null,
    -- The counter that registered.
    counter text collate "C" not null,
    -- The Belgian municipality of residence; null abroad.
    home_postal_code text,
    home_name text,
    with_insz boolean not null,
    -- JSON: what messages the passholder agreed to.
    preferences text not null,
    -- Ids of the card systems of all memberships.
    card_systems integer[] not null,
    -- JSON: memberships by card system, with current card and social status.
    memberships text not null,
    -- Ids of the card systems whose membership is to be blocked.
    to_block_in integer[] not null,
    -- What each yearly renewal of social status came to: card system, year and outcome, with a slash
    -- between them.
    renewals text[] not null,
    -- JSON: all cards ever, oldest first; their numbers.
    cards text not null,
    card_numbers text[] not null,
    -- The number to show: of the oldest membership in use.
    current_card text,
    -- May be negative after a correction.
    points bigint not null,
    removed_at timestamptz,

    -- Personal. The folded ones are in lower case, without accents.
    name text,
    name_folded text collate "C",
    first_name text,
    first_name_folded text collate "C",
    birth_date date,
    gender text,
    nationality text,
    street text,
    street_folded text collate "C",
    postal_code text,
    city text,
    city_folded text collate "C",
    country text,
    email text,
    email_folded text collate "C",
    phone text,

    -- Of the event that made the row what it is.
    position bigint not null
);
