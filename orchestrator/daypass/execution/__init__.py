"""Ways of sending work to servers: one interface, one file per way to run, and what both need (design.md)."""
