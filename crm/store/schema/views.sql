-- Views are laid anew after every migration; each opens with its grain.

-- one row per project and time that a unit held it; half-open [valid_from, valid_to)
create or replace view project_holding as
select
    h.project_id,
    h.unit_id,
    h.valid_from,
    h.valid_to
from project_unit h
where h.archived_at is null;
