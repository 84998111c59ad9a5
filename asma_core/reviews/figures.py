"""The figures of a review as tables: for the command line, for scripts, and for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from asma_core.reviews.curves import MEASURES, curve_of
from asma_core.reviews.psychometric import Fit, Unfitted
from asma_core.reviews.rates import Bin, Rate
from asma_core.reviews.result import Result, Row, Seen
from asma_core.runs.export import csv_value

Table = list[dict[str, Any]]
COLUMNS: Final = (
    *("table", "name", "pictures", "answers", "noticed", "rate", "low", "high"),
    *("d_prime", "mean", "seconds", "measure", "smallest", "middle", "largest"),
    *("threshold", "threshold_low", "threshold_high", "guess", "slope", "steep", "why_none"),
    *("coefficient", "items", "run"),
)


def figures(result: Result) -> dict[str, Table]:
    """Return all figures, a table each, without those that have no line.

    In each, `answers` is the number of answers, of which `noticed` noticed it; `low` and `high` are
    the ends of the interval of 95 % of `rate`; `seconds` is the median of an answer's time.
    """
    totals = [result.total, *([result.originals] if result.originals else [])]
    tables: dict[str, Table] = {
        "rates": _rows(totals),
        "attacks": _rows(result.attacks),
        "norms": _rows(result.norms),
        "reviewers": _rows(result.reviewers),
        "agreement": [
            {"name": name, "coefficient": one.value, "items": one.items}
            for name, one in result.agreement.items()
        ],
        "bins": [_bin(name, one) for name in MEASURES for one in result.curves[name]],
        "thresholds": [
            _threshold(name, one)
            for name in MEASURES
            if result.curves[name] and (one := curve_of(result, name)) is not None
        ],
        "noticed_by_nobody": _seen(result.fooled),
        "noticed_by_everybody": _seen(result.noticed),
    }
    return {name: table for name, table in tables.items() if table}


def figures_csv(result: Result) -> str:
    """Return all figures as one table: `table` says which one a line is of."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name, table in figures(result).items():
        for line in table:
            writer.writerow(
                {key: csv_value(value) for key, value in ({"table": name} | line).items()}
            )
    return buffer.getvalue()


def _rows(rows: Sequence[Row]) -> Table:
    return [
        {
            "name": row.name,
            "pictures": row.pictures,
            **_rate(row.rate),
            "d_prime": row.d_prime,
            "mean": row.mean,
            "seconds": row.seconds,
        }
        for row in rows
    ]


def _rate(found: Rate) -> dict[str, Any]:
    said = asdict(found)
    return {"answers": said["count"], "noticed": said["noticed"], "rate": said["value"]} | {
        name: said[name] for name in ("low", "high")
    }


def _bin(measure: str, one: Bin) -> dict[str, Any]:
    sizes = {"smallest": one.low, "middle": one.middle, "largest": one.high}
    return {"measure": measure, **sizes, **_rate(one.rate)}


def _threshold(measure: str, found: Fit | Unfitted) -> dict[str, Any]:
    if isinstance(found, Unfitted):
        return {"measure": measure, "answers": found.answers, "why_none": found.why}
    return {
        "measure": measure,
        "answers": found.answers,
        "smallest": found.smallest,
        "largest": found.largest,
        "threshold": found.threshold,
        "threshold_low": found.low,
        "threshold_high": found.high,
        "guess": found.guess,
        "slope": found.slope,
        "steep": found.steep,
    }


def _seen(pictures: Sequence[Seen]) -> Table:
    return [{"run": one.item.run, "answers": one.count, "noticed": one.noticed} for one in pictures]
