create index on activities (organizer, last_day);
