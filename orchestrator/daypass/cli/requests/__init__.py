"""Asking for access, answering, and waiting for it."""
