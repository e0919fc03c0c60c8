"""WHAT FITS MY TABLE? Settings, a search, the best on all folds, and those that answer together."""
