import Basics
import GRDB

/// How an event stands in its row.
enum EventRow {
  /// The number of the first row of a moment.
  static func number(_ time: Timestamp) -> Int64 {
    let (shifted, overflow) = max(0, time.milliseconds).multipliedReportingOverflow(by: 4096)
    return overflow ? .max : shifted
  }

  static func time(_ number: Int64) -> Timestamp { Timestamp(milliseconds: number / 4096) }

  static func insert(_ event: MailEvent, number: Int64, _ limits: MailLogSettings, _ db: Database) throws {
    let name = limits.nameLimit
    let statement = try db.cachedStatement(
      sql: "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    try statement.execute(arguments: [
      number, event.kind.rawValue, cut(event.id, name), event.related.map { cut($0, name) },
      event.messageID.map { cut($0, name) }, cut(event.sender, name), cut(event.recipient, name),
      event.account.map { cut($0, name) }, event.via.map { cut($0, name) }, event.peer.map { cut($0, name) },
      event.session.map { cut($0, name) }, event.size, event.recipients, event.remote.map { cut($0, name) },
      event.status.map { cut($0, name) }, event.text.map { cut($0, limits.textLimit) },
      event.delay?.wholeMilliseconds, event.isSpam,
    ])
  }

  static func event(_ row: Row) -> MailEvent? {
    guard let kind = MailEvent.Kind(rawValue: row[1]) else { return nil }
    var event = MailEvent(kind, id: row[2])
    event.at = time(row[0])
    event.related = row[3]
    event.messageID = row[4]
    event.sender = row[5]
    event.recipient = row[6]
    event.account = row[7]
    event.via = row[8]
    event.peer = row[9]
    event.session = row[10]
    event.size = row[11]
    event.recipients = row[12]
    event.remote = row[13]
    event.status = row[14]
    event.text = row[15]
    event.delay = (row[16] as Int64?).map { .milliseconds($0) }
    event.isSpam = row[17]
    return event
  }

  /// At most so many octets, cut between characters.
  private static func cut(_ text: String, _ limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    var result = ""
    var room = limit - 3
    for character in text {
      room -= character.utf8.count
      if room < 0 { break }
      result.append(character)
    }
    return result + "…"
  }
}
