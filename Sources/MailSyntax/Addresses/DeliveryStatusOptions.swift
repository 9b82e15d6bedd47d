/// When a sender wants to hear of a delivery: NOTIFY= of RFC 3461 section 4.1.
package struct DeliveryNotify: OptionSet, Hashable, Sendable {
  /// The bits: 1 success, 2 failure, 4 delay; none set means NEVER.
  package let rawValue: Int
  /// Makes a set from its bits.
  package init(rawValue: Int) { self.rawValue = rawValue }
  /// Report success.
  package static let success = DeliveryNotify(rawValue: 1)
  /// Report failure.
  package static let failure = DeliveryNotify(rawValue: 2)
  /// Report delay.
  package static let delay = DeliveryNotify(rawValue: 4)
  /// Report nothing.
  package static let never: DeliveryNotify = []
  /// What holds when NOTIFY was not given.
  package static let standard: DeliveryNotify = [.failure, .delay]

  /// Parses `NEVER` or a list such as `SUCCESS,FAILURE`, in any case; `nil` for anything else.
  package init?(parameter text: String) {
    var set: DeliveryNotify = []
    let words = ASCII.uppercased(text).split(separator: ",", omittingEmptySubsequences: false)
    if words == ["NEVER"] {
      self = .never
      return
    }
    for word in words {
      switch word {
      case "SUCCESS": set.insert(.success)
      case "FAILURE": set.insert(.failure)
      case "DELAY": set.insert(.delay)
      default: return nil
      }
    }
    self = set
  }

  /// The value as it is passed on: `NEVER` or `SUCCESS,FAILURE,DELAY`.
  package var parameter: String {
    let names: [(DeliveryNotify, String)] = [(.success, "SUCCESS"), (.failure, "FAILURE"), (.delay, "DELAY")]
    let words = names.filter { contains($0.0) }.map(\.1)
    return words.isEmpty ? "NEVER" : words.joined(separator: ",")
  }
}

/// How much of the message a bounce shall bring back: RET= of RFC 3461 section 4.3.
package enum DeliveryReturn: String, Hashable, Sendable {
  /// The whole message.
  case full = "FULL"
  /// The header section only.
  case headers = "HDRS"

  /// Parses `FULL` or `HDRS` in any case.
  package init?(parameter text: String) { self.init(rawValue: ASCII.uppercased(text)) }
}

/// The recipient as the sender first wrote it: ORCPT= of RFC 3461 section 4.2.
package struct OriginalRecipient: Hashable, Sendable {
  /// The address type, lower-cased: `rfc822` or `utf-8`.
  package let type: String
  /// The address, decoded from xtext.
  package let address: String

  /// Makes an original recipient from its parts.
  package init(type: String, address: String) {
    self.type = ASCII.lowercased(type)
    self.address = address
  }

  /// Parses `rfc822;Bob+2Bx@example.com`; UTF-8 after `utf-8;` is taken as RFC 6533 section 3 writes it.
  package init?(parameter text: String) {
    let parts = text.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, text.utf8.count <= 500,
      parts[0].utf8.allSatisfy({ ASCII.isAtomText($0) && $0 < 0x80 })
    else { return nil }
    type = ASCII.lowercased(parts[0])
    if type == "utf-8", parts[1].utf8.contains(where: { $0 >= 0x80 }) || parts[1].contains("\\x{") {
      guard !parts[1].utf8.contains(where: ASCII.isControl) else { return nil }
      address = Self.unescapeUTF8(parts[1])
      return
    }
    guard let octets = XText.decode(parts[1]), !octets.contains(where: ASCII.isControl),
      let address = String(validating: octets, as: UTF8.self)
    else { return nil }
    self.address = address
  }

  /// The value as it is passed on, in xtext.
  package var parameter: String {
    let isUTF8 = type == "utf-8" && !address.utf8.allSatisfy { $0 < 0x80 }
    return "\(type);\(isUTF8 ? Self.escaped(address) : XText.encode(address))"
  }

  /// An address in the seven bits of RFC 6533 section 3: `\x{3B4}` for a letter, and for `\`, `+` and `=`.
  package static func escaped(_ address: String) -> String {
    var text = ""
    for scalar in address.unicodeScalars {
      let isPlain = (0x21...0x7e).contains(scalar.value) && !["\\", "+", "="].contains(scalar)
      text += isPlain ? String(scalar) : "\\x{\(String(scalar.value, radix: 16, uppercase: true))}"
    }
    return text
  }

  /// Replaces `\x{20AC}` by the scalar it names.
  private static func unescapeUTF8(_ text: Substring) -> String {
    var result = ""
    var rest = text
    while let start = rest.firstRange(of: "\\x{") {
      result += rest[..<start.lowerBound]
      let tail = rest[start.upperBound...]
      guard let end = tail.prefix(7).firstIndex(of: "}"), let value = UInt32(tail[..<end], radix: 16),
        value >= 0x20, value != 0x7f, let scalar = Unicode.Scalar(value)
      else {
        result += "\\x{"
        rest = tail
        continue
      }
      result.unicodeScalars.append(scalar)
      rest = tail[tail.index(after: end)...]
    }
    return result + rest
  }
}
