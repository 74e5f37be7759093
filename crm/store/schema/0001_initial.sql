-- The tables of the bureau. One text serves both engines; a line that starts with "--server:" runs on the server engine only.
-- Money is 元; dates are business dates; moments (…_at) are UTC without zone. References are checked by the write path.

create sequence record_id start 1000;

create table schema_version (
    number integer primary key,
    name text not null,
    applied_at timestamp not null
);

create table setting (
    key text primary key,
    value text not null
);

create table unit (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    code text not null unique,
    name text not null,
    short_name text not null,
    kind text not null,
    peer_group text not null,
    display_order integer not null,
    parent_id bigint
);

create table unit_alias (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    unit_id bigint not null,
    name text not null,
    valid_from date,
    valid_to date
);

create table account (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    login text not null unique,
    name text not null,
    unit_id bigint,
    roles text not null,
    industries text not null,
    password_hash text,
    password_set_at timestamp,
    setup_code_hash text,
    setup_expires_at timestamp,
    totp_secret text,
    failed_attempts integer not null default 0,
    locked_until timestamp,
    disabled_at timestamp,
    last_sign_in_at timestamp,
    language text not null default 'zh_CN'
);

create table session (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    token_hash text not null unique,
    account_id bigint not null,
    last_seen_at timestamp not null,
    expires_at timestamp not null,
    revoked_at timestamp
);

create table industry (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    code text not null unique,
    name text not null,
    name_en text not null,
    display_order integer not null,
    valid_from date,
    valid_to date,
    chain_leader text,
    task_force text,
    lead_department text
);

create table segment (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    industry_id bigint not null,
    code text not null,
    tier text not null,
    name text not null,
    role text,
    keywords text,
    display_order integer not null
);

create table enterprise (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    name text not null,
    name_key text not null,
    search_text text not null,
    credit_code text,
    kind text,
    origin_province text,
    origin_city text,
    address text,
    registered_capital decimal(18, 2),
    registered_capital_original decimal(18, 2),
    registered_capital_currency text,
    founded_on date,
    main_business text,
    recognition text,
    investment_direction text,
    intended_amount decimal(18, 2),
    intended_amount_original decimal(18, 2),
    intended_amount_currency text,
    grade text,
    source text,
    owner_unit_id bigint,
    owner_person text,
    liaison_leader text,
    status text,
    note text,
    last_contact_on date,
    next_contact_on date
);
--server: create index enterprise_name_key on enterprise (name_key);
--server: create index enterprise_credit_code on enterprise (credit_code);
--server: create index enterprise_owner on enterprise (owner_unit_id, updated_at);
--server: create extension if not exists pg_trgm;
--server: create index enterprise_search on enterprise using gin (search_text gin_trgm_ops);

create table enterprise_alias (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    enterprise_id bigint not null,
    name text not null,
    name_key text not null,
    reason text
);

create table enterprise_segment (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    enterprise_id bigint not null,
    industry_id bigint not null,
    segment_id bigint,
    role text
);
--server: create index enterprise_segment_enterprise on enterprise_segment (enterprise_id);
--server: create index enterprise_segment_segment on enterprise_segment (industry_id, segment_id);

create table contact_person (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    enterprise_id bigint not null,
    name text not null,
    title text,
    phone text,
    wechat text,
    email text,
    is_key boolean not null default false,
    purpose text,
    note text
);
--server: create index contact_person_enterprise on contact_person (enterprise_id);

create table follow_up (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    enterprise_id bigint not null,
    project_id bigint,
    happened_on date not null,
    method text not null,
    our_people text,
    their_people text,
    content text not null,
    outcome text,
    difficulty text,
    next_step text,
    next_due_on date,
    done_at timestamp,
    unit_id bigint,
    author_id bigint,
    author text,
    form_token text
);
--server: create index follow_up_enterprise on follow_up (enterprise_id, happened_on);
--server: create index follow_up_unit on follow_up (unit_id, happened_on);
--server: create index follow_up_form_token on follow_up (form_token) where form_token is not null;

create table movement (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    enterprise_id bigint not null,
    happened_on date not null,
    kind text not null,
    content text not null,
    source text
);

create table engagement_step (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    enterprise_id bigint not null,
    step text not null,
    planned_on date,
    owner text,
    follow_up_id bigint
);

create table opportunity (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    name text not null,
    name_key text not null,
    industry_id bigint not null,
    segment_id bigint,
    unit_id bigint not null,
    place text,
    estimated_amount decimal(18, 2),
    estimated_amount_original decimal(18, 2),
    estimated_amount_currency text,
    land_mu decimal(18, 2),
    cooperation_mode text,
    feasibility_study text,
    conditions text,
    contact_name text,
    contact_phone text,
    status text
);

