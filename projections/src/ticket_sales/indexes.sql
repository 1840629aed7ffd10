create index on ticket_sales (passholder, at);
create index on ticket_sales (counter, at);
create index on ticket_sales (activity, at);
create index on ticket_sales (at);
