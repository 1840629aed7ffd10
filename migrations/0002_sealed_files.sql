-- Files of persons, such as a picture: too large for an event, which names them by their digest. They
-- are sealed under the person's key like all that is personal, and go with it.

set local role uitpas_owner;

create table log.files (
    -- SHA-256 of the sealed bytes.
    digest bytea primary key check (digest = sha256(content)),
    person_id text collate "C" not null,
    content bytea not null
);

-- Finds those of a person, when he is removed.
create index files_person on log.files (person_id);

-- A file is laid down before the event that names it, so that no event names what is not there.
create function log.keep_file(person text, content bytea) returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into log.files (digest, person_id, content)
    values (sha256(keep_file.content), person, keep_file.content)
    on conflict (digest) do nothing
$$;

-- What no event names any more, or never did.
create function log.drop_file(person text, digest bytea) returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    delete from log.files f where f.person_id = person and f.digest = drop_file.digest
$$;

-- Destroying a key takes the files along, in the same transaction.
create function log.drop_files_of_person() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from log.files f where f.person_id = old.person_id;
    return null;
end
$$;

create trigger files_go_with_the_key after delete on log.keys
    for each row execute function log.drop_files_of_person();

revoke all on function log.keep_file, log.drop_file, log.drop_files_of_person from public;
grant select on log.files to uitpas_app;
grant execute on function log.keep_file, log.drop_file to uitpas_app;

reset role;
