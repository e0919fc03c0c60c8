"""HOW IS IT TOLD? Findings as words, tables, pictures and one page."""
