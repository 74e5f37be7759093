"""Who may do what: one table of grants, role × action × scope, and one function for record and list.

`visible()` yields the condition of a list; `require()` asks the same condition about one record, so that the two cannot
disagree. The condition is applied before any sum. Rankings, rates and bulletins are computed over all units and may be
read by everyone signed in; lists, drill-downs, counts and exports follow the reader's scope.

An enterprise is visible in full to its owner unit, to the units that hold a project of theirs, to the bureau and to the
task forces of its chains; its follow-ups and contact people are as visible as itself.
"""

from enum import StrEnum
from typing import Any

from crm.errors import Denied, NotFound
from crm.locale import _
from crm.model import LABELS, Actor, Role
from crm.store import Params, Session, Transaction


class Action(StrEnum):
    """What a right is about."""

    READ = "read"
    CREATE = "create"
    EDIT = "edit"
    WITHDRAW = "withdraw"
    COMMENT = "comment"
    ASSIGN = "assign"
    TRANSFER = "transfer"
    VERIFY = "verify"
    SUBMIT = "submit"
    IMPORT = "import"
    EXPORT = "export"
    REVEAL = "reveal"
    ADJUST = "adjust"
    SUPERVISE = "supervise"
    CLOSE = "close"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_REFERENCE = "manage_reference"
    MANAGE_RULES = "manage_rules"
    READ_RULES = "read_rules"
    READ_AUDIT = "read_audit"
    BACK_UP = "back_up"


class Scope(StrEnum):
    """How far a right reaches."""

    OWN = "own"
    UNIT = "unit"
    CHAIN = "chain"
    ALL = "all"


LABELS.update(
    {
        Action: {
            Action.READ: _("See enterprises, projects and contacts"),
            Action.CREATE: _("Add records and log contacts"),
            Action.EDIT: _("Change records"),
            Action.WITHDRAW: _("Take back a contact"),
            Action.COMMENT: _("Comment"),
            Action.ASSIGN: _("Assign a responsible person"),
            Action.TRANSFER: _("Hand over to another unit"),
            Action.VERIFY: _("Verify milestones and funds"),
            Action.SUBMIT: _("Submit the month"),
            Action.IMPORT: _("Import ledgers"),
            Action.EXPORT: _("Export lists"),
            Action.REVEAL: _("See contact details unmasked"),
            Action.ADJUST: _("Set targets and adjustment points"),
            Action.SUPERVISE: _("Raise and close supervision orders"),
            Action.CLOSE: _("Close the month"),
            Action.MANAGE_ACCOUNTS: _("Manage accounts"),
            Action.MANAGE_REFERENCE: _("Manage units, chains and word lists"),
            Action.MANAGE_RULES: _("Manage rule sets"),
            Action.READ_RULES: _("See rule sets and their effect"),
            Action.READ_AUDIT: _("Read the audit trail"),
            Action.BACK_UP: _("Back up and restore"),
        },
        Scope: {
            Scope.OWN: _("own entries"),
            Scope.UNIT: _("own unit"),
            Scope.CHAIN: _("own chains"),
            Scope.ALL: _("all units"),
        },
    }
)

_STAFF = {
    Action.READ: Scope.UNIT,
    Action.CREATE: Scope.UNIT,
    Action.EDIT: Scope.UNIT,
    Action.WITHDRAW: Scope.OWN,
    Action.IMPORT: Scope.UNIT,
    Action.EXPORT: Scope.UNIT,
    Action.REVEAL: Scope.UNIT,
}

