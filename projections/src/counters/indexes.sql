create index on counters using gin (card_systems);
create index on staff (counter);
create index on ksb_admins (subject);
