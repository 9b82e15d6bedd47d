import Basics
import MailQueue
import MailSyntax

/// How the queue's messages are shown.
enum QueueOutput {
  /// A domain as the queue keeps it; an address stands for its domain.
  static func destination(_ text: String) throws -> String {
    do {
      return try MailDomain(text.split(separator: "@").last ?? "").ascii
    } catch {
      throw CommandFailure(.usage, "\"\(text)\" is no domain: \(error)")
    }
  }

  /// One message, for `--json`.
  static func json(_ message: QueuedMessage) -> JSONValue {
    [
      "id": .string(message.id), "sender": .string(message.sender), "size": JSONValue(message.size),
      "created": .string(message.created.rfc3339), "expires": .string(message.expires.rfc3339),
      "next_try": JSONValue(nextTry(message)?.rfc3339), "class": .string(word(message.mailClass)),
      "held": .bool(message.isHeld), "account": JSONValue(message.account), "via": JSONValue(message.via),
      "warned": JSONValue(message.warned?.rfc3339),
      "recipients": .array(message.recipients.map { json($0, message) }),
    ]
  }

  private static func json(_ recipient: QueuedRecipient, _ message: QueuedMessage) -> JSONValue {
    [
      "address": .string(recipient.address), "state": .string(word(recipient.state)),
      "next_try": JSONValue(recipient.state == .queued ? recipient.next.rfc3339 : nil),
      "expires": .string(message.expires.rfc3339), "attempts": JSONValue(recipient.attempts),
      "last_try": JSONValue(recipient.lastAttempt?.rfc3339),
      "last_reply": JSONValue(recipient.reply.isEmpty ? nil : recipient.reply),
      "status": JSONValue(recipient.status.isEmpty ? nil : recipient.status),
      "remote": JSONValue(recipient.remote.isEmpty ? nil : recipient.remote),
    ]
  }

  /// What `release` and `retry` answer: the message, or its id alone when it has left meanwhile.
  static func changed(_ id: String, _ message: QueuedMessage?, text: String) -> CommandResult {
    CommandResult(message.map { json($0) } ?? ["id": .string(id.uppercased())], text: text)
  }

  /// The list for people: one line per recipient that still waits, and a sum.
  static func table(_ messages: [QueuedMessage]) -> String {
    guard !messages.isEmpty else { return "the queue is empty" }
    var table = Table("ID", "SIZE", "CREATED", "FROM", "TO", "STATE", "NEXT TRY")
    var recipients = 0
    for message in messages {
      var isFirst = true
      for recipient in message.recipients where !recipient.state.isSettled {
        recipients += 1
        let next = recipient.state == .queued ? recipient.next.rfc3339 : "-"
        if isFirst {
          table.add(
            message.id, "\(message.size)", message.created.rfc3339, "<\(message.sender)>", recipient.address,
            word(recipient.state), next)
        } else {
          table.add("", "", "", "", recipient.address, word(recipient.state), next)
        }
        isFirst = false
      }
    }
    return table.text
      + "\n\(Words.count(messages.count, "message")) to \(Words.count(recipients, "recipient"))"
  }

  /// One message for people.
  static func text(_ message: QueuedMessage) -> String {
    var lines = Words.facts([
      ("id", message.id), ("from", "<\(message.sender)>"), ("size", "\(message.size)"),
      ("created", message.created.rfc3339), ("expires", message.expires.rfc3339),
      ("class", word(message.mailClass)), ("held", message.isHeld ? "yes" : ""), ("account", message.account ?? ""),
      ("via", message.via ?? ""), ("sender told of the delay", message.warned?.rfc3339 ?? ""),
    ])
    for recipient in message.recipients {
      lines += "\n\n<\(recipient.address)>: \(word(recipient.state))"
      if recipient.state == .queued { lines += ", next try \(recipient.next.rfc3339)" }
      if let last = recipient.lastAttempt { lines += ", \(recipient.attempts) tries, last \(last.rfc3339)" }
      for line in recipient.reply.split(separator: "\n") { lines += "\n    \(line)" }
    }
    return lines
  }

  private static func nextTry(_ message: QueuedMessage) -> Timestamp? {
    message.recipients.filter { $0.state == .queued }.map(\.next).min()
  }

  private static func word(_ state: RecipientState) -> String {
    switch state {
    case .queued: "queued"
    case .leased: "delivering"
    case .held: "held"
    case .delivered: "delivered"
    case .failed: "failed"
    }
  }

  private static func word(_ mailClass: MailClass) -> String { mailClass == .list ? "list" : "normal" }
}
