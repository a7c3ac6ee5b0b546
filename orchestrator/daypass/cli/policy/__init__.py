"""What the configuration says of people: who is known, who may have what."""
