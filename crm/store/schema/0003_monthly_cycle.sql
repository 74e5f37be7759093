-- The monthly cycle: a closed month as it was published, with the facts behind each number.

create table month_close (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    month text not null,
    as_of date not null,
    basis text not null,
    rules_name text not null,
    rules_version integer not null,
    rules_settings text not null,
    blocking_findings integer not null,
    override_reason text,
    reopened_at timestamp,
    reopened_by text,
    reopen_reason text
);

-- Lines of a close are never changed: they have no stamps of their own.
create table month_row (
    id bigint primary key,
    close_id bigint not null,
    position integer not null,
    unit_id bigint not null,
    unit_code text not null,
    unit_name text not null,
    unit_short_name text not null,
    unit_kind text not null,
    peer_group text not null,
    display_order integer not null,
    rank integer,
    previous_rank integer,
    score text,
    adjustment decimal(18, 4) not null,
    pairs text not null
);
--server: create index month_row_close on month_row (close_id);

create table month_fact (
    id bigint primary key,
    close_id bigint not null,
    project_id bigint not null,
    unit_id bigint not null,
    code text not null,
    name text not null,
    enterprise text,
    signing_d boolean not null,
    signing_n boolean not null,
    performance_d boolean not null,
    performance_n boolean not null,
    startup_d boolean not null,
    startup_n boolean not null,
    registration_d boolean not null,
    registration_n boolean not null,
    completion_d boolean not null,
    completion_n boolean not null,
    production_d boolean not null,
    production_n boolean not null,
    funds_d boolean not null,
    funds_n boolean not null,
    entered_on date,
    negotiating_on date,
    signed_on date,
    registered_on date,
    first_funds_on date,
    planned_start_on date,
    started_on date,
    completed_on date,
    production_on date,
    withdrawn_on date,
    excluded_on date,
    planned_investment decimal(18, 2),
    contracted_amount decimal(18, 2),
    arrived decimal(18, 2) not null
);
--server: create index month_fact_close on month_fact (close_id, project_id);

-- The bulletin (通报): what a close keeps for it beside ranking and facts, and the bureau's own texts.
create table month_bulletin (
    id bigint primary key,
    close_id bigint not null,
    figures text not null,
    announced text not null,
    texts text not null
);
--server: create index month_bulletin_close on month_bulletin (close_id);

-- A text without a month is the standing template of its block.
create table bulletin_text (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    month text,
    block text not null,
    content text not null
);
