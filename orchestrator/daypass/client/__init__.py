"""What runs on a person's own machine: keys, ssh's configuration, and nothing of the orchestrator's state."""
