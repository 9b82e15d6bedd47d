/// What holds whoever writes to the tables: a hand at the `sqlite3` prompt meets the same rules as the command line.
extension AccountsSchema {
  static let rules = """
    CREATE TRIGGER domain_name_free BEFORE INSERT ON domain
    WHEN EXISTS (SELECT 1 FROM domain_alias WHERE name = NEW.name)
    BEGIN SELECT RAISE(ABORT, 'Domain already exists'); END;

    CREATE TRIGGER domain_alias_name_free BEFORE INSERT ON domain_alias
    WHEN EXISTS (SELECT 1 FROM domain WHERE name = NEW.name)
    BEGIN SELECT RAISE(ABORT, 'Domain already exists'); END;

    CREATE TRIGGER account_name_free BEFORE INSERT ON account
    WHEN EXISTS (SELECT 1 FROM alias WHERE key = NEW.key)
    BEGIN SELECT RAISE(ABORT, 'Username exists'); END;

    CREATE TRIGGER alias_name_free BEFORE INSERT ON alias
    WHEN EXISTS (SELECT 1 FROM account WHERE key = NEW.key)
    BEGIN SELECT RAISE(ABORT, 'Username exists'); END;

    -- A domain takes its postmaster along: then its row is already gone when the cascade arrives here.
    CREATE TRIGGER postmaster_stays BEFORE DELETE ON account
    WHEN OLD.local_part = 'postmaster' AND EXISTS (SELECT 1 FROM domain WHERE id = OLD.domain_id)
    BEGIN SELECT RAISE(ABORT, 'postmaster account cannot be deleted'); END;

    CREATE TRIGGER postmaster_serves BEFORE UPDATE OF suspended ON account
    WHEN OLD.local_part = 'postmaster' AND NEW.suspended <> 0
    BEGIN SELECT RAISE(ABORT, 'postmaster account cannot be deleted or suspended'); END;

    CREATE TRIGGER postmaster_born_serving BEFORE INSERT ON account
    WHEN NEW.local_part = 'postmaster' AND NEW.suspended <> 0
    BEGIN SELECT RAISE(ABORT, 'postmaster account cannot be deleted or suspended'); END;

    CREATE TRIGGER account_keeps_its_name BEFORE UPDATE OF domain_id, local_part, key, directory ON account
    WHEN NEW.domain_id <> OLD.domain_id OR NEW.local_part <> OLD.local_part OR NEW.key <> OLD.key
      OR NEW.directory <> OLD.directory
    BEGIN SELECT RAISE(ABORT, 'an account keeps its name'); END;

    CREATE TRIGGER domain_keeps_its_name BEFORE UPDATE OF name ON domain
    WHEN NEW.name <> OLD.name
    BEGIN SELECT RAISE(ABORT, 'a domain keeps its name'); END;
    """

  static let feed = """
    CREATE TABLE changes(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      account_id INTEGER NOT NULL,
      what TEXT NOT NULL
    ) STRICT;

    CREATE TRIGGER account_password_changes AFTER UPDATE OF password_changed_at ON account
    WHEN NEW.password_changed_at <> OLD.password_changed_at
    BEGIN INSERT INTO changes(account_id, what) VALUES (NEW.id, 'password'); END;

    CREATE TRIGGER account_suspension_changes AFTER UPDATE OF suspended ON account
    WHEN NEW.suspended <> OLD.suspended
    BEGIN INSERT INTO changes(account_id, what) VALUES (NEW.id, 'suspended'); END;

    CREATE TRIGGER account_flag_changes AFTER UPDATE OF deny_pop, deny_imap, deny_smtp, deny_open_smtp, offer_id ON account
    BEGIN INSERT INTO changes(account_id, what) VALUES (NEW.id, 'flags'); END;

    CREATE TRIGGER account_quota_changes AFTER UPDATE OF quota_own, quota_bytes, quota_messages, offer_id ON account
    BEGIN INSERT INTO changes(account_id, what) VALUES (NEW.id, 'quota'); END;

    CREATE TRIGGER account_deletion AFTER DELETE ON account
    BEGIN INSERT INTO changes(account_id, what) VALUES (OLD.id, 'deleted'); END;

    CREATE TRIGGER app_password_deletion AFTER DELETE ON app_password
    WHEN EXISTS (SELECT 1 FROM account WHERE id = OLD.account_id)
    BEGIN INSERT INTO changes(account_id, what) VALUES (OLD.account_id, 'app-password'); END;

    CREATE TRIGGER domain_suspension_changes AFTER UPDATE OF suspended ON domain
    WHEN NEW.suspended <> OLD.suspended
    BEGIN INSERT INTO changes(account_id, what) SELECT id, 'suspended' FROM account WHERE domain_id = NEW.id; END;

    CREATE TRIGGER domain_flag_changes AFTER UPDATE OF deny_pop, deny_imap, deny_smtp, deny_open_smtp, offer_id ON domain
    BEGIN INSERT INTO changes(account_id, what) SELECT id, 'flags' FROM account WHERE domain_id = NEW.id; END;

    CREATE TRIGGER offer_flag_changes AFTER UPDATE OF deny_pop, deny_imap, deny_smtp, deny_open_smtp ON offer
    BEGIN
      INSERT INTO changes(account_id, what)
        SELECT a.id, 'flags' FROM account a JOIN domain d ON d.id = a.domain_id
        WHERE coalesce(a.offer_id, d.offer_id) = NEW.id;
    END;

    CREATE TRIGGER offer_quota_changes AFTER UPDATE OF quota_bytes, quota_max_bytes, quota_messages ON offer
    BEGIN
      INSERT INTO changes(account_id, what)
        SELECT a.id, 'quota' FROM account a JOIN domain d ON d.id = a.domain_id
        WHERE coalesce(a.offer_id, d.offer_id) = NEW.id;
    END;
    """

  static let stamp =
    """
    CREATE TABLE directory_stamp(id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL) STRICT;
    INSERT INTO directory_stamp VALUES (1, 1);

    """
    + ["offer", "domain", "domain_alias", "account", "alias", "alias_target"].flatMap { table in
      ["insert", "update", "delete"].map { event in
        """
        CREATE TRIGGER \(table)_\(event)_counts AFTER \(event) ON \(table)
        BEGIN UPDATE directory_stamp SET value = value + 1; END;
        """
      }
    }.joined(separator: "\n")

  /// When an app password was used last says nothing about who may log in: it does not count.
  static let appPasswordStamp = ["insert", "update OF account_id, digest, pop, imap, smtp", "delete"].map { event in
    """
    CREATE TRIGGER app_password_\(event.prefix(6))_counts AFTER \(event) ON app_password
    BEGIN UPDATE directory_stamp SET value = value + 1; END;
    """
  }.joined(separator: "\n")
}
