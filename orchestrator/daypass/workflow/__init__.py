"""The use cases: the only place where the seams meet."""
