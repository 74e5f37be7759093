"""What became of the units' claims: most verified, some returned with a reason, the newer ones waiting."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crm.demo.draw import NAT, NOTHING, Array, Random, kept, pick_by, texts
from crm.model import MilestoneKind

_BY = "州投资促进局调度科"
_PAPERS = ("批复文件缺第二页，请补全后重报", "批复日期与申报日期不一致，请核对")
_SITE = ("佐证照片看不出施工状态，请补拍近景并注明日期", "仅有平整场地，不符合开工认定条件")
_BUILT = ("验收材料未盖章，请补正", "现场照片未注明日期，请补拍")
_COMPANY = ("营业执照上的成立日期与申报日期不一致，请核对", "营业执照扫描件不清晰，请重新上传")
_MONEY = ("进账单未盖银行业务章，请补正", "进账单金额与申报金额不一致，请核对")
_REASONS = {
    MilestoneKind.REGISTRATION: _COMPANY,
    MilestoneKind.START: _SITE,
    MilestoneKind.COMPLETION: _BUILT,
    MilestoneKind.PRODUCTION: _BUILT,
}
_PATIENCE = 100  # days after which hardly a claim still waits


def judged(
    rng: Random, milestones: pd.DataFrame, arrivals: pd.DataFrame, *, end: np.datetime64
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return milestones and arrivals with their verification; first funds have that of the arrival of their day."""
    first_funds = milestones["kind"].to_numpy(object) == str(MilestoneKind.FIRST_FUNDS)
    steps = _judged(rng, milestones["actual_on"].to_numpy("datetime64[D]"), _days(milestones["verified_on"]), end)
    verified_of = np.full(int(milestones["project"].max()) + 1, NAT)
    verified_of[milestones["project"].to_numpy()[first_funds]] = steps[0][first_funds]
    on, project = arrivals["arrived_on"].to_numpy("datetime64[D]"), arrivals["project"].to_numpy()
    first = ~arrivals["project"].duplicated().to_numpy()  # they come in the order of their days
    verified = np.where(rng.random(len(on)) < 0.8, on + rng.integers(3, 25, len(on)).astype("timedelta64[D]"), NAT)
    money = _judged(rng, on, np.where(verified <= end, verified, NAT), end)
    # The first arrival of a project says what its step “first funds” says, and nothing is returned twice.
    verified = np.where(first, verified_of[project], money[0])
    money = (verified, np.where(np.isnat(verified), money[1], NAT))
    steps = (steps[0], np.where(first_funds, NAT, steps[1]))
    reasons = [_REASONS.get(MilestoneKind(kind), _PAPERS) for kind in milestones["kind"]]
    return _with(rng, milestones, *steps, reasons), _with(rng, arrivals, *money, [_MONEY] * len(arrivals))


def _judged(rng: Random, on: Array, verified: Array, end: np.datetime64) -> tuple[Array, Array]:
    """Return the days of verification, with what waited too long verified late, and of return, of each claim."""
    waiting = np.isnat(verified) & ~np.isnat(on)
    late = on + rng.integers(30, 90, len(on)).astype("timedelta64[D]")
    catch_up = waiting & (on < end - np.timedelta64(_PATIENCE, "D")) & (rng.random(len(on)) < 0.85)
    verified = np.where(catch_up, late, verified)
    returned = on + rng.integers(4, 20, len(on)).astype("timedelta64[D]")
    sent_back = waiting & ~catch_up & (returned <= end) & (rng.random(len(on)) < 0.35)
    return verified, np.where(sent_back, returned, NAT)


def _days(column: pd.Series) -> Array:
    return column.to_numpy("datetime64[D]")


def _with(
    rng: Random, frame: pd.DataFrame, verified: Array, returned: Array, reasons: Sequence[Sequence[str]]
) -> pd.DataFrame:
    by = texts([_BY] * len(frame))
    done, back = ~np.isnat(verified), ~np.isnat(returned)
    return frame.assign(
        verified_on=verified,
        verified_by=kept(by, done, NOTHING),
        returned_on=returned,
        returned_by=kept(by, back, NOTHING),
        return_reason=kept(pick_by(rng, reasons, np.arange(len(frame))), back, NOTHING),
    )
