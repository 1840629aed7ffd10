create index on kiosks using gin (counters);
