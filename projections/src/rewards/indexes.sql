create index on rewards (owner);
