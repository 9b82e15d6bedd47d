import Accounts

/// The tables of this room in accounts.db, and the triggers that take rights back in the transaction that ends them.
///
/// Times are milliseconds since 1970. A network is its canonical text: `192.0.2.7`, `2001:db8::/64`.
enum RelaySchema {
  /// The room's name in `schema_version`.
  static let room = "relay"
  /// Every step since the first.
  static let steps = [
    MigrationStep("leases", sql: leases),
    MigrationStep("leases end with what they rest on", sql: revocation),
    MigrationStep("login delay, rates and blacklist", sql: limits),
    MigrationStep("validated domains", sql: validation),
  ]

  private static let leases = """
    CREATE TABLE open_smtp(
      net TEXT NOT NULL,
      account_id INTEGER NOT NULL,
      account TEXT NOT NULL,
      id TEXT NOT NULL UNIQUE,
      wide INTEGER NOT NULL CHECK (wide IN (0, 1)),
      proto TEXT NOT NULL,
      tls INTEGER NOT NULL CHECK (tls IN (0, 1)),
      first_seen INTEGER NOT NULL,
      last_seen INTEGER NOT NULL,
      expires INTEGER NOT NULL,
      lifetime INTEGER NOT NULL,
      logins INTEGER NOT NULL,
      msgs INTEGER NOT NULL DEFAULT 0,
      rcpts INTEGER NOT NULL DEFAULT 0,
      node TEXT NOT NULL,
      origin TEXT NOT NULL CHECK (origin IN ('login', 'admin')),
      revoked_at INTEGER,
      revoked_why TEXT,
      PRIMARY KEY (net, account_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX open_smtp_account ON open_smtp(account_id);
    CREATE INDEX open_smtp_expires ON open_smtp(expires);
    CREATE INDEX open_smtp_wide ON open_smtp(net) WHERE wide = 1;

    CREATE TABLE open_smtp_history(
      id TEXT PRIMARY KEY NOT NULL,
      net TEXT NOT NULL,
      account_id INTEGER NOT NULL,
      account TEXT NOT NULL,
      proto TEXT NOT NULL,
      tls INTEGER NOT NULL,
      first_seen INTEGER NOT NULL,
      last_seen INTEGER NOT NULL,
      expires INTEGER NOT NULL,
      lifetime INTEGER NOT NULL,
      logins INTEGER NOT NULL,
      msgs INTEGER NOT NULL,
      rcpts INTEGER NOT NULL,
      node TEXT NOT NULL,
      origin TEXT NOT NULL,
      revoked_at INTEGER,
      revoked_why TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX open_smtp_history_last_seen ON open_smtp_history(last_seen);

    CREATE TABLE open_smtp_pause(
      net TEXT PRIMARY KEY NOT NULL,
      until INTEGER NOT NULL,
      failures INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """

  /// The wall clock in milliseconds, by SQLite 3.40.
  private static let now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

  private static func revoke(_ why: String, where condition: String) -> String {
    """
    UPDATE open_smtp SET revoked_at = \(now), revoked_why = '\(why)'
      WHERE revoked_at IS NULL AND \(condition);
    """
  }

  private static let ofDomain = "account_id IN (SELECT id FROM account WHERE domain_id = NEW.id)"

  private static let revocation = """
    CREATE TRIGGER open_smtp_password_change AFTER UPDATE OF password_changed_at ON account
    WHEN NEW.password_changed_at <> OLD.password_changed_at
    BEGIN \(revoke("password-changed", where: "account_id = NEW.id")) END;

    CREATE TRIGGER open_smtp_app_password_deletion AFTER DELETE ON app_password
    BEGIN \(revoke("app-password-deleted", where: "account_id = OLD.account_id")) END;

    CREATE TRIGGER open_smtp_account_suspension AFTER UPDATE OF suspended ON account
    WHEN NEW.suspended <> 0 AND OLD.suspended = 0
    BEGIN \(revoke("suspended", where: "account_id = NEW.id")) END;

    CREATE TRIGGER open_smtp_account_denial AFTER UPDATE OF deny_open_smtp ON account
    WHEN NEW.deny_open_smtp <> 0 AND OLD.deny_open_smtp = 0
    BEGIN \(revoke("denied", where: "account_id = NEW.id")) END;

    CREATE TRIGGER open_smtp_account_deletion AFTER DELETE ON account
    BEGIN \(revoke("deleted", where: "account_id = OLD.id")) END;

    CREATE TRIGGER open_smtp_domain_suspension AFTER UPDATE OF suspended ON domain
    WHEN NEW.suspended <> 0 AND OLD.suspended = 0
    BEGIN \(revoke("suspended", where: ofDomain)) END;

    CREATE TRIGGER open_smtp_domain_denial AFTER UPDATE OF deny_open_smtp ON domain
    WHEN NEW.deny_open_smtp <> 0 AND OLD.deny_open_smtp = 0
    BEGIN \(revoke("denied", where: ofDomain)) END;

    CREATE TRIGGER open_smtp_offer_denial AFTER UPDATE OF deny_open_smtp ON offer
    WHEN NEW.deny_open_smtp <> 0 AND OLD.deny_open_smtp = 0
    BEGIN
      \(revoke("denied", where: """
        account_id IN (SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id
          WHERE coalesce(a.offer_id, d.offer_id) = NEW.id)
        """))
    END;
    """

