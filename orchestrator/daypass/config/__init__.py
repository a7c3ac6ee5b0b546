"""daypass.yaml -> settings. Nothing else reads files or environment for them; secrets stay references."""

from __future__ import annotations

from daypass.config.load import load
from daypass.config.settings import Integration, Owner, ResourceOwner, Settings, UserGroup, Waves

__all__ = ["Integration", "Owner", "ResourceOwner", "Settings", "UserGroup", "Waves", "load"]
