#define _GNU_SOURCE
#include "CFiles.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t cfiles_pread_cached(int descriptor, void *octets, size_t count, off_t offset) {
  struct iovec vector = {.iov_base = octets, .iov_len = count};
  ssize_t got = preadv2(descriptor, &vector, 1, offset, RWF_NOWAIT);
  return got < 0 ? 0 : got;
}

int cfiles_readahead(int descriptor, off_t offset, size_t count) {
  return (int)readahead(descriptor, offset, count);
}

int cfiles_syncfs(int descriptor) { return syncfs(descriptor); }
