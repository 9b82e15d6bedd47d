/// The tables of this room.
///
/// Other rooms may refer to `domain(id)` and `account(id)` and hang triggers on them.
///
/// What others may rely on:
/// - Times are milliseconds since 1970 (UTC). Booleans are 0 or 1. Names are stored folded: A-labels, lower case.
/// - `account.id` and `domain.id` are never used again after a row is gone.
/// - `account.password_changed_at` moves exactly when the owner's secret changes; `account.password` alone may also be
///   rewritten when an old hash is upgraded at login, which must end no session and no lease. A trigger on a password
///   change is therefore written `AFTER UPDATE OF password_changed_at ON account`.
/// - Deleting a domain deletes its accounts by `ON DELETE CASCADE`; triggers on `account` fire for each of them.
enum AccountsSchema {
  /// The room's name in `schema_version`.
  static let room = "accounts"
  /// Every step since the first.
  static let steps = [
    MigrationStep("domains, accounts, aliases and offers", sql: tables),
    MigrationStep("rules the store keeps by itself", sql: rules),
    MigrationStep("the feed of changes", sql: feed),
    MigrationStep("the count of changes that recipients depend on", sql: stamp),
    MigrationStep("who shares mail with a whole domain", sql: sharing),
    MigrationStep(
      "messages an hour by offer",
      sql: "ALTER TABLE offer ADD COLUMN messages_per_hour INTEGER CHECK (messages_per_hour > 0)"),
    MigrationStep("the count of changes that logins depend on", sql: appPasswordStamp),
  ]

  private static let sharing = """
    CREATE TABLE domain_share(account_id INTEGER PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE) STRICT;
    """

  private static let tables = """
    CREATE TABLE host_secret(name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL);

    CREATE TABLE offer(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      quota_bytes INTEGER NOT NULL CHECK (quota_bytes > 0),
      quota_max_bytes INTEGER NOT NULL CHECK (quota_max_bytes >= quota_bytes),
      quota_messages INTEGER CHECK (quota_messages > 0),
      deny_pop INTEGER NOT NULL DEFAULT 0 CHECK (deny_pop IN (0, 1)),
      deny_imap INTEGER NOT NULL DEFAULT 0 CHECK (deny_imap IN (0, 1)),
      deny_smtp INTEGER NOT NULL DEFAULT 0 CHECK (deny_smtp IN (0, 1)),
      deny_open_smtp INTEGER NOT NULL DEFAULT 0 CHECK (deny_open_smtp IN (0, 1)),
      pop_login_delay INTEGER CHECK (pop_login_delay BETWEEN 0 AND 300000),
      comment TEXT NOT NULL DEFAULT '',
      created_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE domain(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      offer_id INTEGER REFERENCES offer(id) ON DELETE RESTRICT,
      suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1)),
      deny_pop INTEGER NOT NULL DEFAULT 0 CHECK (deny_pop IN (0, 1)),
      deny_imap INTEGER NOT NULL DEFAULT 0 CHECK (deny_imap IN (0, 1)),
      deny_smtp INTEGER NOT NULL DEFAULT 0 CHECK (deny_smtp IN (0, 1)),
      deny_open_smtp INTEGER NOT NULL DEFAULT 0 CHECK (deny_open_smtp IN (0, 1)),
      catch_all TEXT NOT NULL DEFAULT 'bounce' CHECK (catch_all IN ('bounce', 'delete', 'address')),
      catch_all_target TEXT CHECK ((catch_all = 'address') = (catch_all_target IS NOT NULL)),
      delimiters TEXT NOT NULL DEFAULT '+-',
      max_accounts INTEGER CHECK (max_accounts >= 0),
      max_aliases INTEGER CHECK (max_aliases >= 0),
      quota_bytes INTEGER CHECK (quota_bytes > 0),
      comment TEXT NOT NULL DEFAULT '',
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX domain_offer ON domain(offer_id);

    CREATE TABLE domain_alias(
      name TEXT PRIMARY KEY NOT NULL,
      domain_id INTEGER NOT NULL REFERENCES domain(id) ON DELETE CASCADE,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX domain_alias_domain ON domain_alias(domain_id);

    CREATE TABLE account(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      domain_id INTEGER NOT NULL REFERENCES domain(id) ON DELETE CASCADE,
      local_part TEXT NOT NULL,
      key TEXT NOT NULL UNIQUE,
      directory TEXT NOT NULL UNIQUE,
      password TEXT NOT NULL,
      password_changed_at INTEGER NOT NULL,
      scram_salt BLOB,
      scram_iterations INTEGER,
      scram_stored_key BLOB,
      scram_server_key BLOB,
      apop_secret TEXT,
      offer_id INTEGER REFERENCES offer(id) ON DELETE RESTRICT,
      quota_own INTEGER NOT NULL DEFAULT 0 CHECK (quota_own IN (0, 1)),
      quota_bytes INTEGER CHECK (quota_bytes > 0),
      quota_messages INTEGER CHECK (quota_messages > 0),
      suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1)),
      deny_pop INTEGER NOT NULL DEFAULT 0 CHECK (deny_pop IN (0, 1)),
      deny_imap INTEGER NOT NULL DEFAULT 0 CHECK (deny_imap IN (0, 1)),
      deny_smtp INTEGER NOT NULL DEFAULT 0 CHECK (deny_smtp IN (0, 1)),
      deny_open_smtp INTEGER NOT NULL DEFAULT 0 CHECK (deny_open_smtp IN (0, 1)),
      comment TEXT NOT NULL DEFAULT '',
      created_at INTEGER NOT NULL,
      UNIQUE (domain_id, local_part)
    ) STRICT;
    CREATE INDEX account_offer ON account(offer_id);

    CREATE TABLE alias(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      domain_id INTEGER NOT NULL REFERENCES domain(id) ON DELETE CASCADE,
      local_part TEXT NOT NULL,
      key TEXT NOT NULL UNIQUE,
      comment TEXT NOT NULL DEFAULT '',
      created_at INTEGER NOT NULL,
      UNIQUE (domain_id, local_part)
    ) STRICT;

    CREATE TABLE alias_target(
      alias_id INTEGER NOT NULL REFERENCES alias(id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      target TEXT NOT NULL,
      target_key TEXT NOT NULL,
      PRIMARY KEY (alias_id, position),
      UNIQUE (alias_id, target_key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX alias_target_key ON alias_target(target_key);

    CREATE TABLE app_password(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      digest BLOB NOT NULL,
      pop INTEGER NOT NULL CHECK (pop IN (0, 1)),
      imap INTEGER NOT NULL CHECK (imap IN (0, 1)),
      smtp INTEGER NOT NULL CHECK (smtp IN (0, 1)),
      created_at INTEGER NOT NULL,
      last_used_at INTEGER,
      last_used_service TEXT,
      last_used_peer TEXT,
      UNIQUE (account_id, name)
    ) STRICT;

    CREATE TABLE login(
      account_id INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
      service TEXT NOT NULL,
      at INTEGER NOT NULL,
      peer TEXT NOT NULL,
      logins INTEGER NOT NULL,
      PRIMARY KEY (account_id, service)
    ) STRICT, WITHOUT ROWID;
    """
}
