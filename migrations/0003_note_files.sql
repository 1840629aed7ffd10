-- The files of expense notes as they were issued: whoever asks for a note later gets what was sent.

set local role uitpas_owner;

create table log.note_files (
    counter text collate "C" not null,
    note integer not null,
    -- What made them. The same one makes them to the byte again.
    renderer integer not null,
    digest bytea not null check (digest = sha256(content)),
    -- A zip.
    content bytea not null,
    primary key (counter, note)
);

create trigger note_files_are_never_changed
    before update or delete or truncate on log.note_files
    for each statement execute function log.refuse_change();
alter table log.note_files enable always trigger note_files_are_never_changed;

-- What was laid down first stays.
create function log.keep_note_files(counter text, note integer, renderer integer, content bytea)
returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into log.note_files (counter, note, renderer, digest, content)
    values (
        keep_note_files.counter, keep_note_files.note, keep_note_files.renderer,
        sha256(keep_note_files.content), keep_note_files.content)
    on conflict do nothing
$$;

revoke all on function log.keep_note_files from public;
grant select on log.note_files to uitpas_app;
grant execute on function log.keep_note_files to uitpas_app;

reset role;
