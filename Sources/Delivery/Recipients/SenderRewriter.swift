import Basics
import COpenSSL
import MailSyntax

/// The sender rewriting scheme: forwards leave with an envelope sender of our own, which SPF lets pass, and bounces to
/// it find the way back.
///
/// `SRS0=HHHH=TT=example.org=alice@our.test`: a keyed digest, the day, and the sender. A sender that another forwarder
/// rewrote becomes `SRS1=HHHH=other.test==HHHH=TT=example.org=alice@our.test`, which keeps addresses short.
struct SenderRewriter: Sendable {
  let key: [UInt8]
  let lifetimeDays: Int64
  let time: any TimeSource

  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

  /// The address to put in place of a foreign sender; `nil` when it would be too long.
  func rewritten(_ sender: EmailAddress, for domain: MailDomain) -> EmailAddress? {
    let local = sender.localPart
    let upper = local.prefix(5).uppercased()
    let body: String
    if upper.hasPrefix("SRS0="), local.utf8.count > 5 {
      let rest = "\(sender.domain.ascii)==\(local.dropFirst(5))"
      body = "SRS1=\(digest(rest))=\(rest)"
    } else if upper.hasPrefix("SRS1="), let start = local.dropFirst(5).firstIndex(of: "=") {
      let rest = String(local[local.index(after: start)...])
      body = "SRS1=\(digest(rest))=\(rest)"
    } else {
      let rest = "\(stamp(time.now))=\(sender.domain.ascii)=\(local)"
      body = "SRS0=\(digest(rest))=\(rest)"
    }
    return try? EmailAddress(localPart: body, domain: domain)
  }

  /// The address a rewritten one stands for; `nil` when it is none of ours, or its time is over.
  func original(of address: EmailAddress) -> EmailAddress? {
    let local = address.localPart
    let tag = local.prefix(5).uppercased()
    guard tag == "SRS0=" || tag == "SRS1=", let cut = local.dropFirst(5).firstIndex(of: "=") else { return nil }
    let given = local[local.index(local.startIndex, offsetBy: 5)..<cut]
    let rest = String(local[local.index(after: cut)...])
    guard given.lowercased() == digest(rest).lowercased() else { return nil }
    if tag == "SRS1=" {
      guard let split = rest.firstRange(of: "==") else { return nil }
      return mailbox(localPart: "SRS0=" + rest[split.upperBound...], domain: String(rest[..<split.lowerBound]))
    }
    let parts = rest.split(separator: "=", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, isFresh(parts[0]) else { return nil }
    return mailbox(localPart: String(parts[2]), domain: String(parts[1]))
  }

  private func mailbox(localPart: String, domain: String) -> EmailAddress? {
    guard let domain = try? MailDomain(domain) else { return nil }
    return try? EmailAddress(localPart: localPart, domain: domain)
  }

  /// Days modulo 1024 as two digits of base 32.
  private func stamp(_ time: Timestamp) -> String {
    let day = Int(floorDivide(time.seconds, 86_400) & 1023)
    return String(decoding: [Self.digits[day >> 5], Self.digits[day & 31]], as: UTF8.self)
  }

  private func isFresh(_ text: Substring) -> Bool {
    let values = text.uppercased().utf8.compactMap { Self.digits.firstIndex(of: $0) }
    guard values.count == 2, text.utf8.count == 2 else { return false }
    let day = Int64(values[0] << 5 | values[1])
    let age = (floorDivide(time.now.seconds, 86_400) - day) & 1023
    // One day ahead is a clock that differs, not a forgery.
    return age <= lifetimeDays || age == 1023
  }

  /// Eight digits of base 32 of HMAC-SHA-256 over the folded text: letter case does not survive every server.
  private func digest(_ text: String) -> String {
    let folded = Array(text.lowercased().utf8)
    var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard HMAC(EVP_sha256(), key, Int32(clamping: key.count), folded, folded.count, &output, &length) != nil,
      length >= 8
    else { return "" }
    return String(decoding: output.prefix(8).map { Self.digits[Int($0 & 31)] }, as: UTF8.self)
  }
}
