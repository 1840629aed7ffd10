create table redemptions (
    id uuid primary key,
    passholder uuid not null,
    reward uuid not null,
    title text not null,
    -- In lower case, without accents.
    title_folded text collate "C" not null,
    -- points, welcome
    kind text not null,
    points integer not null,
    counter text collate "C" not null,
    -- UiTPAS number.
    card text collate "C" not null,
    -- When it was taken up.
    at timestamptz not null,
    cancelled_at timestamptz,
    -- Of the event that made the row what it is.
    position bigint not null
);
