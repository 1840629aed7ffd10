create index on associations (owner, name);
create index on association_memberships (association, until_day);
