create table family_links (
    -- Whose family it is, and who was added to it.
    owner uuid not null,
    member uuid not null,
    since timestamptz not null,
    -- Of the event that made the row what it is.
    position bigint not null,
    primary key (owner, member)
);
