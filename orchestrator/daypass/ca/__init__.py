"""Certificates: the exact fields to sign (pure), signers behind one interface, the check after signing."""
