"""HOW DOES A PAGE LOOK? Panels as plain data, drawn in one HTML file that needs no network."""
