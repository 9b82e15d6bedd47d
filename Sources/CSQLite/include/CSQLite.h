#ifndef CSQLITE_H
#define CSQLITE_H

/// Takes away a connection's lookaside memory (sqlite3_db_config, which Swift cannot call); answers SQLite's code.
int martinet_sqlite_drop_lookaside(void *database);

#endif
