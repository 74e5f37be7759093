-- What a working day in the app needs beside the core: labels, dated and anchored segments, word lists of the bureau's
-- own, changes of many records that can be taken back as one, calendars to subscribe to,
-- contacts that put an earlier one right.

alter table enterprise add column tags text;
alter table enterprise add column merged_into_id bigint;
alter table segment add column anchors text;
alter table segment add column valid_from date;
alter table segment add column valid_to date;
alter table account add column calendar_token_hash text;
alter table follow_up add column corrects_id bigint;
--server: create index movement_enterprise on movement (enterprise_id, happened_on);
--server: create index attachment_subject on attachment (subject, subject_id);
--server: create index follow_up_author on follow_up (created_by, created_at);
--server: create index follow_up_happened on follow_up (happened_on);
--server: create index follow_up_open_step on follow_up (next_due_on) where done_at is null and next_due_on is not null;
--server: create index engagement_step_enterprise on engagement_step (enterprise_id);

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

-- two enterprises that somebody looked at and found to be different; the smaller id first
create table not_duplicate (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    enterprise_id bigint not null,
    other_id bigint not null
);
