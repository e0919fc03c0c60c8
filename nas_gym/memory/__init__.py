"""WHAT IS KNOWN ALREADY? Single children in a store, whole search spaces in tables."""
