"""The SSH front door: who somebody is by the key that logged in, and what may be typed there.

Nothing is imported here: sshd starts `daypass gate keys` for every key that a client offers.
"""
