create index on passholders (name_folded, first_name_folded, id);
create index on passholders (email_folded);
create index on passholders using gin (card_systems);
create index on passholders using gin (card_numbers);
create index on passholders using gin (to_block_in) where to_block_in <> '{}';
create index on passholders using gin (renewals) where renewals <> '{}';
