"""IS IT KNOWN ALREADY? Children of this process, of a store or of a table, which are not trained again."""
