-- The members of card systems through time, without personal data: for figures as of a past day.
create table members (
    id uuid primary key,
    registered_at timestamptz not null,
    -- Years, on the day of registration.
    age integer not null,
    removed_at timestamptz,
    -- JSON: where the passholder lived from when on.
    homes text not null,
    -- Ids of the card systems of all memberships.
    card_systems integer[] not null,
    -- JSON: by card system, what the membership was from when on.
    memberships text not null,
    -- Of the event that made the row what it is.
    position bigint not null
);
