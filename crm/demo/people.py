"""The bureau's people and the enterprises it courts, as columns; row numbers stand for records without an id yet."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.demo import words
from crm.demo.chains import occupied
from crm.demo.draw import Array, Random, credit_codes, filled, joined, kept, pick, pick_by, texts
from crm.store import name_key, reference_rows, search_text

STAFF_PER_UNIT = 8
# The brand's place in a name: the town without its administrative word.
_TOWN_ENDINGS = ("土家族苗族自治州", "市")


@dataclass(frozen=True)
class Reference:
    """What a new database holds, by id: the units with projects in official order, the chains and their segments."""

    units: pd.DataFrame  # id, code, short_name, kind
    segments: pd.DataFrame  # id, code, industry_id, industry (code), name, role, keywords

    @property
    def home(self) -> Array:
        """The numbers of the units where projects are built: counties and parks."""
        return np.flatnonzero(self.units["kind"].isin(["county", "park"]))

    @property
    def chains(self) -> Array:
        """The number of each segment's chain in the word tables."""
        place = {slug: n for n, slug in enumerate(words.TRADES)}
        return np.array([place[slug] for slug in self.segments["industry"]])


@dataclass(frozen=True)
class Enterprises:
    """Enterprises as columns: `frame` for the table, and what other tables are drawn from."""

    frame: pd.DataFrame
    unit: Array  # number of the owner unit
    segment: Array  # number of the segment
    second_segment: Array  # number of a further segment of the chain, -1 without
    keyword: Array
    brand: Array
    town: Array
    person: Array  # the key contact person, with title
    contacts: pd.DataFrame  # enterprise (number), name, title, phone, wechat, is_key, purpose


def person_names(rng: Random, count: int) -> Array:
    """Draw names of people."""
    return joined(
        pick(rng, words.SURNAMES, count), pick(rng, words.GIVEN_FIRST, count), pick(rng, words.GIVEN_LAST, count)
    )


def staff_names(rng: Random, units: int) -> Array:
    """Draw the people of each unit: one row a unit."""
    return person_names(rng, units * STAFF_PER_UNIT).reshape(units, STAFF_PER_UNIT)


def draw_enterprises(
    rng: Random, reference: Reference, staff: Array, shares: Array, *, count: int, first_year: int, seed: int
) -> Enterprises:
    """Draw enterprises from all over the country, each with its owner unit, chain and contact people."""
    unit = rng.choice(len(shares), count, p=shares / shares.sum())
    segment = occupied(reference.segments)[rng.integers(0, len(reference.segments), count)]
    # The first five say what a project makes; those after them say what such companies call themselves.
    keywords = [text.split("|")[:5] for text in reference.segments["keywords"]]
    keyword = pick_by(rng, keywords, segment)
    towns = reference_rows("divisions")
    # Neighbours and the coast send most investors.
    near = {"湖南省": 3.0, "广东省": 3.0, "浙江省": 2.5, "江苏省": 2.0, "重庆市": 4.0, "四川省": 1.5, "上海市": 5.0}
    weight = np.array([near.get(row["province"], 1.0) for row in towns])
    town_number = rng.choice(len(towns), count, p=weight / weight.sum())
    town_short = texts([_town(row["city"]) for row in towns])[town_number]
    brand = _brands(rng, town_number, count)
    trade = pick_by(rng, list(words.TRADES.values()), reference.chains[segment])
    form = pick(rng, words.LEGAL_FORMS, count, words.LEGAL_FORM_WEIGHTS)
    name = joined(town_short, brand, trade, form)
    code = credit_codes(texts([row["code"] for row in towns])[town_number], first=0, seed=seed)
    large = rng.random(count)
    capital = np.maximum(np.round(np.exp(rng.normal(7.6, 1.1, count)) / 100) * 100, 100) * 10_000
    intended = np.maximum(np.round(np.exp(rng.normal(9.2, 1.1, count)) / 500) * 500, 500) * 10_000
    founded = np.datetime64(f"{first_year - 1}-12-28", "D") - rng.integers(0, 9000, count).astype("timedelta64[D]")
    second = pick_by(rng, keywords, segment)
    business = joined(
        keyword,
        np.where(second == keyword, "", "、" + second),
        pick(rng, ("；技术服务", "；货物进出口", "；批发零售", "的生产、销售", ""), count),
    )
    frame = pd.DataFrame(
        {
            "name": name,
            "name_key": texts([name_key(text) for text in name]),
            "search_text": texts([search_text(c, name=text) for c, text in zip(code, name, strict=True)]),
            "credit_code": code,
            "kind": pick(rng, words.KINDS, count),
            "origin_province": texts([row["province"] for row in towns])[town_number],
            "origin_city": texts([row["city"] for row in towns])[town_number],
            "registered_capital": capital,
            "founded_on": founded,
            "main_business": business,
            "recognition": kept(pick(rng, words.RECOGNITIONS, count, words.RECOGNITION_WEIGHTS), large > 0.62),
            "investment_direction": filled(pick(rng, words.DIRECTIONS, count), {"keyword": keyword}),
            "intended_amount": intended,
            "grade": np.where(large > 0.8, "A", np.where(large > 0.4, "B", "C")).astype(object),
            "source": pick(rng, words.SOURCES, count, words.SOURCE_WEIGHTS),
            "owner_person": staff[unit, rng.integers(0, STAFF_PER_UNIT, count)],
            "liaison_leader": kept(pick(rng, words.LEADERS, count), large > 0.95),
        }
    )
    contacts = _contacts(rng, count)
    key = contacts[contacts["is_key"]]
    person = joined(key["title"].to_numpy(object), key["name"].to_numpy(object))
    return Enterprises(
        frame,
        unit,
        segment,
        _second_segments(rng, reference, segment),
        keyword,
        brand,
        town_short,
        person,
        contacts,
    )


