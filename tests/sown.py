"""How is a bug sown? Small replacements of text in a copy of the tree; what runs there is to notice it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile, copytree, ignore_patterns

ROOT = Path(__file__).parents[1]
Replacement = tuple[str, str, str]  #: file, what stands there, what stands there instead
_FOLDERS = ("connector", "scim", "sync", "config", "docs", "benchmarks", "tests")


def fits(sown: Iterable[Replacement]) -> Iterator[str]:
    """What keeps the bug out of the tree as it is; nothing: it can be sown."""
    texts: dict[str, str] = {}
    for path, there, instead in sown:
        text = texts.get(path) or (ROOT / path).read_text(encoding="utf-8")
        if text.count(there) != 1:
            yield f"{path} has {text.count(there)} times {there!r}: the bug has to follow the code"
        texts[path] = text.replace(there, instead)
    for path, text in texts.items():
        try:
            compile(text, path, "exec")
        except SyntaxError as error:  # nothing would run, and a test that doesn't run shows nothing
            yield f"{path} would be no Python: {error}"


@contextmanager
def copy(sown: Iterable[Replacement]) -> Iterator[Path]:
    """A copy of the tree with these replacements, as long as the block lasts. Raises LookupError where the
    tree isn't as the bug needs it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        tree = Path(folder)
        for name in _FOLDERS:
            copytree(ROOT / name, tree / name, ignore=ignore_patterns("__pycache__"))
        copyfile(ROOT / "pyproject.toml", tree / "pyproject.toml")
        for path, there, instead in sown:
            text = (tree / path).read_text(encoding="utf-8")
            if text.count(there) != 1:
                raise LookupError(f"{path} has {text.count(there)} times {there!r}")
            (tree / path).write_text(text.replace(there, instead), encoding="utf-8")
        yield tree


def run(tree: Path, arguments: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """`python -m arguments…` in the copy. Raises TimeoutExpired."""
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=seconds,
    )  # fmt: skip
