#include "CSQLite.h"
#include <sqlite3.h>
#include <stddef.h>

int martinet_sqlite_drop_lookaside(void *database) {
  return sqlite3_db_config((sqlite3 *)database, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
}
