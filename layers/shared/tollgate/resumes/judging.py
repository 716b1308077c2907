"""What rules of the ATS score look at, and what each of them says."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from tollgate.resumes import job
from tollgate.resumes.evidence import WHOLE, Evidence
from tollgate.resumes.sections import Outline

YEAR: Final = re.compile("(?:19|20)\\d{2}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule says: its share in permille, the evidence, and advice for the rest."""

    share: int
    finding: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may look at."""

    text: str
    outline: Outline
    layout: frozenset[str]
    today: date | None
    wanted: job.Job | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def month(self) -> int:
        """The present as months since year 0; without a clock, the last year that the resume names."""
        if self.today:
            return self.today.year * 12 + self.today.month - 1
        return max((int(year) for year in YEAR.findall(self.text)), default=2000) * 12 + 11


def share(part: int, whole: int, full_at: int = WHOLE) -> int:
    """Permille of the way to `full_at` permille."""
    return min(WHOLE, part * WHOLE * WHOLE // (max(whole, 1) * full_at))


def quote(line: str) -> str:
    """A line as advice shows it."""
    short = line if len(line) <= 80 else line[:77].rpartition(" ")[0] + "..."  # noqa: PLR2004 -- characters on one line
    return f'"{short}"'
