import COpenSSL

/// Where the POP3 unique ids of a source come from.
package enum UniqueIDOrigin: Hashable, Sendable {
  /// By the files found: Courier's list, Dovecot's, else as qmail.
  case automatic
  /// The file's name before the `:`, as qmail-pop3d tells it.
  case fileName
  /// Courier's `courierpop3dsizelist`.
  case courier
  /// Dovecot's, in this format for messages without a record of their own; `nil`: what the list's header says, else
  /// Dovecot's default.
  case dovecot(UniqueIDFormat?)
  /// None are kept.
  case none

  /// Reads `auto`, `qmail`, `courier`, `dovecot`, `dovecot=FORMAT` or `none`; `nil` for anything else.
  package init?(_ text: String) {
    switch text {
    case "auto": self = .automatic
    case "qmail": self = .fileName
    case "courier": self = .courier
    case "dovecot": self = .dovecot(nil)
    case "none": self = .none
    default:
      guard text.hasPrefix("dovecot="), let format = UniqueIDFormat(String(text.dropFirst(8))) else { return nil }
      self = .dovecot(format)
    }
  }

  /// As `init` reads it.
  package var text: String {
    switch self {
    case .automatic: "auto"
    case .fileName: "qmail"
    case .courier: "courier"
    case .dovecot(let format): format.map { "dovecot=\($0.text)" } ?? "dovecot"
    case .none: "none"
    }
  }
}

/// Dovecot's `pop3_uidl_format`: `%08Xu%08Xv`, `%f`, or 2.4's `%{uid | hex(8)}`.
package struct UniqueIDFormat: Hashable, Sendable {
  /// What a variable stands for.
  private enum Variable: Hashable, Sendable { case uid, uidValidity, fileName, guid }
  /// How its value is written.
  private enum Form: Hashable, Sendable { case plain, hexadecimal, digest }
  private enum Part: Hashable, Sendable {
    case literal([UInt8])
    case variable(Variable, Form, width: Int, pad: UInt8)
  }
  /// The format as given.
  package let text: String
  private let parts: [Part]

  /// Dovecot's default.
  package static let standard = UniqueIDFormat(known: "%08Xu%08Xv")

  private init(known text: String) {
    self.text = text
    parts = Self.parse(Array(text.utf8)) ?? []
  }

  /// Reads a format; `nil` where a variable is one that a Maildir does not tell, `%m` for instance.
  package init?(_ text: String) {
    guard !text.isEmpty, text.utf8.count <= 256, let parts = Self.parse(Array(text.utf8)),
      parts.contains(where: {
        if case .variable(let variable, _, _, _) = $0 { variable != .uidValidity } else { false }
      })
    else { return nil }
    self.text = text
    self.parts = parts
  }

  /// Whether messages need a UID for it.
  var needsUID: Bool {
    parts.contains { if case .variable(.uid, _, _, _) = $0 { true } else { false } }
  }

  private static func parse(_ format: [UInt8]) -> [Part]? {
    var parts: [Part] = []
    var rest = format[...]
    while let octet = rest.popFirst() {
      guard octet == UInt8(ascii: "%") else {
        parts.append(.literal([octet]))
        continue
      }
      if rest.first == UInt8(ascii: "{") {
        guard let end = rest.firstIndex(of: UInt8(ascii: "}")), let part = named(rest[(rest.startIndex + 1)..<end])
        else { return nil }
        parts.append(part)
        rest = rest[(end + 1)...]
        continue
      }
      var width = 0
      let pad = rest.first == UInt8(ascii: "0") ? UInt8(ascii: "0") : UInt8(ascii: " ")
      while let digit = rest.first, (0x30...0x39).contains(digit) {
        width = min(64, width * 10 + Int(digit - 0x30))
        rest.removeFirst()
      }
      var form = Form.plain
      if rest.first == UInt8(ascii: "X") { form = .hexadecimal }
      if rest.first == UInt8(ascii: "M") { form = .digest }
      if form != .plain { rest.removeFirst() }
      switch rest.popFirst() {
      case UInt8(ascii: "%") where form == .plain: parts.append(.literal([UInt8(ascii: "%")]))
      case UInt8(ascii: "u"): parts.append(.variable(.uid, form, width: width, pad: pad))
      case UInt8(ascii: "v"): parts.append(.variable(.uidValidity, form, width: width, pad: pad))
      case UInt8(ascii: "f"): parts.append(.variable(.fileName, form, width: width, pad: pad))
      case UInt8(ascii: "g"): parts.append(.variable(.guid, form, width: width, pad: pad))
      default: return nil
      }
    }
    return parts
  }

  /// `uid`, `uidvalidity | hex(8)` and their kin.
  private static func named(_ text: ArraySlice<UInt8>) -> Part? {
    let words = String(decoding: text, as: UTF8.self).split(separator: "|", omittingEmptySubsequences: false)
      .map { $0.filter { $0 != " " } }
    let variables: [String: Variable] = [
      "uid": .uid, "uidvalidity": .uidValidity, "filename": .fileName, "guid": .guid,
    ]
    guard let variable = words.first.flatMap({ variables[$0] }), words.count <= 2 else { return nil }
    guard words.count == 2 else { return .variable(variable, .plain, width: 0, pad: UInt8(ascii: " ")) }
    let zero = UInt8(ascii: "0")
    switch words[1] {
    case "hex": return .variable(variable, .hexadecimal, width: 0, pad: zero)
    case "md5": return .variable(variable, .digest, width: 0, pad: zero)
    default:
      guard words[1].hasPrefix("hex("), words[1].hasSuffix(")"), let width = Int(words[1].dropFirst(4).dropLast()),
        (1...64).contains(width)
      else { return nil }
      return .variable(variable, .hexadecimal, width: width, pad: zero)
    }
  }

  /// A message's unique id.
  func id(uid: UInt32, uidValidity: UInt32, base: [UInt8], guid: [UInt8]?) -> [UInt8] {
    var result: [UInt8] = []
    for part in parts {
      switch part {
      case .literal(let octets): result += octets
      case .variable(let variable, let form, let width, let pad):
        let value =
          switch variable {
          case .uid: Self.number(uid, form)
          case .uidValidity: Self.number(uidValidity, form)
          case .fileName: Self.octets(base, form)
          case .guid: Self.octets(guid ?? base, form)
          }
        result += [UInt8](repeating: pad, count: max(0, width - value.count)) + value
      }
    }
    return result
  }

  private static func number(_ value: UInt32, _ form: Form) -> [UInt8] {
    form == .digest
      ? digest(Array(String(value).utf8)) : Array(String(value, radix: form == .hexadecimal ? 16 : 10).utf8)
  }

  private static func octets(_ value: [UInt8], _ form: Form) -> [UInt8] { form == .digest ? digest(value) : value }

  private static func digest(_ value: [UInt8]) -> [UInt8] {
    var sum = [UInt8](repeating: 0, count: 16)
    guard EVP_Digest(value, value.count, &sum, nil, EVP_md5(), nil) == 1 else { return value }
    return sum.flatMap { octet in
      let digits = Array(String(octet, radix: 16).utf8)
      return digits.count == 1 ? [UInt8(ascii: "0")] + digits : digits
    }
  }
}
