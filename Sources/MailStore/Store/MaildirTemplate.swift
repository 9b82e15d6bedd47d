import Basics
import Glibc

/// What new mailboxes are copied from: the repository's `Maildir-template/`, or the same built in.
struct MaildirTemplate: Sendable {
  /// Directory names of folders, such as `.Sent`.
  var folders: [String]
  /// Subscribed names, one a line.
  var subscriptions: String
  /// Special uses, one a line: `\Sent Sent`.
  var specialUses: String
  /// The first message, with placeholders; empty for none.
  var welcome: String
  /// The message sent near the quota, with placeholders; empty for none.
  var quotaWarning: String

  /// Reads a template directory; without one the built-in template is used.
  ///
  /// - Throws: `StoreError` when the directory cannot be read.
  init(directory: String?) throws {
    guard let directory else {
      self = .builtIn
      return
    }
    guard FileSystem.facts(directory)?.isDirectory == true else {
      throw StoreError(.notAllowed, "\(directory) is not a directory")
    }
    func text(_ name: String) throws -> String {
      String(decoding: try FileSystem.contents("\(directory)/\(name)", limit: 1 << 20) ?? [], as: UTF8.self)
    }
    folders = FileSystem.names(directory).filter {
      $0.hasPrefix(".") && FolderNameCodec.name(ofDirectory: $0) != nil
        && FileSystem.facts("\(directory)/\($0)")?.isDirectory == true
    }.sorted()
    subscriptions = try text("subscriptions")
    specialUses = try text("special-use")
    welcome = try text("welcome.eml")
    quotaWarning = try text("quota-warning.eml")
  }

  private init(folders: [String], subscriptions: String, specialUses: String, welcome: String, quotaWarning: String) {
    self.folders = folders
    self.subscriptions = subscriptions
    self.specialUses = specialUses
    self.welcome = welcome
    self.quotaWarning = quotaWarning
  }

  /// The template that is used when no directory is set.
  static let builtIn = MaildirTemplate(
    folders: [".Drafts", ".Junk", ".Sent", ".Trash"], subscriptions: "INBOX\nDrafts\nJunk\nSent\nTrash\n",
    specialUses: "\\Drafts Drafts\n\\Junk Junk\n\\Sent Sent\n\\Trash Trash\n", welcome: "",
    quotaWarning: """
      From: Mail system <postmaster@{domain}>
      To: <{address}>
      Subject: Your mailbox is {percent} percent full
      Date: {date}
      Message-ID: <{id}@{hostname}>
      Auto-Submitted: auto-generated
      MIME-Version: 1.0
      Content-Type: text/plain; charset=utf-8

      Your mailbox {address} holds {used} of {limit}.

      When it is full, new mail is sent back to its senders. Please delete messages
      you no longer need, and empty the Trash folder.

      """)

  /// Fills `{name}` placeholders in one pass: what a value holds is never read as a placeholder, and octets that
  /// could end a header line are left out.
  ///
  /// - Returns: the message with CRLF line ends.
  static func fill(_ template: String, _ values: [String: String]) -> [UInt8] {
    var result: [UInt8] = []
    let source = Array(template.utf8)
    var position = 0
    while position < source.count {
      let octet = source[position]
      if octet == UInt8(ascii: "{"), let end = source[position...].firstIndex(of: UInt8(ascii: "}")),
        let value = values[String(decoding: source[(position + 1)..<end], as: UTF8.self)]
      {
        result.append(contentsOf: value.utf8.filter { $0 >= 0x20 && $0 != 0x7f })
        position = end + 1
        continue
      }
      if octet == 0x0a, result.last != 0x0d { result.append(0x0d) }
      result.append(octet)
      position += 1
    }
    return result
  }

  /// The values every template message may use.
  static func values(key: String, hostname: String, now: Timestamp) -> [String: String] {
    let parts = key.split(separator: "@", maxSplits: 1).map(String.init)
    return [
      "address": key, "user": parts.first ?? key, "domain": parts.count > 1 ? parts[1] : hostname,
      "hostname": hostname, "date": mailDate(now),
      "id": "\(now.milliseconds).\(UInt64.random(in: 0...UInt64.max))",
    ]
  }

  /// `Sun, 22 Nov 2026 04:35:29 +0000` (RFC 5322 section 3.3).
  static func mailDate(_ time: Timestamp) -> String {
    let civil = time.utc
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    guard days.indices.contains(civil.weekday), months.indices.contains(civil.month - 1) else { return "" }
    return "\(days[civil.weekday]), \(two(civil.day)) \(months[civil.month - 1]) \(civil.year) "
      + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) +0000"
  }
}
