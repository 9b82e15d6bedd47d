import Basics
import Delivery
import MailSyntax
import Synchronization

@testable import SMTPServer

#if canImport(Glibc)
  import Glibc
#endif

/// Takes mail for `example.test` and keeps it in memory, octets and all.
final class SinkAcceptor: MessageAcceptor {
  struct Accepted: Sendable {
    var message: AcceptedMessage
    var octets: [UInt8]
    var text: String { String(decoding: octets, as: UTF8.self) }
    var trace: String { String(decoding: message.trace, as: UTF8.self) }
    var wasFile: Bool { if case .file = message.content { true } else { false } }
  }
  private let state = Mutex((next: 0, accepted: [Accepted](), refusal: SMTPReply?.none))

  /// What has been accepted.
  var messages: [Accepted] { state.withLock { $0.accepted } }

  /// Answers every message with this reply from now on.
  func refuse(with reply: SMTPReply?) { state.withLock { $0.refusal = reply } }

  func newID() -> String {
    let number = state.withLock { state in
      state.next += 1
      return state.next
    }
    let digits = String(number, radix: 16, uppercase: true)
    return "A" + String(repeating: "0", count: 9 - digits.utf8.count) + digits
  }

  func decide(recipient: EmailAddress, declaredSize: Int?) async -> RecipientDecision {
    guard recipient.domain.ascii == "example.test" else { return .remote(recipient.domain) }
    switch recipient.localPart.lowercased() {
    case "alice", "bob", "carol", "postmaster", "bøb": return .local
    case "full": return .refuse(SMTPReply(552, "5.2.2", "user is over quota (#5.2.2)"))
    case let name where name.hasPrefix("user"): return .local
    default:
      return .refuse(SMTPReply(550, "5.1.1", "Sorry, no mailbox here by that name. vpopmail (#5.1.1)"))
    }
  }

  func postmaster() async -> EmailAddress? { try? EmailAddress("postmaster@example.test") }

  func accept(_ message: AcceptedMessage) async throws(DeliveryRefusal) -> String {
    if let refusal = state.withLock({ $0.refusal }) { throw DeliveryRefusal(refusal) }
    keep(message)
    return message.id
  }

  func acceptEach(_ message: AcceptedMessage) async -> [SMTPReply] {
    keep(message)
    return message.recipients.map { recipient in
      recipient.address.localPart == "bob"
        ? SMTPReply(452, "4.2.2", "later") : SMTPReply(250, "2.0.0", "Ok: queued as \(message.id)")
    }
  }

  private func keep(_ message: AcceptedMessage) {
    let octets: [UInt8] =
      switch message.content {
      case .bytes(let bytes): bytes
      case .file(let path, _): Self.read(path)
      }
    state.withLock { $0.accepted.append(Accepted(message: message, octets: octets)) }
  }

  static func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var result: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&block, 1, block.count, file)
      guard count > 0 else { return result }
      result += block[..<count]
    }
  }
}
