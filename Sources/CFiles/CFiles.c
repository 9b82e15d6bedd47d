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

void cfiles_start_writing(int descriptor) { (void)sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE); }

int cfiles_syncfs(int descriptor) { return syncfs(descriptor); }
