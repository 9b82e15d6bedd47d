#define _GNU_SOURCE
#include "CFiles.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t cfiles_pread_cached(int descriptor, void *octets, size_t count, off_t offset) {
  struct iovec vector = {.iov_base = octets, .iov_len = count};
  ssize_t got = preadv2(descriptor, &vector, 1, offset, RWF_NOWAIT);
  return got < 0 ? 0 : got;
}

// <linux/openat2.h> is not on every build host, and glibc has no function for it.
struct open_how_v0 {
  unsigned long long flags;
  unsigned long long mode;
  unsigned long long resolve;
};
enum { OPENAT2_NUMBER = 437, RESOLVE_CACHED_FLAG = 0x20 };

int cfiles_open_cached(const char *path) {
  struct open_how_v0 how = {.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW, .resolve = RESOLVE_CACHED_FLAG};
  return (int)syscall(OPENAT2_NUMBER, AT_FDCWD, path, &how, sizeof how);
}

int cfiles_readahead(int descriptor, off_t offset, size_t count) {
  return (int)readahead(descriptor, offset, count);
}

void cfiles_start_writing(int descriptor) { (void)sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE); }

int cfiles_syncfs(int descriptor) { return syncfs(descriptor); }