create table project (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    code text not null unique,
    name text not null,
    name_key text not null,
    search_text text not null,
    enterprise_id bigint not null,
    opportunity_id bigint,
    industry_id bigint,
    segment_id bigint,
    unit_id bigint not null,
    place text,
    planned_investment decimal(18, 2),
    planned_investment_original decimal(18, 2),
    planned_investment_currency text,
    contracted_amount decimal(18, 2),
    contracted_amount_original decimal(18, 2),
    contracted_amount_currency text,
    fixed_assets decimal(18, 2),
    stage text not null,
    status text not null,
    entered_on date not null,
    entered_given boolean not null default false,
    negotiating_on date,
    signed_on date,
    agreement_kind text,
    registered_on date,
    company_name text,
    company_credit_code text,
    first_funds_on date,
    planned_start_on date,
    started_on date,
    completed_on date,
    production_on date,
    withdrawn_on date,
    withdrawn_reason text,
    liaison_leader text,
    responsible_person text,
    evidence text,
    excluded_on date,
    excluded_reason text,
    note text
);
--server: create index project_unit_id on project (unit_id);
--server: create index project_enterprise_id on project (enterprise_id);

create table project_unit (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    project_id bigint not null,
    unit_id bigint not null,
    is_first boolean not null,
    valid_from date not null,
    valid_to date
);
--server: create index project_unit_project on project_unit (project_id);

create table stage_log (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    project_id bigint not null,
    from_stage text,
    to_stage text not null,
    moved_on date not null,
    days_in_stage integer,
    note text
);
--server: create index stage_log_project on stage_log (project_id);

create table milestone (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    project_id bigint not null,
    kind text not null,
    planned_on date,
    actual_on date,
    unit_id bigint,
    owner text,
    evidence text,
    verified_on date,
    verified_by text
);
--server: create index milestone_project on milestone (project_id);

create table fund_arrival (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    project_id bigint not null,
    arrived_on date not null,
    amount decimal(18, 2),
    amount_original decimal(18, 2),
    amount_currency text,
    kind text,
    voucher text,
    occurrence integer not null default 1,
    evidence text,
    note text,
    verified_on date,
    verified_by text
);
--server: create index fund_arrival_project on fund_arrival (project_id, arrived_on);

create table agreement (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    project_id bigint not null,
    number text,
    kind text,
    signed_on date not null,
    event text,
    amount decimal(18, 2),
    amount_original decimal(18, 2),
    amount_currency text,
    term text,
    status text not null default 'active',
    note text
);
--server: create index agreement_project on agreement (project_id, signed_on);

create table commitment (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    project_id bigint not null,
    agreement_id bigint,
    party text not null,
    clause text not null,
    kind text,
    legal_basis text,
    condition text,
    amount decimal(18, 2),
    amount_original decimal(18, 2),
    amount_currency text,
    due_on date,
    unit_id bigint,
    review_result text,
    review_number text,
    fulfilled_on date,
    note text
);

create table difficulty (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    project_id bigint,
    enterprise_id bigint,
    phase text,
    kind text,
    content text not null,
    raised_on date not null,
    unit_id bigint,
    due_on date,
    resolved_on date,
    result text
);

create table target (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    unit_id bigint not null,
    year integer not null,
    measure text not null,
    value decimal(18, 2) not null
);

create table rule_set (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    name text not null,
    rules_version integer not null,
    effective_from date,
    settings text not null,
    note text,
    unique (name, rules_version)
);

create table adjustment (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    unit_id bigint not null,
    month text not null,
    points decimal(9, 4) not null,
    reason text not null,
    evidence text
);

create table import_batch (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    kind text not null,
    file_name text not null,
    file_sha256 text not null,
    sheet text,
    row_count integer not null,
    new_count integer not null,
    updated_count integer not null,
    unchanged_count integer not null,
    rejected_count integer not null,
    warning_count integer not null,
    reverted_at timestamp,
    reverted_by text
);

create table import_row (
    id bigint primary key,
    batch_id bigint not null,
    row_number integer not null,
    action text not null,
    subject text,
    subject_id bigint,
    subject_version integer,
    before text,
    after text,
    reason text
);
--server: create index import_row_batch on import_row (batch_id);

create table saved_view (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    owner_id bigint not null,
    page text not null,
    name text not null,
    query text not null,
    shared boolean not null default false
);

create table attachment (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    subject text not null,
    subject_id bigint not null,
    name text not null,
    size bigint not null,
    sha256 text not null,
    media_type text not null
);

create table audit (
    id bigint primary key,
    happened_at timestamp not null,
    actor text not null,
    action text not null,
    subject text not null,
    subject_id bigint,
    before text,
    after text,
    note text,
    previous_hash text not null,
    hash text not null
);
--server: create index audit_subject on audit (subject, subject_id);

create table audit_head (
    id integer primary key,
    version integer not null,
    last_id bigint not null,
    hash text not null
);
