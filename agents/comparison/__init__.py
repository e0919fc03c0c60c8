"""WHO PROPOSES BETTER? Statistics, table and picture of several agents over several seeds."""
