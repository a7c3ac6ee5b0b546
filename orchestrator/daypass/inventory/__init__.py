"""The JSON server list -> servers; servers -> Ansible inventory. Pure: others read the files."""
