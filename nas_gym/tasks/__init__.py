"""WHAT IS LEARNED, AND HOW IS IT MEASURED? Losses, metrics, recipes, and the record of one evaluation."""
