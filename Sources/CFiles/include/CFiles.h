#ifndef CFILES_H
#define CFILES_H

#include <sys/types.h>

/// Reads what is in the page cache and never waits for the disk; 0 where nothing is, or the file system cannot tell.
ssize_t cfiles_pread_cached(int descriptor, void *octets, size_t count, off_t offset);

/// Opens a file for reading when its name needs no look at the disk; -1 otherwise, whatever the reason (Linux 5.12).
///
/// The last part of the name must not be a symbolic link.
int cfiles_open_cached(const char *path);

/// Brings a part of a file into the page cache.
int cfiles_readahead(int descriptor, off_t offset, size_t count);

/// Begins to write a file's octets to the disk and does not wait for it; a later fsync waits less.
void cfiles_start_writing(int descriptor);

/// Makes everything of the descriptor's file system durable; -1 with errno on failure.
int cfiles_syncfs(int descriptor);

#endif
