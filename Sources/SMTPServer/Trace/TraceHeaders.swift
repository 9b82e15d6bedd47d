import Basics
import MailSyntax
import RelayAccess
import Wire

/// The header lines the server puts before a message: trace, right, and what a client of ours forgot.
struct TraceHeaders {
  let hostname: String
  let helo: String
  let isExtended: Bool
  let isLMTP: Bool
  let peer: IPAddress
  let tls: TLSInfo?
  let id: String
  let now: Timestamp
  let transaction: MailTransaction
  let isAuthenticated: Bool

  /// Where the message came from and by what right, each line with its CRLF; filters do not see these.
  var trace: [UInt8] {
    var text = received
    if let value = transaction.right?.by.traceHeader { text += "X-Martinet-Auth: \(value)\r\n" }
    return Array(text.utf8)
  }

  /// What a client of ours forgot (RFC 6409 section 8); part of the message, so that filters sign it with the rest.
  func completion(_ digest: HeaderDigest) -> [UInt8] {
    transaction.right.map { Array(missing(digest, $0.sender).utf8) } ?? []
  }

  /// RFC 5321 section 4.4; the client's own words were cleaned by `HelloName`.
  private var received: String {
    var text = "Received: from \(helo) (\(peer.literal))\r\n\tby \(hostname) (Martinet) with \(protocolName) id \(id)"
    if let tls { text += "\r\n\t(using \(tls.version))" }
    if transaction.recipients.count == 1, let only = transaction.recipients.first {
      text += "\r\n\tfor <\(only.address)>"
    }
    return text + ";\r\n\t\(MessageDate.format(now))\r\n"
  }

  /// The word of RFC 3848, or of RFC 6531 section 4.3 for SMTPUTF8.
  private var protocolName: String {
    guard isExtended else { return "SMTP" }
    let base = transaction.parameters.isUTF8 ? (isLMTP ? "UTF8LMTP" : "UTF8SMTP") : (isLMTP ? "LMTP" : "ESMTP")
    return base + (tls == nil ? "" : "S") + (isAuthenticated ? "A" : "")
  }

  private func missing(_ digest: HeaderDigest, _ sender: Sender) -> String {
    var text = ""
    if !digest.hasDate { text += "Date: \(MessageDate.format(now))\r\n" }
    if !digest.hasFrom { text += "From: <\(transaction.sender?.description ?? sender.login)>\r\n" }
    if !digest.hasMessageID { text += "Message-ID: <\(now.milliseconds).\(id)@\(hostname)>\r\n" }
    return text
  }
}
