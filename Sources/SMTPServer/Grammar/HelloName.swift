import Basics

/// The name a client gave itself in HELO, EHLO or LHLO, made safe to be written into a header.
///
/// Any form is taken (clients say `[127.0.0.1]`, `localhost`, `my_pc`): a name proves nothing, so refusing one protects
/// nobody. What must not happen is that it says something else in `Received:`.
package struct HelloName: Sendable, Hashable {
  /// An address literal, or the name with all but letters, digits, `.`, `-` and `_` replaced by `?`; at most 255 octets.
  package let text: String

  /// Makes a name; `nil` when there is none.
  package init?(_ argument: [UInt8]) {
    let word = argument.prefix { $0 != 0x20 && $0 != 0x09 }.prefix(255)
    guard let first = word.first else { return nil }
    let whole = String(decoding: word, as: UTF8.self)
    if first == 0x5b, whole.hasSuffix("]"), let address = IPAddress(whole) {
      text = address.literal
    } else {
      text = String(decoding: word.map { Self.isPlain($0) ? $0 : 0x3f }, as: UTF8.self)
    }
  }

  private static func isPlain(_ octet: UInt8) -> Bool {
    switch octet {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
    default: false
    }
  }
}
