import MailLog
import MailSyntax

extension SMTPServerSession {
  /// Counts a refusal for the spam report, under the account, or else the domain, it is about.
  func count(_ reply: SMTPReply) {
    guard reply.code >= 400, let journal = host.journal, let reason = RefusalReason(reply) else { return }
    let name = sender?.login ?? transaction?.sender?.domain.ascii ?? "-"
    journal.count(MailCount(.refused, name: name, detail: reason.rawValue))
  }
}

/// Why something was refused, as the spam report has it.
enum RefusalReason: String {
  case badMailFrom = "badmailfrom"
  case senderDomain = "dns-mx"
  case notOwned = "not-owned"
  case relay
  case noMailbox = "no-mailbox"
  case rate
  case size
  case recipients
  case dnsbl
  case spf
  case dkim
  case dmarc
  case scanner

  /// Reads it from the reply; mistakes in the protocol have none.
  init?(_ reply: SMTPReply) {
    let text = reply.text.lowercased()
    // The most telling words first: a text of ours names its cause.
    let words: [(String, RefusalReason)] = [
      ("badmailfrom", .badMailFrom), ("non-existing dns_mx", .senderDomain), ("not owned by user", .notOwned),
      ("isn't allowed to be relayed", .relay), ("no mailbox here", .noMailbox), ("rate limit exceeded", .rate),
      ("databytes limit", .size), ("too many recipients", .recipients), ("blocked using", .dnsbl), ("dnsbl", .dnsbl),
      ("dmarc", .dmarc), ("dkim", .dkim), ("spf", .spf), ("spam", .scanner), ("virus", .scanner), ("milter", .scanner),
    ]
    guard let found = words.first(where: { text.contains($0.0) }) else { return nil }
    self = found.1
  }
}
