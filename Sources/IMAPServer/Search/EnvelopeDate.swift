import MailSyntax

/// The day a `Date:` header names, taken from an ENVELOPE that is ready to send.
enum EnvelopeDate {
  /// Days since 1970-01-01 by the header's own calendar; `nil` without a date that can be understood.
  static func day(inEnvelope envelope: [UInt8]) -> Int64? {
    guard envelope.count > 3, envelope[0] == UInt8(ascii: "(") else { return nil }
    var text = envelope[1...]
    if text.first == UInt8(ascii: "{") {
      guard let start = text.firstIndex(of: 0x0a) else { return nil }
      text = text[(start + 1)...].prefix(128)
    } else {
      guard text.first == UInt8(ascii: "\"") else { return nil }
      text = text.dropFirst().prefix { $0 != UInt8(ascii: "\"") }
    }
    return MessageDate.parse(Array(text))?.day
  }
}
