"""An independent reading of metrics.md: `fractions.Fraction` and loops, no SQL, no frames, nothing of the product.

A bureau is a list of plain dictionaries; see `tests.bureaus` for their keys. Amounts are exact numbers in 元.
"""

import calendar
from datetime import date
from fractions import Fraction

SLUGS = ("signing", "performance", "startup", "registration", "completion", "production", "funds")


def last_day(year, month):
    return date(year, month, calendar.monthrange(year, month)[1])


def month_before(year, month):
    return (year - 1, 12) if month == 1 else (year, month - 1)


def add_months(day, months):
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def window(rules, year, month, as_of):
    mode = rules["window"]["mode"]
    if mode == "year_to_date":
        return date(year, 1, 1), as_of
    if mode == "since":
        return date.fromisoformat(rules["window"]["base_date"]), as_of
    if mode == "rolling_12":
        first_year, first_month = divmod(year * 12 + month - 1 - 11, 12)
        return date(first_year, first_month + 1, 1), as_of
    cohort = rules["window"]["cohort_year"]
    return date(cohort, 1, 1), min(as_of, date(cohort, 12, 31))


def unit_on(project, day):
    holder = project["holders"][0][1]
    for since, unit in sorted(project["holders"][1:]):
        if since <= day:
            holder = unit
    return holder


def sets(project, rules, year, month, as_of):
    """Return {slug: (in_n, in_d)} of one project; for funds, in_n is in_d."""
    w0, w1 = window(rules, year, month, as_of)

    def known(day):
        return day if day is not None and day <= as_of else None

    def milestone(name):
        day = known(project[name])
        if day is not None and rules["verified_only"]:
            return day if known(project["verified"].get(name)) else None
        return day

    nothing = dict.fromkeys(SLUGS, (False, False))
    if project["entered_on"] > as_of or known(project["excluded_on"]):
        return nothing
    threshold = Fraction(str(rules["threshold_wan"])) * 10000
    planned = project["planned_investment"]
    if threshold > 0 and (planned is None or Fraction(planned) < threshold):
        return nothing

    signed = known(project["signed_on"])
    kinds = rules["agreement_kinds"]
    if kinds is not None and project["agreement_kind"] is not None and project["agreement_kind"] not in kinds:
        signed = None
    withdrawn = known(project["withdrawn_on"])
    started, registered = milestone("started_on"), milestone("registered_on")
    in_window = signed is not None and w0 <= signed <= w1

    result = {}
    in_d = known(project["negotiating_on"]) is not None or signed is not None
    if signed is not None and signed < w0:
        in_d = False
    if withdrawn is not None and withdrawn < w0:
        in_d = False
    result["signing"] = (in_d and in_window, in_d)

    base = in_window and not (rules["withdrawn"] == "drop" and withdrawn is not None)
    if rules["performance"] == "not_terminated":
        performed = True
    elif rules["performance"] == "started":
        performed = started is not None
    else:
        performed = started is not None or (registered is not None and milestone("first_funds_on") is not None)
    alive = base and withdrawn is None
    result["performance"] = (alive and performed, base)
    startup_d = base
    if base and rules["startup"]["due_only"] and started is None:
        due = project["planned_start_on"] or add_months(signed, rules["startup"]["grace_months"])
        startup_d = due <= as_of
    result["startup"] = (startup_d and withdrawn is None and started is not None, startup_d)
    result["registration"] = (alive and registered is not None, base)
    result["completion"] = (alive and milestone("completed_on") is not None, base)
    result["production"] = (alive and milestone("production_on") is not None, base)
    amount = project["contracted_amount"] if rules["funds_base"] == "contracted" else planned
    result["funds"] = (base and amount is not None, base and amount is not None)
    return result


def pairs(bureau, rules, basis, year, month, as_of=None):
    """Return {unit: {slug: (N, D)}}."""
    as_of = as_of or last_day(year, month)
    totals = {}
    for project in bureau:
        unit = totals.setdefault(unit_on(project, as_of), {slug: [Fraction(0), Fraction(0)] for slug in SLUGS})
        weight = Fraction(1) if basis == "count" else Fraction(project["planned_investment"] or 0)
        for slug, (in_n, in_d) in sets(project, rules, year, month, as_of).items():
            if slug == "funds":
                if in_d:
                    base = "contracted_amount" if rules["funds_base"] == "contracted" else "planned_investment"
                    unit[slug][1] += Fraction(project[base])
                    unit[slug][0] += sum((Fraction(a) for day, a in project["arrivals"] if day <= as_of), Fraction(0))
                continue
            unit[slug][0] += weight * in_n
            unit[slug][1] += weight * in_d
    return {unit: {slug: tuple(nd) for slug, nd in of_unit.items()} for unit, of_unit in totals.items()}


def scores(group, unit_pairs, rules, adjustments):
    """Return {unit: exact score or None} of one peer group."""
    weights = {slug: Fraction(str(w)) for slug, w in rules["score"]["weights"].items() if w > 0}
    rates = {}
    for unit in group:
        of_unit = unit_pairs.get(unit, {})
        rates[unit] = {slug: of_unit[slug][0] / of_unit[slug][1] for slug in weights if of_unit and of_unit[slug][1]}
    result = {}
    for unit in group:
        value, total = Fraction(0), Fraction(0)
        for slug, rate in rates[unit].items():
            if rules["score"]["method"] == "efficacy":
                others = [rates[other][slug] for other in group if slug in rates[other]]
                spread = max(others) - min(others)
                rate = Fraction(1) if spread == 0 else (60 + 40 * (rate - min(others)) / spread) / 100
            value += weights[slug] * rate
            total += weights[slug]
        result[unit] = value / total * 100 + Fraction(adjustments.get(unit, 0)) if total else None
    return result


def ranks(unit_scores):
    """Return {unit: competition rank or None}: one more than the number of units that score higher."""
    scored = [score for score in unit_scores.values() if score is not None]
    return {
        unit: None if score is None else 1 + sum(other > score for other in scored)
        for unit, score in unit_scores.items()
    }
