"""Stand-ins for the directories that are pulled: stateful servers on loopback, with faults."""
