create index on members using gin (card_systems);
