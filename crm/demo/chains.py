"""The chains of the demonstration: who leads them, their anchors, and the gaps that attraction is there to close."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crm.demo import words
from crm.demo.draw import Array, Random, pick
from crm.store import Transaction

# Segments that nobody was found for, and segments where no enterprise has come to a project yet.
_WITHOUT_ENTERPRISE = (
    "liquor-koji",
    "liquor-testing",
    "tea-input",
    "foods-testing",
    "medicine-seed",
    "tourism-camp",
    "minerals-vanadium",
    "aluminium-powder",
    "electronics-chips",
    "energy-windparts",
    "logistics-bonded",
    "logistics-air",
)
_WITHOUT_PROJECT = (
    "liquor-byproducts",
    "liquor-pottery",
    "tea-extract",
    "foods-slaughter",
    "medicine-rnd",
    "tourism-digital",
    "tourism-performance",
    "minerals-recycle",
    "aluminium-surface",
    "electronics-materials",
    "energy-cell",
    "logistics-rail",
)
# chain: (chain leader, task force)
_LEADERS: dict[str, tuple[str, str]] = {
    "liquor": ("州委副书记 龙永明", "白酒产业链专班"),
    "tea": ("副州长 石晓峰", "茶叶产业链专班"),
    "foods": ("副州长 田海燕", "食品产业链专班"),
    "medicine": ("州政协副主席 向志远", "中医药产业链专班"),
    "tourism": ("州委常委、宣传部部长 麻丽芳", "文旅产业链专班"),
    "minerals": ("常务副州长 彭德平", "矿业转型专班"),
    "aluminium": ("州人大常委会副主任 梁成刚", "铝基材料产业链专班"),
    "electronics": ("副州长 吴新宇", "电子信息产业链专班"),
    "energy": ("州政协副主席 滕光辉", "新能源产业链专班"),
    "logistics": ("副州长 覃家兴", "商贸物流产业链专班"),
}


def occupied(segments: pd.DataFrame) -> Array:
    """Return for each segment the number of the one that its enterprises are in: a neighbour's, where it has none."""
    return _neighbours(segments, _WITHOUT_ENTERPRISE)


def _neighbours(segments: pd.DataFrame, empty: Sequence[str]) -> Array:
    chain = segments["industry"].to_numpy(object)
    taken = ~segments["code"].isin(empty).to_numpy()
    return np.array(
        [
            n if taken[n] else min((m for m in np.flatnonzero(taken & (chain == chain[n]))), key=lambda m: abs(m - n))
            for n in range(len(segments))
        ]
    )


def thinned(rng: Random, links: pd.DataFrame) -> pd.DataFrame:
    """Return the links of enterprises to segments as a bureau has them: some in the chain only, some not linked yet."""
    chance = rng.random(int(links["enterprise"].max()) + 1)[links["enterprise"]]
    placed = links["segment_id"].astype("Int64").mask(pd.Series(chance < 0.05, index=links.index))
    thin = links.assign(segment_id=placed, role=links["role"].where(placed.notna(), None))
    # In the chain once, where it has no segment.
    bare = thin["segment_id"].isna() & thin.duplicated(["enterprise", "industry_id"])
    return thin[(chance < 0.97) & ~bare].reset_index(drop=True)


def project_segments(segments: pd.DataFrame, segment: Array) -> pd.Series:
    """Return the segment that each project is filed under: none, where the segment has no project."""
    empty = segments["code"].isin(_WITHOUT_PROJECT).to_numpy()[segment]
    return pd.Series(segments["id"].to_numpy()[segment], dtype="Int64").mask(pd.Series(empty))


def appoint(rng: Random, work: Transaction, segments: pd.DataFrame) -> None:
    """Name each chain's leader and task force, and anchor enterprises for every other segment that is not a gap."""
    industries = work.rows("select id, version, code from industry where archived_at is null")
    led = [(row[0], row[1], *_LEADERS[row[2]]) for row in industries if row[2] in _LEADERS]
    work.update_many("industry", ("chain_leader", "task_force"), led)
    versions: dict[int, int] = dict(work.rows("select id, version from segment"))
    rows = []
    for segment_id, code, chain in segments[["id", "code", "industry"]].itertuples(index=False):
        names = [
            f"湘西{first}{last}{trade}"
            for first, last, trade in zip(
                pick(rng, words.BRAND_FIRST, 2),
                pick(rng, words.BRAND_LAST, 2),
                pick(rng, words.TRADES[chain], 2),
                strict=True,
            )
        ]
        count = int(rng.integers(0, 3))
        if count and code not in _WITHOUT_ENTERPRISE:
            rows.append((segment_id, versions[segment_id], "|".join(names[:count])))
    work.update_many("segment", ("anchors",), rows)
