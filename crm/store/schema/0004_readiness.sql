-- Readiness of a month and what follows from it: a unit submits its month and explains findings, the bureau returns what
-- it cannot verify and demands what is overdue (督办).

alter table milestone add column returned_on date;
alter table milestone add column returned_by text;
alter table milestone add column return_reason text;
alter table fund_arrival add column returned_on date;
alter table fund_arrival add column returned_by text;
alter table fund_arrival add column return_reason text;

-- The newest row of a unit and month counts; what was open is kept as it was on the day of submission.
create table unit_month (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    unit_id bigint not null,
    month text not null,
    submitted_at timestamp not null,
    submitted_by text not null,
    blocking_findings integer not null,
    warning_findings integer not null,
    note text
);

-- Why a finding stands; one of a month (no progress, an overdue start) is explained month by month.
create table explanation (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    unit_id bigint,
    code text not null,
    subject text not null,
    subject_id bigint not null,
    month text,
    content text not null
);

-- Without a project the order is about the unit itself. Month and card kind are those of the card that it was raised from.
create table supervision_order (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    number text not null,
    unit_id bigint not null,
    project_id bigint,
    month text,
    card text,
    level text not null,
    demand text not null,
    issued_on date not null,
    due_on date not null,
    closed_on date,
    result text
);

-- What happened to an order: raised, answered by the unit, escalated or extended, closed, opened again.
create table supervision_step (
    id bigint primary key,
    version integer not null,
    created_at timestamp not null,
    created_by text not null,
    updated_at timestamp not null,
    updated_by text not null,
    archived_at timestamp,
    order_id bigint not null,
    kind text not null,
    happened_on date not null,
    level text not null,
    due_on date not null,
    content text not null
);
--server: create index supervision_step_order on supervision_step (order_id);
