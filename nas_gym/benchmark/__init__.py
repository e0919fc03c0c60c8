"""WHICH AGENT IS BEST? Many runs of several agents, what they show, and what they do not."""
