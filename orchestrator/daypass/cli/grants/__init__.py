"""The operator's own way to give, change and take access, and what was signed for it."""
