#define _GNU_SOURCE
#include "CCrypt.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

int martinet_crypt(const char *phrase, const char *setting, char *out, size_t size) {
  void *data = NULL;
  int length = 0;
  const char *hash = crypt_ra(phrase, setting, &data, &length);
  int result = -1;
  if (hash != NULL && hash[0] != '*') {
    size_t needed = strlen(hash) + 1;
    if (needed <= size) {
      memcpy(out, hash, needed);
      result = 0;
    }
  }
  if (data != NULL) {
    explicit_bzero(data, (size_t)length);
    free(data);
  }
  return result;
}

int martinet_gensalt(const char *prefix, unsigned long cost, char *out, size_t size) {
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  if (crypt_gensalt_rn(prefix, cost, NULL, 0, setting, sizeof setting) == NULL) return -1;
  size_t needed = strlen(setting) + 1;
  if (setting[0] == '*' || needed > size) return -1;
  memcpy(out, setting, needed);
  return 0;
}

void martinet_wipe(void *memory, size_t size) { explicit_bzero(memory, size); }
