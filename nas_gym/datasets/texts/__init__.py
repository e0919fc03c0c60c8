"""Streams of tokens."""
