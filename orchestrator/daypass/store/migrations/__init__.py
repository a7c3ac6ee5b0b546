"""Schema changes, forward only; a file that was released is never changed."""
