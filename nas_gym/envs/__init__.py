"""THE JOIN: search spaces, evaluators and rewards become Gymnasium environments."""
