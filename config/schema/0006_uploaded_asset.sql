-- Assets that are made of uploads: they have no source, and are processing until all is made.

alter table asset
    alter column source_id drop not null,
    add column upload_id text unique,
    add constraint asset_origin check ((source_id is null) <> (upload_id is null)),
    drop constraint asset_state_check,
    add constraint asset_state_check check (state in ('live', 'processing', 'on_demand'));

create index asset_by_owner on asset (owner, started_at desc) where upload_id is not null;
