import GRDB

/// The tables of `log.db`.
enum MailLogSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      // A row's number is its time: milliseconds shifted left by 12 bits, and a count. So a span of time is a range of
      // the primary key, and no index on time is needed.
      try db.execute(
        sql: """
          CREATE TABLE event (
            number INTEGER PRIMARY KEY, kind INTEGER NOT NULL, id TEXT NOT NULL, related TEXT, message_id TEXT,
            sender TEXT NOT NULL, recipient TEXT NOT NULL, account TEXT, via TEXT, peer TEXT, session TEXT,
            size INTEGER NOT NULL, recipients INTEGER NOT NULL, remote TEXT, status TEXT, text TEXT, delay INTEGER,
            spam INTEGER NOT NULL);
          CREATE INDEX event_id ON event(id);
          CREATE INDEX event_related ON event(related) WHERE related IS NOT NULL;
          CREATE INDEX event_message ON event(message_id) WHERE message_id IS NOT NULL;
          CREATE INDEX event_account ON event(account) WHERE kind = 1 AND account IS NOT NULL;
          CREATE INDEX event_sender ON event(sender COLLATE NOCASE) WHERE kind = 1;
          CREATE INDEX event_recipient ON event(recipient COLLATE NOCASE) WHERE kind <> 1 AND kind <> 5;
          CREATE TABLE tally (
            hour INTEGER NOT NULL, metric TEXT NOT NULL, name TEXT NOT NULL, detail TEXT NOT NULL,
            count INTEGER NOT NULL, PRIMARY KEY (hour, metric, name, detail)) WITHOUT ROWID;
          """)
    }
    return migrator
  }

  static let columns = """
    number, kind, id, related, message_id, sender, recipient, account, via, peer, session, size, recipients, remote,
    status, text, delay, spam
    """
}
