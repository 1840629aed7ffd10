create index on settlement_lines (counter, day);
create index on settlement_lines (day);
