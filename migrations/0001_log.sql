-- The log: every event of every stream in one order, and what must be true beside it.
--
-- Two roles. `uitpas_owner` owns the log and is used by migrations only; `uitpas_app` reads the log,
-- adds to it through `log.append`, and owns the schemas of its views. Roles belong to the cluster, so
-- another database may have made them, perhaps at this very moment.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['uitpas_owner', 'uitpas_app'] loop
        if not exists (select from pg_roles where rolname = role_name) then
            begin
                execute format('create role %I login', role_name);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
    execute format('grant create on database %I to uitpas_owner, uitpas_app', current_database());
end
$$;

set local role uitpas_owner;

create schema log;

create table log.events (
    aggregate_type text collate "C" not null,
    aggregate_id text collate "C" not null,
    -- From 1, without gaps, per stream.
    sequence bigint not null,
    event_type text collate "C" not null,
    event_version text collate "C" not null,
    -- `json` and not `jsonb`: the text stays as it was written, and the hash is over that text.
    payload json not null,
    metadata json not null,
    -- The order of commits: from 1, without gaps, over the whole log.
    position bigint not null,
    -- When it was stored, never earlier than at the position before.
    recorded_at timestamptz not null,
    -- SHA-256 of the hash before, the position, the instant and the event itself.
    hash bytea not null,
    -- One condition and not three: each is prepared anew at every append.
    check (sequence > 0 and position > 0 and length(hash) = 32),
    -- Two writers that saw the same history collide here.
    primary key (aggregate_type, aggregate_id, sequence),
    -- What readers follow.
    unique (position)
);

-- Nothing that happened is changed or taken back, whoever asks and however the session is set up.
create function log.refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception 'the log is append-only: % refused', lower(tg_op)
        using errcode = 'insufficient_privilege';
end
$$;

create trigger events_are_never_changed
    before update or delete or truncate on log.events
    for each statement execute function log.refuse_change();
alter table log.events enable always trigger events_are_never_changed;

-- Where the log ends. Appending locks this row first, which puts all appends in one order.
create table log.head (
    -- There is one row.
    only_row boolean primary key default true check (only_row),
    -- The log's own name; the chain of hashes starts from it.
    log_id uuid not null,
    position bigint not null,
    hash bytea not null check (length(hash) = 32),
    recorded_at timestamptz not null
);

insert into log.head (log_id, position, hash, recorded_at)
select id, 0, sha256(uuid_send(id)), '-infinity' from gen_random_uuid() as id;

-- Commands that were carried out: the same id again gets the same result.
create table log.commands (
    command_id uuid primary key,
    -- A keyed hash of the request: the same id with another request is a mistake of the caller.
    request_hash bytea not null check (length(request_hash) = 32),
    position bigint not null,
    -- What was decided. Ids and amounts, no personal data.
    result json not null,
    recorded_at timestamptz not null,
    -- Kiosks may come back after months offline, so their commands are never forgotten.
    keep boolean not null
);

-- Finds the old ones; rows arrive in this order, so a few blocks of index are enough.
create index commands_recorded_at on log.commands using brin (recorded_at);

-- What only one may hold at a time (INSZ, e-mail address, ...), as keyed hashes.
create table log.claims (
    kind text collate "C" not null,
    hash bytea not null,
    owner text collate "C" not null,
    primary key (kind, hash)
);

-- Finds everything that somebody holds, when he is removed.
create index claims_owner on log.claims (owner);

-- The keys under which personal data is sealed, each wrapped by the master key. Deleting one makes
-- the data of that person unreadable for ever.
create table log.keys (
    person_id text collate "C" primary key,
    wrapped_key bytea not null
);

