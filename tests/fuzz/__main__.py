"""Which input makes a target fail? Coverage-guided, by atheris: `make fuzz`.

python -m tests.fuzz filter 600: searches for ten minutes, and ends with the counts, or with the input that
failed (also in a file beside the corpus). An input that takes longer than two seconds has failed too.
"""

import sys
import tempfile
from pathlib import Path

SECONDS_FOR_ONE = 2


def main(name: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["scim", "scim2_filter_parser", "sly"]):
        from tests.fuzz.targets import TARGETS, seeds, tried

    folder = Path(tempfile.gettempdir()) / f"anysoft-connector-fuzz-{name}"
    folder.mkdir(exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (folder / f"seed-{number}").write_bytes(seed)
    target = TARGETS[name]

    def one(data: bytes) -> None:
        tried(target, data)

    options = [
        f"-max_total_time={seconds}", f"-timeout={SECONDS_FOR_ONE}", "-rss_limit_mb=2048", "-max_len=4096",
        "-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={folder}.",
    ]  # fmt: skip
    print(f"{name}: {seconds} s", flush=True)
    atheris.Setup([sys.argv[0], *options, str(folder)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
