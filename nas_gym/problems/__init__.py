"""WHICH QUESTIONS ARE THERE? One function an id, and the ids that Gymnasium knows."""
