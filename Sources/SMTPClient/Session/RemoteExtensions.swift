/// The extensions a server announced (RFC 5321 section 4.1.1.1).
package struct RemoteExtensions: Sendable, Equatable {
  /// Whether EHLO was understood at all.
  package var isExtended = false
  /// The name the server gave itself.
  package var serverName = ""
  /// PIPELINING (RFC 2920).
  package var pipelining = false
  /// 8BITMIME (RFC 6152).
  package var eightBitMIME = false
  /// SMTPUTF8 (RFC 6531).
  package var smtpUTF8 = false
  /// DSN (RFC 3461).
  package var dsn = false
  /// STARTTLS (RFC 3207).
  package var startTLS = false
  /// CHUNKING (RFC 3030).
  package var chunking = false
  /// BINARYMIME (RFC 3030).
  package var binaryMIME = false
  /// REQUIRETLS (RFC 8689).
  package var requireTLS = false
  /// ENHANCEDSTATUSCODES (RFC 2034).
  package var enhancedStatusCodes = false
  /// SIZE (RFC 1870): `nil` when not offered, 0 when no limit is named.
  package var size: Int?
  /// The SASL mechanisms after AUTH (RFC 4954), upper case.
  package var mechanisms: Set<String> = []
  /// RCPTMAX of LIMITS (RFC 9422).
  package var recipientLimit: Int?
  /// MAILMAX of LIMITS: transactions of one session.
  package var mailLimit: Int?

  /// Nothing announced.
  package init() {}

  /// Reads the reply to EHLO; unknown keywords are passed over.
  init(parsing reply: RemoteReply) {
    isExtended = true
    serverName = Self.serverName(in: reply)
    for line in reply.lines.dropFirst() { take(line) }
  }

  static func serverName(in reply: RemoteReply) -> String {
    reply.lines.first.map { String($0.prefix { $0 != " " }) } ?? ""
  }

  private mutating func take(_ line: String) {
    // "AUTH=LOGIN PLAIN" is how servers before RFC 2554 wrote it.
    let words = line.uppercased().split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "=" })
    guard let keyword = words.first else { return }
    switch keyword {
    case "PIPELINING": pipelining = true
    case "8BITMIME": eightBitMIME = true
    case "SMTPUTF8": smtpUTF8 = true
    case "DSN": dsn = true
    case "STARTTLS": startTLS = true
    case "CHUNKING": chunking = true
    case "BINARYMIME": binaryMIME = true
    case "REQUIRETLS": requireTLS = true
    case "ENHANCEDSTATUSCODES": enhancedStatusCodes = true
    case "SIZE": size = words.dropFirst().first.flatMap { Int($0) }.map { max(0, $0) } ?? 0
    case "AUTH": mechanisms.formUnion(words.dropFirst().prefix(50).map(String.init))
    case "LIMITS": takeLimits(line.uppercased())
    default: break
    }
  }

  private mutating func takeLimits(_ line: String) {
    for word in line.split(separator: " ") {
      // Both names have seven letters; RCPTDOMAINMAX speaks of several domains, and we offer one at a time.
      guard let count = Int(word.dropFirst(8)), count > 0 else { continue }
      if word.hasPrefix("RCPTMAX=") { recipientLimit = count }
      if word.hasPrefix("MAILMAX=") { mailLimit = count }
    }
  }
}
