"""Learning from samples that have an answer each: batches, the recipe, the training loop."""
