create table cards (
    -- UiTPAS number.
    number text collate "C" primary key,
    card_system integer not null,
    -- The counter that has it in stock; null: none.
    counter text collate "C",
    digital boolean not null,
    -- provisioned, stock, sent-to-counter, local-stock, active, blocked, deleted
    state text not null,
    -- Of the event that made the row what it is.
    position bigint not null
);
