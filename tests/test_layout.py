"""Is the layout what docs/layout.md says? Layers that name every module, and no file that nobody can read."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("connector", "scim", "sync")
LONGEST = 400


def imports_of(folder: Path) -> subprocess.CompletedProcess[str]:
    check = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", check],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(folder)},
    )


def copied(to: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, to / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", to)
    return to


def test_the_layers_hold() -> None:
    done = imports_of(ROOT)
    assert done.returncode == 0, done.stdout


def test_a_stray_module_and_a_forbidden_import_are_noticed(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "sync" / "utils.py").write_text('"""Anything."""\n')
    (folder / "scim" / "stream.py").write_text('"""Which?"""\nfrom connector.settings import load\n')
    said = imports_of(folder).stdout
    assert "utils" in said
    assert "scim.stream -> connector.settings" in said


def test_no_file_is_too_long() -> None:
    long = [
        f"{file.relative_to(ROOT)}: {lines} lines"
        for package in (*PACKAGES, "tests", "benchmarks", "config")
        for file in sorted((ROOT / package).rglob("*.py"))
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > LONGEST
    ]
    assert long == []


def test_locks_are_installed_whole() -> None:
    lines = [
        line
        for name in ("Makefile", "Dockerfile")
        for line in (ROOT / name).read_text().splitlines()
        if "--require-hashes" in line
    ]
    assert len(lines) == 2
    for line in lines:
        assert "--no-deps" in line, f"pip would resolve anew what the lock has decided: {line}"
