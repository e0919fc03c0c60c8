"""HOW DO MANY MACHINES WORK FOR ONE? A pool of actors in a Ray cluster."""
