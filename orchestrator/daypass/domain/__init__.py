"""What Daypass talks about: frozen values and pure functions, no effects, no clock."""
