create table check_ins (
    -- ActieID.
    id uuid primary key,
    passholder uuid not null,
    activity text collate "C" not null,
    title text not null,
    -- In lower case, without accents.
    title_folded text collate "C" not null,
    counter text collate "C" not null,
    -- UiTPAS number.
    card text collate "C" not null,
    points integer not null,
    channel text not null,
    -- The ticket sale that gave it.
    sale uuid,
    -- Where the passholder lived; null abroad.
    home_postal_code text,
    home_name text,
    -- When it happened.
    at timestamptz not null,
    -- When it was corrected.
    corrected_at timestamptz,
    -- Of the event that made the row what it is.
    position bigint not null
);
