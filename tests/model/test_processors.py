"""Answers do not depend on what the processor has: bfloat16, VNNI, AMX, wide registers.

The tests with the marker ``cpu`` run again in processes that may use less than this machine has; a
level that it lacks is no limit, so that all of this runs on every machine.  oneDNN sees to that by
itself; torch runs what it is told to, and the process dies where the machine cannot.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from prodcat.model.precisions import fastest

ROOT = Path(__file__).parents[2]
LEVELS = {
    "AVX2 alone": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
    "AVX-512 with VNNI": {
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI",
        "ATEN_CPU_CAPABILITY": "avx512",
    },
    "no vectors": {"ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default"},
}


CAPABILITIES = ("default", "avx2", "avx512")  # from the lowest to the highest


def limits(level, here):
    """The environment that limits a process to a level on a machine with this capability."""
    asked = LEVELS[level]["ATEN_CPU_CAPABILITY"]
    lower = min(asked, here, key=CAPABILITIES.index)
    return {**LEVELS[level], "ATEN_CPU_CAPABILITY": lower}


@pytest.mark.parametrize("here", CAPABILITIES)
@pytest.mark.parametrize("level", LEVELS)
def test_no_process_is_told_to_use_what_the_machine_lacks(level, here):
    told = limits(level, here)["ATEN_CPU_CAPABILITY"]
    assert CAPABILITIES.index(told) <= CAPABILITIES.index(here)
    assert told == LEVELS[level]["ATEN_CPU_CAPABILITY"] or here == told


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_what_depends_on_the_processor_passes_on_smaller_ones(level):
    here = torch.backends.cpu.get_cpu_capability().lower()
    here = here if here in CAPABILITIES else "default"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "cpu", "--no-cov", "-p", "no:cacheprovider",
         "tests/model", "tests/classifier/test_precisions.py", "tests/serving/test_loaded_models.py"],
        env={**os.environ, **limits(level, here)}, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout and "failed" not in done.stdout


@pytest.mark.parametrize("vnni", [False, True])
@pytest.mark.parametrize("amx", [False, True])
def test_the_fastest_precision_is_one_of_the_machines(monkeypatch, amx, vnni):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: vnni)
    order = fastest(torch.device("cpu"))
    assert sorted(order) == ["bfloat16", "float32", "int8"]
    if amx:
        assert order[0] == "bfloat16"
    elif vnni:
        assert order[0] == "int8"
    else:
        assert order[0] == "float32"
