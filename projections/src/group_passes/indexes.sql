create index on group_passes (card_system, name);
