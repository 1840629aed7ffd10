create index on redemptions (passholder, at);
create index on redemptions (counter, at);
create index on redemptions (reward, at);
create index on redemptions (at);
