-- How far each view has come. Whoever changes a view locks its row first.
create table if not exists views.checkpoints (
    name text collate "C" primary key,
    -- Of its tables and its fold.
    version integer not null,
    -- The last event in it.
    position bigint not null,
    -- What it consists of.
    tables text[] not null
)
