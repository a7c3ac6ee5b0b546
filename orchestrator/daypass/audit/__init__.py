"""The audit log's proof: that nothing was altered, moved, cut out or cut off."""
