create table associations (
    id uuid primary key,
    -- The card system that defined it.
    owner integer not null,
    name text not null,
    -- The counters that see its memberships, and those that grant them as well.
    readers text[] not null,
    registrars text[] not null,
    -- JSON: all that was laid down.
    definition text not null,
    -- Of the event that made the row what it is.
    position bigint not null
);

-- Without a name: whoever it is, the passholder's own stream tells.
create table association_memberships (
    passholder uuid not null,
    association uuid not null,
    -- The last day, inclusive.
    until_day date not null,
    -- Of the event that made the row what it is.
    position bigint not null,
    primary key (passholder, association)
);
