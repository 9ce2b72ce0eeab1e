-- Clips: assets that are made of a part of another one, which may be removed before them.

alter table asset
    -- No reference: the original may be gone. Times in the original as it is played.
    add column clip_of text,
    add column clip_start_ms bigint,
    add column clip_end_ms bigint,
    add constraint asset_clip check (
        num_nonnulls(clip_of, clip_start_ms, clip_end_ms) in (0, 3)
        and clip_start_ms >= 0 and clip_end_ms > clip_start_ms
    ),
    drop constraint asset_origin,
    add constraint asset_origin check (num_nonnulls(source_id, upload_id, clip_of) = 1);
