create table activities (
    -- CDBID.
    id text collate "C" primary key,
    title text not null,
    -- In lower case, without accents.
    title_folded text collate "C" not null,
    -- Counter id.
    organizer text collate "C" not null,
    audience text not null,
    -- False when cancelled.
    available boolean not null,
    -- Rejected or deleted in UiTdatabank.
    withdrawn boolean not null,
    -- Brussels days between which it may be on, both inclusive; null is open.
    first_day date,
    last_day date,
    -- JSON as in the log.
    description text not null,
    settings text not null,
    -- Null: every card system of the organizer.
    card_systems text,
    -- Of the event that made the row what it is.
    position bigint not null
);
