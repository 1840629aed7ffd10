create index on family_links (member);
