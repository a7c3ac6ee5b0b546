"""What shells ask for when a person presses Tab."""
