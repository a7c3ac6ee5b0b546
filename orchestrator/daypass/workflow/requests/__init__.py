"""Requests: made, answered, decided, taken back, run out."""
