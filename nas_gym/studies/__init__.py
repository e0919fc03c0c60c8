"""FROM A QUESTION TO A NETWORK: search, choose, retrain, compare, report."""