def _town(city: str) -> str:
    for ending in _TOWN_ENDINGS:
        city = city.removesuffix(ending)
    return city


def _brands(rng: Random, town: Array, count: int) -> Array:
    """Draw brands of two characters; where a town has one already, of three, until all differ within their town."""
    first, last = tuple(dict.fromkeys(words.BRAND_FIRST)), tuple(dict.fromkeys(words.BRAND_LAST))
    parts = [rng.integers(0, len(first), count), rng.integers(0, len(last), count), np.zeros(count, np.int64)]

    def taken() -> Array:
        number = ((town * len(first) + parts[0]) * len(last) + parts[1]) * (len(last) + 1) + parts[2]
        return pd.Series(number).duplicated().to_numpy()

    while (again := taken()).any():
        parts[2][again] = rng.integers(1, len(last) + 1, again.sum())
        parts[1][again] = rng.integers(0, len(last), again.sum())
    return joined(texts(first)[parts[0]], texts(last)[parts[1]], texts(["", *last])[parts[2]])


def _second_segments(rng: Random, reference: Reference, segment: Array) -> Array:
    """Draw for a quarter of the enterprises the next segment of the same chain, where there is one."""
    chain = reference.segments["industry_id"].to_numpy()
    following = occupied(reference.segments)[np.minimum(segment + 1, len(chain) - 1)]
    fits = (rng.random(len(segment)) < 0.25) & (following != segment) & (chain[following] == chain[segment])
    return np.where(fits, following, -1)


def _contacts(rng: Random, count: int) -> pd.DataFrame:
    """Draw a key contact person for each enterprise and a second one for a third of them."""
    enterprise = np.concatenate([np.arange(count), np.flatnonzero(rng.random(count) < 0.35)])
    total = len(enterprise)
    # Mobile numbers whose middle block is 0000: valid in form, answered by nobody.
    prefix = pick(rng, [str(n) for n in range(130, 200)], total)
    phone = joined(prefix, texts(["0000"] * total), texts([f"{n:04d}" for n in rng.integers(0, 10_000, total)]))
    return pd.DataFrame(
        {
            "enterprise": enterprise,
            "name": person_names(rng, total),
            "title": pick(rng, words.TITLES, total),
            "phone": phone,
            "wechat": kept(phone, rng.random(total) < 0.4),
            "is_key": np.arange(total) < count,
            "purpose": texts(["招商对接"] * total),
        }
    )
