"""How much memory is free, by Linux's files."""

from prodcat.serving.available_memory import free_memory


def test_what_is_free_is_known(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 5000 kB\n")
    group = tmp_path / "group"
    group.mkdir()
    own = ("cpu", str(tmp_path / "meminfo"), str(group))
    assert free_memory(*own) == 5_000 << 10
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("100\n")
    assert free_memory(*own) == 5_000 << 10
    (group / "memory.max").write_text("3000000\n")
    (group / "memory.current").write_text("2500000\n")
    (group / "memory.stat").write_text("anon 1\ninactive_file 200000\n")
    assert free_memory(*own) == 700_000
    assert free_memory("cpu", str(tmp_path / "none"), str(tmp_path / "none")) is None
