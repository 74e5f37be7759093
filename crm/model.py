"""Vocabulary of the field, one word per concept, the same in column, code and label; and the actor who acts.

Money is 元 as `Decimal` with two places; business dates are `date`; moments are UTC `datetime` without zone.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from crm.locale import Message, _

YUAN_PER_WAN = Decimal(10_000)
YUAN_PER_YI = Decimal(100_000_000)


class Stage(StrEnum):
    """How far a project has come; the order is the order of the work."""

    LEAD = "lead"
    CONTACT = "contact"
    NEGOTIATION = "negotiation"
    SIGNED = "signed"
    REGISTERED = "registered"
    STARTED = "started"
    COMPLETED = "completed"
    PRODUCTION = "production"


class ProjectStatus(StrEnum):
    """Whether a project is being worked on, beside its stage."""

    ACTIVE = "active"
    STALLED = "stalled"
    WITHDRAWN = "withdrawn"


class Role(StrEnum):
    """What a person is to the bureau."""

    STAFF = "staff"
    UNIT_HEAD = "unit_head"
    DISPATCHER = "dispatcher"
    TASKFORCE = "taskforce"
    LEADER = "leader"
    ADMIN = "admin"
    AUDITOR = "auditor"


class UnitKind(StrEnum):
    """What sort of organisation a unit is; its peer group unless changed."""

    COUNTY = "county"
    PARK = "park"
    DEPARTMENT = "department"
    RESIDENT_OFFICE = "resident_office"
    ENCLAVE = "enclave"
    BUREAU = "bureau"


class Tier(StrEnum):
    """Where on the chain a segment lies."""

    UPSTREAM = "upstream"
    MIDSTREAM = "midstream"
    DOWNSTREAM = "downstream"
    SUPPORTING = "supporting"


class SegmentRole(StrEnum):
    """What attracting an enterprise does for a chain: 延链, 补链, 强链."""

    EXTEND = "extend"
    FILL = "fill"
    STRENGTHEN = "strengthen"


class Method(StrEnum):
    """How a contact was made."""

    VISIT = "visit"
    RECEPTION = "reception"
    PHONE = "phone"
    VIDEO = "video"
    EVENT = "event"
    MESSAGE = "message"
    LETTER = "letter"


class MovementKind(StrEnum):
    """What is new about an enterprise (投资动态)."""

    EXPANSION = "expansion"
    NEW_LINE = "new_line"
    RELOCATION = "relocation"
    FINANCING = "financing"
    LISTING = "listing"
    POLICY = "policy"
    OTHER = "other"
    COMMENT = "comment"  # what a task force has to say (批注)


class AgreementKind(StrEnum):
    """What was signed."""

    CONTRACT = "contract"
    FRAMEWORK = "framework"
    INTENT = "intent"


class AgreementStatus(StrEnum):
    """Whether an agreement still counts."""

    ACTIVE = "active"
    TERMINATED = "terminated"


class MilestoneKind(StrEnum):
    """A step of a project's roadmap."""

    REGISTRATION = "registration"
    FILING = "filing"
    LAND = "land"
    EIA = "eia"
    PLANNING_PERMIT = "planning_permit"
    CONSTRUCTION_PERMIT = "construction_permit"
    FIRST_FUNDS = "first_funds"
    START = "start"
    TOPPING_OUT = "topping_out"
    COMPLETION = "completion"
    PRODUCTION = "production"
    ABOVE_SCALE = "above_scale"


class SupervisionLevel(StrEnum):
    """How grave a supervision order (督办单) is; an order that stays undone rises by one."""

    BLUE = "blue"
    YELLOW = "yellow"
    RED = "red"


class SupervisionEvent(StrEnum):
    """What happens to a supervision order."""

    ISSUED = "issued"
    FEEDBACK = "feedback"
    ESCALATED = "escalated"
    EXTENDED = "extended"
    CLOSED = "closed"
    REOPENED = "reopened"


class SubmissionState(StrEnum):
    """Whether a unit has handed in its month."""

    ON_TIME = "on_time"
    LATE = "late"
    AWAITED = "awaited"
    MISSING = "missing"


class FeasibilityStudy(StrEnum):
    """How far the feasibility study of an opportunity is."""

    NONE = "none"
    DRAFT = "draft"
    DONE = "done"


class Party(StrEnum):
    """Who made a promise."""

    GOVERNMENT = "government"
    INVESTOR = "investor"


class CommitmentKind(StrEnum):
    """What a promise is about."""

    TAX = "tax"
    AWARD = "award"
    LAND = "land"
    FEE = "fee"
    UTILITIES = "utilities"
    JOBS = "jobs"
    OUTPUT = "output"
    INVESTMENT = "investment"
    OTHER = "other"


class DifficultyKind(StrEnum):
    """What a difficulty is about."""

    LAND = "land"
    POWER = "power"
    WATER = "water"
    FINANCE = "finance"
    APPROVAL = "approval"
    DEMOLITION = "demolition"
    LABOUR = "labour"
    OTHER = "other"


