#ifndef CMEMORY_H
#define CMEMORY_H

/// Gives memory that is free back to the system, of every thread's arena; where the C library cannot, nothing happens.
void cmemory_trim(void);

#endif
