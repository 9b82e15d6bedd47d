#ifndef MARTINET_CCRYPT_H
#define MARTINET_CCRYPT_H

#include <stddef.h>

/* Hashes phrase by setting (crypt(3) of libxcrypt) into out, which holds size octets.
   Returns 0, or -1 when the setting is not one this library knows. The work area is wiped. */
int martinet_crypt(const char *phrase, const char *setting, char *out, size_t size);

/* Makes a setting for a new hash: prefix such as "$y$", a cost (0 = the library's default).
   Returns 0, or -1 for an unknown prefix. */
int martinet_gensalt(const char *prefix, unsigned long cost, char *out, size_t size);

/* Overwrites memory in a way the compiler cannot leave out. */
void martinet_wipe(void *memory, size_t size);

#endif