class DifficultyPhase(StrEnum):
    """When in a project's life a difficulty stands in the way."""

    ATTRACTION = "attraction"
    LANDING = "landing"
    CONSTRUCTION = "construction"
    OPERATION = "operation"


class Grade(StrEnum):
    """How strong an enterprise's intention is."""

    A = "A"
    B = "B"
    C = "C"


# The milestone kinds whose actual date is one of the project's own dates.
PROJECT_DATE_OF_MILESTONE: dict[MilestoneKind, str] = {
    MilestoneKind.REGISTRATION: "registered_on",
    MilestoneKind.FIRST_FUNDS: "first_funds_on",
    MilestoneKind.START: "started_on",
    MilestoneKind.COMPLETION: "completed_on",
    MilestoneKind.PRODUCTION: "production_on",
}

# Kept per class: members of different classes may share a value, and equal values would share a dictionary key.
LABELS: dict[type[StrEnum], dict[str, Message]] = {
    Stage: {
        Stage.LEAD: _("Lead"),
        Stage.CONTACT: _("In contact"),
        Stage.NEGOTIATION: _("Negotiation"),
        Stage.SIGNED: _("Signed"),
        Stage.REGISTERED: _("Registered"),
        Stage.STARTED: _("Construction started"),
        Stage.COMPLETED: _("Completed"),
        Stage.PRODUCTION: _("In production"),
    },
    ProjectStatus: {
        ProjectStatus.ACTIVE: _("Active"),
        ProjectStatus.STALLED: _("Stalled"),
        ProjectStatus.WITHDRAWN: _("Withdrawn"),
    },
    Role: {
        Role.STAFF: _("Staff"),
        Role.UNIT_HEAD: _("Unit head"),
        Role.DISPATCHER: _("Dispatcher"),
        Role.TASKFORCE: _("Chain task force"),
        Role.LEADER: _("Leader"),
        Role.ADMIN: _("Administrator"),
        Role.AUDITOR: _("Auditor"),
    },
    UnitKind: {
        UnitKind.COUNTY: _("Counties"),
        UnitKind.PARK: _("Parks"),
        UnitKind.DEPARTMENT: _("Departments"),
        UnitKind.RESIDENT_OFFICE: _("Resident offices"),
        UnitKind.ENCLAVE: _("Innovation enclaves"),
        UnitKind.BUREAU: _("Bureau"),
    },
    Tier: {
        Tier.UPSTREAM: _("Upstream"),
        Tier.MIDSTREAM: _("Midstream"),
        Tier.DOWNSTREAM: _("Downstream"),
        Tier.SUPPORTING: _("Supporting"),
    },
    SegmentRole: {
        SegmentRole.EXTEND: _("Extend the chain"),
        SegmentRole.FILL: _("Fill the chain"),
        SegmentRole.STRENGTHEN: _("Strengthen the chain"),
    },
    Method: {
        Method.VISIT: _("Visit"),
        Method.RECEPTION: _("Reception"),
        Method.PHONE: _("Phone call"),
        Method.VIDEO: _("Video call"),
        Method.EVENT: _("Event"),
        Method.MESSAGE: _("Message"),
        Method.LETTER: _("Letter"),
    },
    MovementKind: {
        MovementKind.EXPANSION: _("Expansion"),
        MovementKind.NEW_LINE: _("New production line"),
        MovementKind.RELOCATION: _("Relocation"),
        MovementKind.FINANCING: _("Financing"),
        MovementKind.LISTING: _("Stock listing"),
        MovementKind.POLICY: _("Policy"),
        MovementKind.OTHER: _("Other"),
        MovementKind.COMMENT: _("Comment"),
    },
    AgreementKind: {
        AgreementKind.CONTRACT: _("Contract"),
        AgreementKind.FRAMEWORK: _("Framework agreement"),
        AgreementKind.INTENT: _("Letter of intent"),
    },
    AgreementStatus: {
        AgreementStatus.ACTIVE: _("In force"),
        AgreementStatus.TERMINATED: _("Terminated"),
    },
    MilestoneKind: {
        MilestoneKind.REGISTRATION: _("Company registration"),
        MilestoneKind.FILING: _("Filing"),
        MilestoneKind.LAND: _("Land"),
        MilestoneKind.EIA: _("Environmental assessment"),
        MilestoneKind.PLANNING_PERMIT: _("Planning permit"),
        MilestoneKind.CONSTRUCTION_PERMIT: _("Construction permit"),
        MilestoneKind.FIRST_FUNDS: _("First funds"),
        MilestoneKind.START: _("Start of construction"),
        MilestoneKind.TOPPING_OUT: _("Topping out"),
        MilestoneKind.COMPLETION: _("Completion"),
        MilestoneKind.PRODUCTION: _("Start of production"),
        MilestoneKind.ABOVE_SCALE: _("Above-scale registration"),
    },
    SupervisionLevel: {
        SupervisionLevel.BLUE: _("Blue"),
        SupervisionLevel.YELLOW: _("Yellow"),
        SupervisionLevel.RED: _("Red"),
    },
    SupervisionEvent: {
        SupervisionEvent.ISSUED: _("Issued"),
        SupervisionEvent.FEEDBACK: _("Feedback given"),
        SupervisionEvent.ESCALATED: _("Escalated"),
        SupervisionEvent.EXTENDED: _("Deadline extended"),
        SupervisionEvent.CLOSED: _("Order closed"),
        SupervisionEvent.REOPENED: _("Opened again"),
    },
    SubmissionState: {
        SubmissionState.ON_TIME: _("On time"),
        SubmissionState.LATE: _("Handed in late"),
        SubmissionState.AWAITED: _("Awaited"),
        SubmissionState.MISSING: _("Not handed in"),
    },
    FeasibilityStudy: {
        FeasibilityStudy.NONE: _("None"),
        FeasibilityStudy.DRAFT: _("Being drafted"),
        FeasibilityStudy.DONE: _("Done"),
    },
    Party: {
        Party.GOVERNMENT: _("Government"),
        Party.INVESTOR: _("Investor"),
    },
    CommitmentKind: {
        CommitmentKind.TAX: _("Tax"),
        CommitmentKind.AWARD: _("Award"),
        CommitmentKind.LAND: _("Land supply"),
        CommitmentKind.FEE: _("Fee"),
        CommitmentKind.UTILITIES: _("Utilities"),
        CommitmentKind.JOBS: _("Jobs"),
        CommitmentKind.OUTPUT: _("Output"),
        CommitmentKind.INVESTMENT: _("Investment"),
        CommitmentKind.OTHER: _("Other"),
    },
    DifficultyKind: {
        DifficultyKind.LAND: _("Land supply"),
        DifficultyKind.POWER: _("Power"),
        DifficultyKind.WATER: _("Water"),
        DifficultyKind.FINANCE: _("Finance"),
        DifficultyKind.APPROVAL: _("Approvals"),
        DifficultyKind.DEMOLITION: _("Land clearance"),
        DifficultyKind.LABOUR: _("Labour"),
        DifficultyKind.OTHER: _("Other"),
    },
    DifficultyPhase: {
        DifficultyPhase.ATTRACTION: _("Attraction"),
        DifficultyPhase.LANDING: _("Landing"),
        DifficultyPhase.CONSTRUCTION: _("Construction"),
        DifficultyPhase.OPERATION: _("Operation"),
    },
}


