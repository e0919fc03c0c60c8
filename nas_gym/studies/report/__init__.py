"""WHAT CAME OF IT? Figures and words about one search, for people."""