GRANTS: dict[Role, dict[Action, Scope]] = {
    Role.STAFF: _STAFF,
    Role.UNIT_HEAD: {
        **_STAFF,
        Action.WITHDRAW: Scope.UNIT,
        Action.ASSIGN: Scope.UNIT,
        Action.VERIFY: Scope.UNIT,
        Action.SUBMIT: Scope.UNIT,
    },
    Role.DISPATCHER: {
        Action.READ: Scope.ALL,
        Action.CREATE: Scope.ALL,
        Action.EDIT: Scope.ALL,
        Action.WITHDRAW: Scope.ALL,
        Action.ASSIGN: Scope.ALL,
        Action.TRANSFER: Scope.ALL,
        Action.VERIFY: Scope.ALL,
        Action.IMPORT: Scope.ALL,
        Action.EXPORT: Scope.ALL,
        Action.REVEAL: Scope.ALL,
        Action.ADJUST: Scope.ALL,
        Action.SUPERVISE: Scope.ALL,
        Action.CLOSE: Scope.ALL,
        Action.READ_RULES: Scope.ALL,
    },
    Role.TASKFORCE: {
        Action.READ: Scope.CHAIN,
        Action.COMMENT: Scope.CHAIN,
        Action.WITHDRAW: Scope.OWN,
        Action.ASSIGN: Scope.CHAIN,
        Action.EXPORT: Scope.CHAIN,
    },
    Role.LEADER: {Action.READ: Scope.ALL, Action.READ_RULES: Scope.ALL},
    Role.ADMIN: {
        Action.MANAGE_ACCOUNTS: Scope.ALL,
        Action.MANAGE_REFERENCE: Scope.ALL,
        Action.MANAGE_RULES: Scope.ALL,
        Action.READ_RULES: Scope.ALL,
    },
    Role.AUDITOR: {Action.READ_AUDIT: Scope.ALL},
}

# Records that are as visible as the record they belong to: subject -> (parent, column).
_PARENT = {
    "follow_up": ("enterprise", "enterprise_id"),
    "contact_person": ("enterprise", "enterprise_id"),
    "enterprise_segment": ("enterprise", "enterprise_id"),
    "enterprise_alias": ("enterprise", "enterprise_id"),
    "movement": ("enterprise", "enterprise_id"),
    "engagement_step": ("enterprise", "enterprise_id"),
    "agreement": ("project", "project_id"),
    "project_unit": ("project", "project_id"),
    "stage_log": ("project", "project_id"),
    "milestone": ("project", "project_id"),
    "fund_arrival": ("project", "project_id"),
    "commitment": ("project", "project_id"),
    "difficulty": ("project", "project_id"),
    "supervision_step": ("supervision_order", "order_id"),
}
# Records that carry their unit themselves: subject -> (unit column, industry column).
_OWN_COLUMNS = {
    "project": ("unit_id", "industry_id"),
    "opportunity": ("unit_id", "industry_id"),
    "target": ("unit_id", None),
    "adjustment": ("unit_id", None),
    "unit_month": ("unit_id", None),
    "explanation": ("unit_id", None),
    "supervision_order": ("unit_id", None),
}

CARRY_THEIR_UNIT = frozenset(_OWN_COLUMNS)

# Records that files may be attached to.
ATTACHABLE = (
    "enterprise",
    "follow_up",
    "movement",
    "project",
    "milestone",
    "agreement",
    "commitment",
    "fund_arrival",
    "difficulty",
    "supervision_order",
)


def scopes(actor: Actor, action: Action) -> frozenset[Scope]:
    """Return how far the actor's right to an action reaches, over all roles; empty where there is none."""
    if actor.is_system:
        return frozenset({Scope.ALL})
    return frozenset(GRANTS[role][action] for role in actor.roles if action in GRANTS[role])


def can(actor: Actor, action: Action) -> bool:
    """Whether the actor has the right at all, whatever its reach: for navigation and buttons."""
    return bool(scopes(actor, action))


def is_scoped(subject: str) -> bool:
    """Whether records of this sort belong to a unit, so that rights can be asked over each of them."""
    return subject == "enterprise" or subject in _PARENT or subject in _OWN_COLUMNS


def visible(actor: Actor, action: Action, subject: str, alias: str, params: Params) -> str:
    """Return the SQL condition that keeps the records of `subject` (named `alias`) within the actor's right."""
    reach = scopes(actor, action)
    if Scope.ALL in reach:
        return "true"
    conditions = [_condition(scope, actor, subject, alias, params) for scope in sorted(reach)]
    return f"({' or '.join(conditions)})" if conditions else "false"


def allowed(session: Session | Transaction, actor: Actor, action: Action, subject: str, record_id: int) -> bool:
    """Whether the actor's right covers one record: the list's condition, asked of one id."""
    params = Params()
    condition = visible(actor, action, subject, "r", params)
    return bool(session.rows(f"select 1 from {subject} r where r.id = {params.add(record_id)} and {condition}", params))


