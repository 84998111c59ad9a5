"""Asks what reads people's files about hostile ones: `python -m scripts.hostile_inputs --count N`.

Each input is made from a seed, by damage to a valid one or from nothing. It has to end in success
or in an `AsmaError`, within a time and a memory; what does not is printed with what repeats it.
Inputs are read in processes of their own, so that one that ends its process is told too.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any, Final

from scripts.hostile.kinds import KINDS, Kind

MOST_SECONDS: Final = 5.0
MOST_MB: Final = 1500
# Inputs that one process reads.
BATCH: Final = 2000
# Only a hang takes so long, in seconds of the clock.
PATIENCE: Final = 300.0


@dataclass(frozen=True)
class Outcome:
    """What came of one input.

    Attributes:
        kind: Of the input.
        number: Of the input, of its kind and seed.
        ending: "success", "refused", or what went wrong.
        seconds: Of the processor.
        megabytes: That it took at its most, over what was there before.
    """

    kind: str
    number: int
    ending: str
    seconds: float = 0.0
    megabytes: float = 0.0

    @property
    def good(self) -> bool:
        """Whether it ended as it has to, and within the limits."""
        ended = self.ending in ("success", "refused")
        return ended and self.seconds <= MOST_SECONDS and self.megabytes <= MOST_MB


def main() -> int:
    """Read so many hostile inputs; 1 where one of them failed. Ctrl-C tells of those till then."""
    options = _options()
    for ending in (signal.SIGINT, signal.SIGTERM):
        # A shell has what runs in its background ignore Ctrl-C.
        signal.signal(ending, signal.default_int_handler)
    kinds = [options.kind] if options.kind else list(KINDS)
    begun, outcomes = time.monotonic(), []
    with suppress(KeyboardInterrupt):
        for kind, first, count in _batches(kinds, options.first, options.count):
            for outcome in read_batch(kind, options.seed, first, count):
                outcomes.append(outcome)
                if not outcome.good:
                    print(_repeat(outcome, options.seed), file=sys.stderr, flush=True)
    told = _told(outcomes, time.monotonic() - begun)
    print(json.dumps(told, indent=2) if options.json else _text(told))
    return 1 if told["failed"] else 0


def _told(outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    bad = [one for one in outcomes if not one.good]
    endings = Counter(f"{one.kind} {one.ending if one.good else 'failed'}" for one in outcomes)
    return {
        "inputs": len(outcomes),
        "failed": len(bad),
        "largest": {
            "seconds": max((one.seconds for one in outcomes), default=0.0),
            "megabytes": max((one.megabytes for one in outcomes), default=0.0),
        },
        "minutes": round(seconds / 60, 1),
        "endings": dict(endings),
        "failures": [asdict(one) for one in bad],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="inputs in all (100000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=list(KINDS), help="only of this kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first of each kind (0)")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _batches(kinds: list[str], first: int, count: int) -> list[tuple[str, int, int]]:
    """Share inputs out among kinds by their weights, in batches, a batch of each kind in turn."""
    whole = sum(KINDS[kind].weight for kind in kinds)
    batches = []
    for kind in kinds:
        share = -(-count * KINDS[kind].weight // whole)
        starts = enumerate(range(first, first + share, BATCH))
        batches += [
            (turn, kind, start, min(BATCH, first + share - start)) for turn, start in starts
        ]
    return [(kind, start, many) for _, kind, start, many in sorted(batches, key=itemgetter(0))]


def read_batch(kind: str, seed: int, first: int, count: int) -> list[Outcome]:
    """Read inputs in a process of their own; another goes on where one ended it."""
    outcomes: list[Outcome] = []
    while len(outcomes) < count:
        outcomes += _read_some(kind, seed, first + len(outcomes), count - len(outcomes))
    return outcomes


def _read_some(kind: str, seed: int, first: int, count: int) -> list[Outcome]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, kind, seed, first, count), daemon=True)
    process.start()
    theirs.close()
    outcomes: list[Outcome] = []
    try:
        while len(outcomes) < count:
            if not ours.poll(PATIENCE):
                process.kill()
                return [*outcomes, Outcome(kind, first + len(outcomes), "hangs")]
            outcomes.append(ours.recv())
    except EOFError:
        process.join()
        ended = f"ends its process ({process.exitcode})"
        outcomes.append(Outcome(kind, first + len(outcomes), ended))
    process.join()
    return outcomes


def _child(told: Connection, kind: str, seed: int, first: int, count: int) -> None:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as home:
        os.environ["ASMA_HOME"] = home
        for number in range(first, first + count):
            told.send(read_one(KINDS[kind], kind, seed, number))


def read_one(kind: Kind, name: str, seed: int, number: int) -> Outcome:
    """Make one input and read it, in this process."""
    from asma_core.errors import AsmaError

    with tempfile.TemporaryDirectory() as folder:
        ask = kind.make(Random(f"{name} {seed} {number}"), Path(folder))
        before, begun = _memory(fresh=True), time.process_time()
        try:
            ask()
            ending = "success"
        except AsmaError as error:
            ending = "refused" if _is_sentence(str(error)) else f"says {str(error)[:200]!r}"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            ending = _trace(error)
        seconds = time.process_time() - begun
        return Outcome(name, number, ending, round(seconds, 3), round(_memory() - before, 1))


def _is_sentence(text: str) -> bool:
    return 0 < len(text) < 2000 and "Traceback" not in text


def _trace(error: BaseException) -> str:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
    return f"{type(error).__name__}: {str(error)[:120]} at {where}"


def _memory(fresh: bool = False) -> float:
    """Return the most memory in MB that this process took, since it was asked afresh; Linux's."""
    try:
        if fresh:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


def _repeat(outcome: Outcome, seed: int) -> str:
    return (
        f"{outcome.kind}: {outcome.ending}, {outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB; "
        f"python -m scripts.hostile_inputs --kind {outcome.kind} --seed {seed} "
        f"--first {outcome.number} --count 1"
    )


def _text(told: dict[str, Any]) -> str:
    endings = "\n".join(f"  {name}: {count:,}" for name, count in sorted(told["endings"].items()))
    return (
        f"{told['inputs']:,} hostile inputs in {told['minutes']} minutes, {told['failed']} failed; "
        f"the slowest took {told['largest']['seconds']:.1f} s, the largest "
        f"{told['largest']['megabytes']:.0f} MB\n{endings}"
    )


if __name__ == "__main__":
    sys.exit(main())
