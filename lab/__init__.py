"""Throwaway Linux servers on one machine, made with podman on loopback addresses."""
