"""What the parts of the jail are called for people, and what to do when one lacks."""

from collections.abc import Mapping

PARTS: Mapping[str, str] = {
    "limits": "memory, processor time and open files have limits",
    "sealed": "it can gain no rights, and nobody can look into its memory",
    "account": "it is not root",
    "capabilities": "it has no special rights (capabilities)",
    "directory": "its folder is its own and empty",
    "network": "it has no network (network namespace)",
    "landlock": "it can open no file and no port (Landlock)",
    "seccomp": "it can make harmless system calls only (seccomp)",
}
"""By the names of `media.jail.level.Parts`."""

ADVICE: Mapping[str, str] = {
    "limits": "the kernel refuses limits, which none does by itself: ask who set this machine up",
    "sealed": "the kernel is older than Linux 3.5",
    "account": "run it as an ordinary user, or leave a container CAP_SETUID and CAP_SETGID",
    "capabilities": "ask who set this machine up: giving up rights is always allowed elsewhere",
    "directory": "none of /tmp, /var/tmp and /dev/shm can be written to; mount one of them",
    "network": (
        "the kernel or the container refuses user namespaces (user.max_user_namespaces, "
        "kernel.unprivileged_userns_clone, AppArmor); level 2 does without"
    ),
    "landlock": (
        "needs Linux 5.13 or newer with `landlock` in the kernel's list lsm=, and in a container a "
        "profile that lets it through; level 2 does without"
    ),
    "seccomp": "needs x86_64 or aarch64 and a kernel with CONFIG_SECCOMP_FILTER",
}

FORBIDDEN: Mapping[str, str] = {
    "read_system_file": "read the system's files",
    "read_neighbour_file": "read other people's files",
    "write_file": "write files",
    "connect_to_network": "connect to the network",
    "execute_program": "start programs",
    "signal_parent": "signal the server",
    "exceed_memory": "take all memory",
    "gain_powers": "get hold of more of the system",
}
"""By the names of `media.jail.forbidden.try_all`."""
