#include "CSQLite.h"
#include <sqlite3.h>
#include <stddef.h>

int martinet_sqlite_drop_lookaside(void *database) {
  return sqlite3_db_config((sqlite3 *)database, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
}

// No connection takes memory for its first twenty pages at once: with an index and a text index an account, that is a
// quarter of a megabyte for each that is open. Has to be said before SQLite is used, and Swift cannot call it either.
__attribute__((constructor)) static void configure(void) { sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0); }
