create index on check_ins (passholder, at);
create index on check_ins (counter, at);
create index on check_ins (activity, at);
create index on check_ins (at);
