"""Setting the orchestrator up and keeping it going."""
