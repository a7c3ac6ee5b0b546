"""Plugins that Ansible loads by path while a wave runs; never imported by the orchestrator."""
