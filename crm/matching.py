"""Which chain segments an enterprise fits, proposed from its own words by the segments' keywords.

A keyword counts where the enterprise's name, investment direction or main business holds it, weighed by its length: a
long word says more than a short one. What a company calls itself says most, what it plans to invest in says more than
what it may do, and in a registered scope (经营范围) what stands first says more than what follows. What a scope shuts
out (不含…, …除外) is not read. It is a proposal: a person confirms it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crm.store import normalised

WEIGHTS: Mapping[str, int] = {"name": 4, "direction": 3, "first": 2, "business": 1}
# Below this a proposal is chance: one short word deep in a long scope.
LEAST_SCORE = 6
MOST_PROPOSALS = 3
# In normal form: a bracket that shuts something out goes as a whole, elsewhere the rest of the clause does.
_SHUT_OUT = re.compile(r"\([^()]*(?:不含|除外|不得)[^()]*\)|(?:不含|不得从事)[^;。,]*|但[^;。]*除外")
_CLAUSE_END = re.compile(r"[;。,]")


@dataclass(frozen=True)
class SegmentRule:
    """The keywords of one segment."""

    segment_id: int
    industry_id: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """A segment that an enterprise seems to fit, how strongly, and the keywords that said so."""

    segment_id: int
    industry_id: int
    score: int
    words: tuple[str, ...]


class Matcher:
    """The keywords of all segments, made ready to be looked for in many enterprises."""

    def __init__(self, rules: Iterable[SegmentRule]) -> None:
        self._rules = [
            (rule, [(word, normalised(word)) for word in dict.fromkeys(rule.words) if word.strip()]) for rule in rules
        ]

    def propose(self, name: str, business: str = "", direction: str = "") -> list[Proposal]:
        """Return the segments that these words speak for, the strongest first, at most three."""
        fields = _fields(name, business, direction)
        everything = "\n".join(text for text, _weight in fields)
        found = []
        for rule, words in self._rules:
            scores = {word: _score(plain, fields) for word, plain in words if plain in everything}
            # “茶油” within “山茶油” is one word, not two.
            longest = [w for w in scores if not any(w != other and w in other for other in scores)]
            total = sum(scores[word] for word in longest)
            if total >= LEAST_SCORE:
                found.append(Proposal(rule.segment_id, rule.industry_id, total, tuple(longest)))
        found.sort(key=lambda proposal: -proposal.score)
        return found[:MOST_PROPOSALS]


def _fields(name: str, business: str, direction: str) -> Sequence[tuple[str, int]]:
    scope = _SHUT_OUT.sub(" ", normalised(business))
    first = _CLAUSE_END.split(scope.strip(), maxsplit=1)[0]
    texts = (
        (normalised(name), WEIGHTS["name"]),
        (_SHUT_OUT.sub(" ", normalised(direction)), WEIGHTS["direction"]),
        (first, WEIGHTS["first"]),
        (scope, WEIGHTS["business"]),
    )
    return [(text, weight) for text, weight in texts if text]


def _score(word: str, fields: Sequence[tuple[str, int]]) -> int:
    """Return the word's length times the weight of the most telling place that holds it."""
    return len(word) * next(weight for text, weight in fields if word in text)
