create table kiosks (
    id uuid primary key,
    name text not null,
    card_system integer not null,
    -- Organizer ids.
    counters text[] not null,
    shows_qr boolean not null,
    -- Whether a device is this kiosk.
    claimed boolean not null,
    -- Of the event that made the row what it is.
    position bigint not null
);
