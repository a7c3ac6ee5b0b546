"""The servers: which there are, in and out of Daypass, and what stands on them."""
