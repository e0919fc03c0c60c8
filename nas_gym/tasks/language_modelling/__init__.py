"""Predicting each token of a text from those before it."""
