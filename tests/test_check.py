"""What ``.ci/run`` installs is what the tests marked ``system`` need."""

import re
from pathlib import Path

import servers

TEXT = (Path(__file__).parent.parent / ".ci" / "run").read_text(encoding="utf-8")


def test_every_program_that_tests_need_is_looked_for():
    """Without one of them its tests would be left out, and the check would pass."""
    [programs] = re.findall(r"for program in ([^;]+); do", TEXT)
    assert set(programs.split()) == {*servers.CEPH_PROGRAMS, "java", "chromium"}


def test_the_packages_with_these_programs_are_installed():
    [packages] = re.findall(r"--no-install-recommends \\\n([^\n]+)\n", TEXT)
    assert set(packages.split()) == {*servers.CEPH_DEBS, "openjdk-17-jre-headless", "chromium"}
