"""The search space ``cell-v0``: recurrent cells as trees of element-wise operations."""
