"""WHAT IS TAKEN HOME? A network in a folder of its own, used without data, environment or study."""
