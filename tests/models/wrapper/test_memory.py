"""Memory that a process frees stays with it until it is handed back."""

import resource
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from asma_core.models.wrapper.memory import give_back_memory, keep_freed_memory
{keep}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def work():
    for _ in range(10):
        blocks = [bytearray(40 << 20) for _ in range(2)]
        for block in blocks:
            block[:: resource.getpagesize()] = bytes(len(block) // resource.getpagesize())
        del blocks, block
work()
before = faults()
work()
kept = faults() - before
give_back_memory()
before = faults()
work()
print(kept, faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc's allocator is asked")
def test_kept_memory_costs_no_new_pages_until_it_is_given_back() -> None:
    def faults(keep: str) -> list[int]:
        program = PROGRAM.format(keep=keep)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        return [int(word) for word in done.stdout.split()]

    pages = (40 << 20) // resource.getpagesize()
    kept, after_giving_back = faults("keep_freed_memory()")
    assert kept < pages / 2
    assert after_giving_back >= pages
    assert faults("")[0] > 5 * pages