def label(value: StrEnum) -> Message:
    """Return the word for a value of the vocabulary."""
    known = LABELS.get(type(value))
    return known[value] if known else Message(str(value), {})


@dataclass(frozen=True)
class Actor:
    """Who acts: an account, or the system on the command line (`account_id` None, every right)."""

    login: str
    account_id: int | None = None
    name: str = ""
    unit_id: int | None = None
    roles: frozenset[Role] = frozenset()
    industry_ids: frozenset[int] = frozenset()

    @property
    def is_system(self) -> bool:
        """Whether this is the command line acting for the operating system's user."""
        return self.account_id is None


@dataclass(frozen=True)
class EnterpriseDraft:
    """What a person typed about a new enterprise; money in 元."""

    name: str
    credit_code: str = ""
    owner_unit_id: int | None = None
    owner_person: str = ""
    kind: str = ""
    origin_province: str = ""
    origin_city: str = ""
    address: str = ""
    registered_capital: Decimal | None = None
    founded_on: date | None = None
    main_business: str = ""
    recognition: str = ""
    investment_direction: str = ""
    intended_amount: Decimal | None = None
    grade: Grade | None = None
    source: str = ""
    note: str = ""
    segment_ids: tuple[int, ...] = ()
    accept_duplicates: bool = False
    accept_credit_code: bool = False


@dataclass(frozen=True)
class FollowUpDraft:
    """What a person typed about one contact; either a known enterprise or a new one."""

    happened_on: date | None
    method: Method | None
    content: str
    enterprise_id: int | None = None
    new_enterprise: EnterpriseDraft | None = None
    project_id: int | None = None
    our_people: str = ""
    their_people: str = ""
    outcome: str = ""
    difficulty: str = ""
    next_step: str = ""
    next_due_on: date | None = None
    form_token: str = ""
    done_follow_up_ids: tuple[int, ...] = field(default=())
    corrects_id: int | None = None
    files: tuple["FileDraft", ...] = ()


@dataclass(frozen=True)
class FileDraft:
    """A file that a person attaches to a record."""

    name: str
    content: bytes


@dataclass(frozen=True)
class MovementDraft:
    """What a person typed about news of an enterprise."""

    happened_on: date | None
    kind: MovementKind | None
    content: str
    source: str = ""


@dataclass(frozen=True)
class ProjectDraft:
    """What a person typed about a new project; money in 元. Without a code the system makes one."""

    name: str
    enterprise_id: int
    code: str = ""
    unit_id: int | None = None
    industry_id: int | None = None
    segment_id: int | None = None
    opportunity_id: int | None = None
    place: str = ""
    planned_investment: Decimal | None = None
    entered_on: date | None = None
    responsible_person: str = ""
    liaison_leader: str = ""
    note: str = ""


def group_label(peer_group: str) -> Message:
    """Return the word for a peer group: that of its kind, or its own name."""
    return label(UnitKind(peer_group)) if peer_group in list(UnitKind) else Message(peer_group, {})
