create index on cards (card_system, counter, state);
