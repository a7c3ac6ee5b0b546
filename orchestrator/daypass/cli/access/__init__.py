"""What people do with the access they have."""
