/* A disk that fails, for a program that has this library preloaded: see failing_disk.py.

   FAILING_DISK names a folder. While it holds a file `sync`, what is written to the log of a Postgres
   is lost, and every sync says so, as after a defect of the disk (fsync(2), EIO). While it holds a
   file `full`, no file grows (write(2), ENOSPC). Only what the program itself writes is looked at. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int fails(const char *how) {
    char path[PATH_MAX];
    const char *folder = getenv("FAILING_DISK");
    int before = errno;
    if (folder == NULL) return 0;
    snprintf(path, sizeof path, "%s/%s", folder, how);
    int there = access(path, F_OK) == 0;
    errno = before;
    return there;
}

static int is_log(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "/pg_wal/") != NULL;
}

static int grows(int file, off_t end) {
    struct stat now;
    return fstat(file, &now) == 0 && S_ISREG(now.st_mode) && end > now.st_size;
}

static int refused(int file, off_t end) {
    if (!fails("full") || !grows(file, end)) return 0;
    errno = ENOSPC;
    return 1;
}

static size_t length_of(const struct iovec *parts, int count) {
    size_t length = 0;
    for (int i = 0; i < count; i++) length += parts[i].iov_len;
    return length;
}

ssize_t pwrite(int file, const void *data, size_t length, off_t at) {
    if (refused(file, at + (off_t)length)) return -1;
    if (fails("sync") && is_log(file)) return (ssize_t)length;
    return REAL(pwrite)(file, data, length, at);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
    size_t length = length_of(parts, count);
    if (refused(file, at + (off_t)length)) return -1;
    if (fails("sync") && is_log(file)) return (ssize_t)length;
    return REAL(pwritev)(file, parts, count, at);
}

ssize_t write(int file, const void *data, size_t length) {
    /* What the program has to say is not what is tested. */
    if (file > STDERR_FILENO) {
        off_t at = lseek(file, 0, SEEK_CUR);
        if (at >= 0 && refused(file, at + (off_t)length)) return -1;
    }
    return REAL(write)(file, data, length);
}

int posix_fallocate(int file, off_t at, off_t length) {
    return refused(file, at + length) ? ENOSPC : REAL(posix_fallocate)(file, at, length);
}

static int unsynced(void) {
    if (!fails("sync")) return 0;
    errno = EIO;
    return 1;
}

int fsync(int file) { return unsynced() ? -1 : REAL(fsync)(file); }

int fdatasync(int file) { return unsynced() ? -1 : REAL(fdatasync)(file); }