  private static let limits = """
    CREATE TABLE pop_login(
      account_id INTEGER NOT NULL,
      net TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (account_id, net, at)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX pop_login_at ON pop_login(at);

    CREATE TRIGGER pop_login_account_deletion AFTER DELETE ON account
    BEGIN DELETE FROM pop_login WHERE account_id = OLD.id; END;

    CREATE TABLE relay_meta(key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO relay_meta VALUES ('blacklist', 0);

    CREATE TABLE blacklist(
      net TEXT PRIMARY KEY NOT NULL,
      created INTEGER NOT NULL,
      expires INTEGER,
      cause TEXT NOT NULL,
      reason TEXT NOT NULL,
      level INTEGER NOT NULL,
      counters TEXT NOT NULL,
      node TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE blacklist_history(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      net TEXT NOT NULL,
      created INTEGER NOT NULL,
      ended INTEGER NOT NULL,
      how TEXT NOT NULL,
      cause TEXT NOT NULL,
      reason TEXT NOT NULL,
      level INTEGER NOT NULL,
      counters TEXT NOT NULL,
      counts INTEGER NOT NULL CHECK (counts IN (0, 1))
    ) STRICT;
    CREATE INDEX blacklist_history_net ON blacklist_history(net, ended);

    CREATE TABLE blacklist_exempt(
      net TEXT PRIMARY KEY NOT NULL,
      until INTEGER NOT NULL,
      note TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TRIGGER blacklist_grows AFTER INSERT ON blacklist
    BEGIN UPDATE relay_meta SET value = value + 1 WHERE key = 'blacklist'; END;
    CREATE TRIGGER blacklist_changes AFTER UPDATE ON blacklist
    BEGIN UPDATE relay_meta SET value = value + 1 WHERE key = 'blacklist'; END;
    CREATE TRIGGER blacklist_shrinks AFTER DELETE ON blacklist
    BEGIN UPDATE relay_meta SET value = value + 1 WHERE key = 'blacklist'; END;
    CREATE TRIGGER blacklist_exempt_grows AFTER INSERT ON blacklist_exempt
    BEGIN UPDATE relay_meta SET value = value + 1 WHERE key = 'blacklist'; END;
    CREATE TRIGGER blacklist_exempt_changes AFTER UPDATE ON blacklist_exempt
    BEGIN UPDATE relay_meta SET value = value + 1 WHERE key = 'blacklist'; END;
    CREATE TRIGGER blacklist_exempt_shrinks AFTER DELETE ON blacklist_exempt
    BEGIN UPDATE relay_meta SET value = value + 1 WHERE key = 'blacklist'; END;

    CREATE TABLE sending_stop(
      account_id INTEGER PRIMARY KEY NOT NULL,
      net TEXT NOT NULL,
      created INTEGER NOT NULL,
      until INTEGER,
      reason TEXT NOT NULL,
      level INTEGER NOT NULL
    ) STRICT;
    CREATE TRIGGER sending_stop_account_deletion AFTER DELETE ON account
    BEGIN DELETE FROM sending_stop WHERE account_id = OLD.id; END;

    CREATE TABLE rate_counter(
      key TEXT PRIMARY KEY NOT NULL,
      samples TEXT NOT NULL,
      last INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX rate_counter_last ON rate_counter(last);

    CREATE TABLE counter_reset(net TEXT PRIMARY KEY NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    """

  private static let validation = """
    CREATE TABLE domain_validation(
      domain TEXT PRIMARY KEY NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending', 'verified', 'lapsed', 'blocked')),
      token TEXT NOT NULL,
      proof TEXT CHECK (proof IN ('txt', 'mx')),
      started INTEGER NOT NULL,
      checked INTEGER,
      proven INTEGER,
      finding TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER domain_validation_domain_deletion AFTER DELETE ON domain
    BEGIN DELETE FROM domain_validation WHERE domain = OLD.name; END;
    CREATE TRIGGER domain_validation_alias_deletion AFTER DELETE ON domain_alias
    BEGIN DELETE FROM domain_validation WHERE domain = OLD.name; END;

    CREATE TABLE destination_record(
      domain TEXT PRIMARY KEY NOT NULL,
      first INTEGER NOT NULL,
      last INTEGER NOT NULL,
      accepted INTEGER NOT NULL,
      failed INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX destination_record_last ON destination_record(last);
    """
}
