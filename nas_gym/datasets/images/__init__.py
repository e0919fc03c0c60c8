"""Images as their files have them."""
