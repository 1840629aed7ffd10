create table counters (
    -- Organizer id.
    id text collate "C" primary key,
    name text not null,
    -- In lower case, without accents.
    name_folded text collate "C" not null,
    -- JSON as in the log.
    address text not null,
    -- Ids.
    card_systems integer[] not null,
    -- JSON: terms per card system.
    terms text not null,
    iban text,
    -- Of the event that made the row what it is.
    position bigint not null
);

create table staff (
    subject text collate "C" not null,
    counter text collate "C" not null,
    -- member, admin
    kind text not null,
    position bigint not null,
    primary key (subject, counter)
);

create table card_systems (
    id integer primary key,
    name text not null,
    -- JSON as in the log.
    municipalities text not null,
    position bigint not null
);

create table ksb_admins (
    card_system integer not null,
    subject text collate "C" not null,
    position bigint not null,
    primary key (card_system, subject)
);
