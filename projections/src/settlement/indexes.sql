create index on settlement_lines (counter, day);
create index on settlement_lines (day);
create index on settlement_lines (counter, cancelled_day) where cancelled_day is not null;
