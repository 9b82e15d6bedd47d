import Basics
import GRDB

/// The tables of `queue.db`, and rows to values and back.
enum QueueSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("queue-1") { db in
      try db.execute(
        sql: """
          CREATE TABLE generation (id TEXT PRIMARY KEY NOT NULL, own INTEGER NOT NULL) WITHOUT ROWID;
          CREATE TABLE counter (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
          CREATE TABLE message (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            sender TEXT NOT NULL,
            size INTEGER NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            class INTEGER NOT NULL,
            held INTEGER NOT NULL DEFAULT 0,
            account TEXT,
            via TEXT,
            ret TEXT,
            envid TEXT,
            traits INTEGER NOT NULL DEFAULT 0,
            warned INTEGER);
          CREATE TABLE recipient (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            message INTEGER NOT NULL REFERENCES message (number) ON DELETE CASCADE,
            address TEXT NOT NULL,
            destination TEXT NOT NULL,
            class INTEGER NOT NULL,
            state INTEGER NOT NULL,
            next INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            last INTEGER,
            lease INTEGER,
            reply TEXT NOT NULL DEFAULT '',
            status TEXT NOT NULL DEFAULT '',
            remote TEXT NOT NULL DEFAULT '',
            notify TEXT,
            orcpt TEXT);
          CREATE INDEX recipient_message ON recipient (message);
          CREATE INDEX recipient_due ON recipient (class, next, destination) WHERE state = 0;
          CREATE INDEX recipient_leased ON recipient (lease) WHERE state = 1;
          """)
    }
    return migrator
  }

  static let recipientColumns = """
    recipient.number, recipient.message, recipient.address, recipient.destination, recipient.state, recipient.next, \
    recipient.attempts, recipient.last, recipient.reply, recipient.status, recipient.remote, recipient.notify, \
    recipient.orcpt
    """

  static func recipient(_ row: Row) -> QueuedRecipient {
    QueuedRecipient(
      number: row[0], address: row[2], destination: row[3],
      state: RecipientState(rawValue: row[4]) ?? .held, next: Timestamp(milliseconds: row[5]), attempts: row[6],
      lastAttempt: (row[7] as Int64?).map(Timestamp.init(milliseconds:)), reply: row[8], status: row[9],
      remote: row[10], notify: row[11], originalRecipient: row[12])
  }

  static let messageColumns =
    "number, id, sender, size, created, expires, class, held, account, via, ret, envid, traits, warned"

  static func message(_ row: Row, _ recipients: [QueuedRecipient]) -> QueuedMessage {
    QueuedMessage(
      id: row[1], sender: row[2], size: row[3], created: Timestamp(milliseconds: row[4]),
      expires: Timestamp(milliseconds: row[5]), mailClass: MailClass(rawValue: row[6]) ?? .normal, isHeld: row[7],
      account: row[8], via: row[9], dsnReturn: row[10], envelopeID: row[11],
      traits: MessageTraits(rawValue: row[12]), warned: (row[13] as Int64?).map(Timestamp.init(milliseconds:)),
      recipients: recipients)
  }

  static func insert(_ message: QueuedMessage, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO message (id, sender, size, created, expires, class, held, account, via, ret, envid, traits)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      message.id, message.sender, message.size, message.created.milliseconds, message.expires.milliseconds,
      message.mailClass.rawValue, message.isHeld, message.account, message.via, message.dsnReturn, message.envelopeID,
      message.traits.rawValue,
    ])
    let number = db.lastInsertedRowID
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO recipient (message, address, destination, class, state, next, reply, notify, orcpt)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    for recipient in message.recipients {
      try statement.execute(arguments: [
        number, recipient.address, recipient.destination, message.mailClass.rawValue, recipient.state.rawValue,
        recipient.next.milliseconds, recipient.reply, recipient.notify, recipient.originalRecipient,
      ])
    }
  }
}
