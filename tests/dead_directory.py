"""Name service modules, made with the C compiler: of a directory that is down, is silent, or knows people."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = r"""
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <unistd.h>
#define DEAD(name, kind, what) enum nss_status _nss_NAME_##name( \
    what, struct kind *entry, char *room, size_t size, int *code) { ANSWER; }
DEAD(getpwnam_r, passwd, const char *key)
DEAD(getpwuid_r, passwd, uid_t key)
DEAD(getgrnam_r, group, const char *key)
DEAD(getgrgid_r, group, gid_t key)
"""
# Knows the user alice, who has the number 70008, the group 70009, the group remote, and dora as its member.
LIVE = r"""
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>
static enum nss_status user(struct passwd *entry, const char *name, uid_t uid) {
  entry->pw_name = (char *)name; entry->pw_passwd = "x"; entry->pw_uid = uid; entry->pw_gid = uid;
  entry->pw_gecos = entry->pw_dir = entry->pw_shell = ""; return NSS_STATUS_SUCCESS; }
static char *nobody[] = {NULL};
static enum nss_status group(struct group *entry, const char *name, gid_t gid) {
  entry->gr_name = (char *)name; entry->gr_passwd = "x"; entry->gr_gid = gid; entry->gr_mem = nobody;
  return NSS_STATUS_SUCCESS; }
#define ROOM char *room, size_t size, int *code
enum nss_status _nss_NAME_getpwnam_r(const char *key, struct passwd *entry, ROOM) {
  return strcmp(key, "alice") ? NSS_STATUS_NOTFOUND : user(entry, "alice", 7100); }
enum nss_status _nss_NAME_getpwuid_r(uid_t key, struct passwd *entry, ROOM) {
  return key != 70008 ? NSS_STATUS_NOTFOUND : user(entry, "somebody", key); }
enum nss_status _nss_NAME_getgrnam_r(const char *key, struct group *entry, ROOM) {
  return strcmp(key, "remote") ? NSS_STATUS_NOTFOUND : group(entry, "remote", 7200); }
enum nss_status _nss_NAME_getgrgid_r(gid_t key, struct group *entry, ROOM) {
  return key == 70009 ? group(entry, "others", key) : NSS_STATUS_NOTFOUND; }
enum nss_status _nss_NAME_initgroups_dyn(const char *login, gid_t gid, long *start, long *size,
                                         gid_t **groups, long limit, int *code) {
  if (strcmp(login, "dora") || *start >= *size) return NSS_STATUS_NOTFOUND;
  (*groups)[(*start)++] = 7200; return NSS_STATUS_SUCCESS; }
"""
ANSWERS = {"dpdead": "*code = EAGAIN; return NSS_STATUS_UNAVAIL", "dphang": "for (;;) pause()"}


def build(folder: Path, name: str) -> Path:
    """The module of the source `dpdead` (it says that it is away), `dphang` (it says nothing) or `dplive`."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler makes the name service module of a directory that is down")
    source, module = folder / f"{name}.c", folder / f"libnss_{name}.so.2"
    text = SOURCE.replace("ANSWER", ANSWERS[name]) if name in ANSWERS else LIVE
    source.write_text(text.replace("NAME", name))
    words = [compiler, "-shared", "-fPIC", "-o", str(module), str(source)]
    subprocess.run(words, check=True, capture_output=True)
    return module
