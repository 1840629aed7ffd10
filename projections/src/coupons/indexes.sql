create index on coupons using gin (card_systems);
create index on coupons (owner);
