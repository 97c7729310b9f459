"""Run code in a process of its own, and measure the memory that it takes."""

import os
import subprocess
import sys
from pathlib import Path

import prodcat

_CHILD = """
import sys
import numpy, pyarrow.compute, pyarrow.parquet
import prodcat.catalog.reading, prodcat.scoring.parts

def most():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) >> 10

def run(*arguments):
{code}

before = most()
try:
    print(run(*sys.argv[1:]))
except prodcat.ProdcatError as error:
    print(type(error).__name__, str(error)[:500])
print(most() - before)
"""


def run_and_measure(code: str, *arguments: object, most: int = 2_000) -> tuple[str, int]:
    """Run the body of a function, and give what it returned and the memory it took in MiB.

    Args:
        code: The body, which may use ``arguments``.
        arguments: Texts for it.
        most: MiB of data that the process may have, so that a fault ends soon.
    """
    body = "\n".join(f"    {line}" for line in code.strip().splitlines())
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_DATA, ({most << 20},) * 2)\n"
    done = subprocess.run(
        [sys.executable, "-c", limit + _CHILD.replace("{code}", body), *map(str, arguments)],
        capture_output=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(Path(prodcat.__file__).parents[1])},
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    said, memory = done.stdout.rstrip().rsplit("\n", 1)
    return said, int(memory)