-- Appends a batch of units; each of them happens wholly or not at all, and one does not hinder another.
--
-- A unit is a command with its parts (streams that must stand at an expected sequence, with the events
-- to add to them, or none: a guard), its claims and its keys. Arrays of one family have equal lengths
-- and are in the order of the units; unit_parts, unit_events, unit_claims and unit_keys say how many
-- elements belong to each unit. stream_* are the distinct streams, which part_stream counts from 1.
--
-- If nothing stood in the way of any unit, as nearly always, the answer is a single row:
--   all                        appended; position is that of the head before them
-- Otherwise it has one row per unit, in order:
--   appended                   at position (of its last event; of the head if it has none)
--   duplicate                  command known: its position, request_hash and result
--   conflict                   which = the stream that has moved on; null if a key exists already
--   taken                      which = the claim (counted from 1 in the batch) that another holds
create function log.append(
    unit_commands uuid[],
    unit_requests bytea[],
    unit_results text[],
    unit_keeps boolean[],
    unit_parts integer[],
    unit_events integer[],
    unit_claims integer[],
    unit_keys integer[],
    stream_types text[],
    stream_ids text[],
    part_streams integer[],
    part_expected bigint[],
    part_after bigint[],
    event_aggregate_types text[],
    event_aggregate_ids text[],
    event_sequences bigint[],
    event_types text[],
    event_versions text[],
    event_payloads text[],
    event_metadata text[],
    event_digests bytea[],
    -- A claim is taken or freed; freed without a hash means: all that the owner holds.
    claim_takes boolean[],
    claim_kinds text[],
    claim_hashes bytea[],
    claim_owners text[],
    -- A key is inserted, or destroyed where there is no wrapped key.
    key_persons text[],
    key_wrapped bytea[]
) returns table (verdict text, which integer, "position" bigint, request_hash bytea, result text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    head_position bigint;
    head_hash bytea;
    head_recorded_at timestamptz;
    position_before bigint;
    instant bytea;
    is_new boolean;
    known bigint[];
    sequences bigint[];
    -- Of the events that are written; null for the others.
    positions bigint[] := array_fill(null::bigint, array[cardinality(event_digests)]);
    hashes bytea[] := array_fill(null::bytea, array[cardinality(event_digests)]);
    -- Of the units that are written; null for the others.
    unit_positions bigint[] := array_fill(null::bigint, array[cardinality(unit_commands)]);
    -- Null as long as nothing stands in the way of any unit.
    verdicts text[];
    whiches integer[];
    part integer := 0;
    event integer := 0;
    claim integer := 0;
    key integer := 0;
    why text;
    which_one integer;
    holder text;
begin
    -- First the lock. Every statement after it has a snapshot of its own, and so sees what those
    -- who held the lock before us have committed.
    select h.position, h.hash, h.recorded_at into head_position, head_hash, head_recorded_at
    from log.head h where h.only_row for update;
    position_before := head_position;
    head_recorded_at := greatest(clock_timestamp(), head_recorded_at);
    instant := int8send((extract(epoch from head_recorded_at) * 1000000)::bigint);

    select
        not exists (select from log.commands c where c.command_id = any(unit_commands)),
        array(
            select coalesce((
                select e.sequence from log.events e
                where e.aggregate_type = stream_types[s] and e.aggregate_id = stream_ids[s]
                order by e.sequence desc limit 1), 0)
            from generate_series(1, cardinality(stream_types)) s order by s)
    into is_new, sequences;

    -- The short way, for units that have nothing to do with one another. As many streams as parts:
    -- no stream occurs twice, and both are in the same order.
    if is_new and cardinality(stream_types) = cardinality(part_streams)
        and sequences = part_expected and claim_takes = '{}' and key_persons = '{}'
    then
        for e in 1 .. cardinality(event_digests) loop
            head_position := head_position + 1;
            head_hash := sha256(
                head_hash || int8send(head_position) || instant || event_digests[e]);
            positions[e] := head_position;
            hashes[e] := head_hash;
        end loop;
        for unit in 1 .. cardinality(unit_commands) loop
            event := event + unit_events[unit];
            unit_positions[unit] := position_before + event;
        end loop;
    else
        known := array(
            select (select c.position from log.commands c where c.command_id = u.command_id)
            from unnest(unit_commands) with ordinality u(command_id, n) order by u.n);
        for unit in 1 .. cardinality(unit_commands) loop
            why := 'appended';
            which_one := null;
            if known[unit] is not null then
                why := 'duplicate';
            end if;
            for p in part + 1 .. part + unit_parts[unit] loop
                exit when why <> 'appended';
                if sequences[part_streams[p]] <> part_expected[p] then
                    why := 'conflict';
                    which_one := part_streams[p];
                end if;
            end loop;
            for c in claim + 1 .. claim + unit_claims[unit] loop
                exit when why <> 'appended';
                if claim_takes[c] then
                    select k.owner into holder from log.claims k
                    where k.kind = claim_kinds[c] and k.hash = claim_hashes[c];
                    if found and holder <> claim_owners[c] then
                        why := 'taken';
                        which_one := c;
                    end if;
                end if;
            end loop;
            for k in key + 1 .. key + unit_keys[unit] loop
                exit when why <> 'appended';
                if key_wrapped[k] is not null
                    and exists (select from log.keys o where o.person_id = key_persons[k])
                then
                    why := 'conflict';
                end if;
            end loop;

            -- After this line the unit is written, or the whole batch fails.
            if why = 'appended' then
                for p in part + 1 .. part + unit_parts[unit] loop
                    sequences[part_streams[p]] := part_after[p];
                end loop;
                for e in event + 1 .. event + unit_events[unit] loop
                    head_position := head_position + 1;
                    head_hash := sha256(
                        head_hash || int8send(head_position) || instant || event_digests[e]);
                    positions[e] := head_position;
                    hashes[e] := head_hash;
                end loop;
                for c in claim + 1 .. claim + unit_claims[unit] loop
                    if claim_takes[c] then
                        insert into log.claims (kind, hash, owner)
                        select claim_kinds[c], claim_hashes[c], claim_owners[c]
                        where not exists (
                            select from log.claims k
                            where k.kind = claim_kinds[c] and k.hash = claim_hashes[c]
                                and k.owner = claim_owners[c]);
                    elsif claim_hashes[c] is null then
                        delete from log.claims k where k.owner = claim_owners[c];
                    else
                        delete from log.claims k
                        where k.kind = claim_kinds[c] and k.hash = claim_hashes[c]
                            and k.owner = claim_owners[c];
                    end if;
                end loop;
                for k in key + 1 .. key + unit_keys[unit] loop
                    if key_wrapped[k] is not null then
                        insert into log.keys (person_id, wrapped_key)
                        values (key_persons[k], key_wrapped[k]);
                    else
                        delete from log.keys o where o.person_id = key_persons[k];
                    end if;
                end loop;
                unit_positions[unit] := head_position;
            end if;
            verdicts[unit] := why;
            whiches[unit] := which_one;
            part := part + unit_parts[unit];
            event := event + unit_events[unit];
            claim := claim + unit_claims[unit];
            key := key + unit_keys[unit];
        end loop;
    end if;

    if verdicts is null or 'appended' = any(verdicts) then
        insert into log.events (
            aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
            position, recorded_at, hash)
        select
            event_aggregate_types[e], event_aggregate_ids[e], event_sequences[e], event_types[e],
            event_versions[e], event_payloads[e]::json, event_metadata[e]::json, positions[e],
            head_recorded_at, hashes[e]
        from generate_series(1, cardinality(positions)) e
        where positions[e] is not null;

        insert into log.commands (command_id, request_hash, position, result, recorded_at, keep)
        select
            unit_commands[u], unit_requests[u], unit_positions[u], unit_results[u]::json,
            head_recorded_at, unit_keeps[u]
        from generate_series(1, cardinality(unit_commands)) u
        where unit_positions[u] is not null;

        update log.head h
        set position = head_position, hash = head_hash, recorded_at = head_recorded_at
        where h.only_row;

        -- Only a hint for those who wait; they poll as well.
        perform pg_notify('uitpas_log', head_position::text);
    end if;

    if verdicts is null then
        return query values ('all', null::integer, position_before, null::bytea, null::text);
        return;
    end if;
    return query
    select u.verdict, u.which, coalesce(u.position, c.position), c.request_hash, c.result::text
    from unnest(verdicts, whiches, unit_positions, unit_commands) with ordinality
        as u(verdict, which, position, command_id, n)
    left join lateral (
        select k.position, k.request_hash, k.result from log.commands k
        where u.verdict = 'duplicate' and k.command_id = u.command_id
        offset 0) c on true
    order by u.n;
end
$$;

-- Forgets the commands of more than 90 days ago, but not those of kiosks. Says how many.
create function log.forget_commands() returns bigint
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    with forgotten as (
        delete from log.commands
        where recorded_at < now() - interval '90 days' and not keep
        returning 1)
    select count(*) from forgotten
$$;

revoke all on all functions in schema log from public;
grant usage on schema log to uitpas_app;
grant select on all tables in schema log to uitpas_app;
grant execute on function log.append, log.forget_commands to uitpas_app;

reset role;
