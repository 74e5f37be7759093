-- What a working day in the app needs beside the core: labels, dated and anchored segments, word lists of the bureau's
-- own, changes of many records that can be taken back as one, calendars to subscribe to.

alter table enterprise add column tags text;
alter table enterprise add column merged_into_id bigint;
alter table segment add column anchors text;
alter table segment add column valid_from date;
alter table segment add column valid_to date;
alter table account add column calendar_token_hash text;

create table dictionary_entry (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    kind text not null,
    name text not null,
    display_order integer not null
);

create table change_set (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    kind text not null,
    summary text not null,
    record_count integer not null,
    reverted_at timestamp,
    reverted_by text
);

create table change_line (
    id bigint primary key,
    change_set_id bigint not null,
    action text not null,
    subject text not null,
    subject_id bigint not null,
    subject_version integer not null,
    before text,
    after text
);
--server: create index change_line_change_set on change_line (change_set_id);
