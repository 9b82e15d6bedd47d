import MailStore
import Wire

/// COMPRESS (RFC 4978), UNAUTHENTICATE (RFC 8437) and LANGUAGE (RFC 5255).
extension IMAPSession {
  func compress(_ mechanism: String, _ tag: [UInt8]) async throws {
    guard mechanism == "DEFLATE" else { throw Refusal.no(.cannot, "Only DEFLATE is known") }
    guard !connection.isCompressed else {
      throw Refusal.no(.plain("COMPRESSIONACTIVE"), "Compression is on already")
    }
    send()
    tagged(tag, "OK", nil, "DEFLATE active")
    let reply = out.bytes
    out.bytes.removeAll()
    try await connection.startCompression(reply: reply)
  }

  /// Back to where a client is that has just connected, TLS aside; nothing is expunged.
  func unauthenticate(_ tag: [UInt8]) async throws {
    forgetUser()
    tagged(tag, "OK", capabilityCode, "Logged out; log in again as you like")
    guard connection.isCompressed else { return }
    let reply = out.bytes
    out.bytes.removeAll()
    // RFC 8437 section 4.1: compression ends behind this answer.
    try await connection.stopCompression(reply: reply)
  }

  private func forgetUser() {
    selected = nil
    watch = nil
    user = nil
    enabled = Enabled()
    accountWatch?.cancel()
    accountWatch = nil
    _ = ending.take()
    badCommands = 0
    connection.untag()
    connection.log[metadataKey: "account"] = nil
  }

  /// All texts are English; `i-default` (RFC 2277) is the name of that.
  func language(_ ranges: [String], _ tag: [UInt8]) throws {
    guard !ranges.isEmpty else {
      out.text("* LANGUAGE (\"i-default\" \"en\")\r\n")
      return tagged(tag, "OK", nil, "LANGUAGE completed")
    }
    let wanted = ranges.lazy.map { $0.lowercased() }.first {
      $0 == "default" || $0 == "i-default" || $0 == "*" || $0 == "en" || $0.hasPrefix("en-")
    }
    guard let wanted else { throw Refusal.no(.cannot, "No text in any of these languages") }
    out.text(wanted.hasPrefix("en") ? "* LANGUAGE (\"en\")\r\n" : "* LANGUAGE (\"i-default\")\r\n")
    tagged(tag, "OK", nil, "LANGUAGE completed")
  }
}
