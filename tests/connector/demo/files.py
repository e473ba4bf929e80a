"""Where are the recorded cycles and the demo's scenario?"""

from pathlib import Path

from connector.demo.recording import Recording, read
from connector.demo.scenario import Scenario
from connector.demo.scenario import read as read_scenario

CONFIG = Path(__file__).parents[3] / "config"
FOLDER = CONFIG / "recordings"


def scenario() -> Scenario:
    return read_scenario(CONFIG / "demo.toml")


def cycles() -> list[Recording]:
    """All recordings in the order in which the demo plays them."""
    wanted = scenario()
    return [read(FOLDER, name) for name in (*wanted.first, *wanted.next)]
