"""The search space ``nas-bench-201-v0``: cells with six edges, each one of five operations."""
