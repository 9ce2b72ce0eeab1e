-- Whoever signs payouts reads them under a role of its own, which can read nothing else and change
-- nothing at all.
create function grant_to_signer(signer name) returns void language plpgsql as $$
begin
    execute format('grant usage on schema %I to %I', current_schema(), signer);
    execute format('revoke all on all tables in schema %I from %I', current_schema(), signer);
    execute format('grant select on payout_batch, payout to %I', signer);
    insert into schema_grant (role, migration) select signer, max(number) from schema_migration
    on conflict (role) do update set migration = excluded.migration;
end
$$;

revoke execute on function grant_to_signer(name) from public;
