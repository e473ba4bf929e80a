"""What came out of a scenario? For each server the slices, in the order of the rounds."""

from dataclasses import dataclass
from statistics import median

from benchmarks.scim.load import Measured
from benchmarks.scim.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Result:
    scenario: Scenario
    slices: dict[str, list[Measured]]  #: a slow server took part in the first rounds only

    def cpu_ms(self, server: str) -> float:
        return median(each.cpu_ms for each in self.slices[server])

    def per_second(self, server: str) -> float:
        return median(each.per_second for each in self.slices[server])

    def ratio(self, server: str) -> float:
        """Of the connector's processor time to this server's, round by round: they met the same machine."""
        pairs = zip(self.slices["connector"], self.slices[server], strict=False)
        return median(ours.cpu_ms / theirs.cpu_ms for ours, theirs in pairs)
