"""WHAT FITS MY DATA? Searches behind the face of scikit-learn's estimators."""