def require(session: Session | Transaction, actor: Actor, action: Action, subject: str, record_id: int) -> None:
    """Demand a right over one record; raises NotFound where it may not even be seen, Denied where it may."""
    if allowed(session, actor, action, subject, record_id):
        return
    if action is Action.READ or not allowed(session, actor, Action.READ, subject, record_id):
        raise NotFound
    raise Denied


def require_attached(
    session: Session | Transaction, actor: Actor, action: Action, subject: str, subject_id: int
) -> None:
    """Demand a right over the record that a file hangs on: the file is as visible as it; raises NotFound, Denied.

    A record that is archived, or whose parent is, shows its files no longer.
    """
    if subject not in ATTACHABLE:
        raise NotFound
    require(session, actor, action, subject, subject_id)
    parent, column = _PARENT.get(subject, (subject, "id"))
    if not session.rows(
        f"select 1 from {subject} r join {parent} held on held.id = r.{column}"
        " where r.id = $1 and r.archived_at is null and held.archived_at is null",
        [subject_id],
    ):
        raise NotFound


def require_right(actor: Actor, action: Action) -> None:
    """Demand a right whatever its reach; raises Denied."""
    if not can(actor, action):
        raise Denied


def require_for_unit(actor: Actor, action: Action, unit_id: int | None, industry_id: int | None = None) -> None:
    """Demand a right over a record that does not exist yet, by the unit and industry it will have; raises Denied."""
    if not covers_unit(actor, action, unit_id, industry_id):
        raise Denied


def covers_unit(actor: Actor, action: Action, unit_id: int | None, industry_id: int | None = None) -> bool:
    """Whether the actor's right covers whatever belongs to a unit, or to an industry."""
    reach = scopes(actor, action)
    return (
        Scope.ALL in reach
        or (bool(reach & {Scope.UNIT, Scope.OWN}) and unit_id is not None and unit_id == actor.unit_id)
        or (Scope.CHAIN in reach and industry_id in actor.industry_ids)
    )


def _condition(scope: Scope, actor: Actor, subject: str, alias: str, params: Params) -> str:
    if scope is Scope.OWN:
        return f"{alias}.created_by = {params.add(actor.login)}"
    if subject in _PARENT:
        parent, column = _PARENT[subject]
        inner = _condition(scope, actor, parent, "scoped", params)
        return f"exists (select 1 from {parent} scoped where scoped.id = {alias}.{column} and {inner})"
    if subject == "enterprise":
        return _enterprise_condition(scope, actor, alias, params)
    unit_column, industry_column = _OWN_COLUMNS[subject]
    if scope is Scope.UNIT:
        return "false" if actor.unit_id is None else f"{alias}.{unit_column} = {params.add(actor.unit_id)}"
    return _in_industries(actor, f"{alias}.{industry_column}", params) if industry_column else "false"


def _enterprise_condition(scope: Scope, actor: Actor, alias: str, params: Params) -> str:
    if scope is Scope.UNIT:
        if actor.unit_id is None:
            return "false"
        unit = params.add(actor.unit_id)
        return (
            f"({alias}.owner_unit_id = {unit} or {alias}.id in"
            f" (select held.enterprise_id from project held where held.unit_id = {unit} and held.archived_at is null))"
        )
    return (
        f"({alias}.id in (select link.enterprise_id from enterprise_segment link"
        f" where link.archived_at is null and {_in_industries(actor, 'link.industry_id', params)})"
        f" or {alias}.id in (select held.enterprise_id from project held"
        f" where held.archived_at is null and {_in_industries(actor, 'held.industry_id', params)}))"
    )


def _in_industries(actor: Actor, column: str, params: Params) -> str:
    if not actor.industry_ids:
        return "false"
    return f"{column} in ({', '.join(params.add(i) for i in sorted(actor.industry_ids))})"


def mask(value: Any) -> str:
    """Hide a personal value but for enough to recognise it: 138****5678, wx****."""
    text = str(value or "")
    if not text:
        return ""
    if len(text) >= 9:
        return f"{text[:3]}****{text[-4:]}"
    return f"{text[:1]}****"
