import MailSyntax

/// One packet: a command and its data.
struct MilterPacket: Sendable, Equatable {
  var command: UInt8
  var data: [UInt8]

  init(_ command: UInt8, _ data: [UInt8] = []) {
    self.command = command
    self.data = data
  }

  /// Length, command, data; the length counts the command.
  var wire: [UInt8] { Self.octets(UInt32(truncatingIfNeeded: data.count + 1)) + [command] + data }

  /// A number in network order.
  static func octets(_ value: UInt32) -> [UInt8] {
    [UInt8(value >> 24), UInt8(value >> 16 & 0xff), UInt8(value >> 8 & 0xff), UInt8(value & 0xff)]
  }

  /// The number at an offset; `nil` when the data end before.
  static func number(_ data: [UInt8], at offset: Int) -> UInt32? {
    guard offset >= 0, data.count >= offset + 4 else { return nil }
    return data[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Texts with a NUL behind each; a NUL inside would end it early, so it goes.
  static func strings(_ texts: [[UInt8]]) -> [UInt8] { texts.flatMap { $0.filter { $0 != 0 } + [0] } }

  /// The texts that end with a NUL each, from an offset on; what follows the last NUL is passed over.
  static func strings(in data: [UInt8], from offset: Int = 0) -> [[UInt8]] {
    guard offset <= data.count, let last = data.lastIndex(of: 0), last >= offset else { return [] }
    return data[offset..<last].split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
  }
}

/// What a filter answers.
enum MilterAnswer: Sendable, Equatable {
  case proceed, accept, discard, reject, tempfail, skip, progress
  /// The connection is to be ended with 421.
  case shutdown
  case reply(SMTPReply)
  case addHeader(name: [UInt8], value: [UInt8])
  case insertHeader(index: Int, name: [UInt8], value: [UInt8])
  case changeHeader(index: Int, name: [UInt8], value: [UInt8])
  case addRecipient(String)
  case deleteRecipient(String)
  case changeSender(String)
  case replaceBody([UInt8])
  case quarantine(String)

  /// Reads a packet; `nil` for one that is unknown or broken.
  init?(_ packet: MilterPacket) {
    let data = packet.data
    switch packet.command {
    case UInt8(ascii: "c"): self = .proceed
    case UInt8(ascii: "a"): self = .accept
    case UInt8(ascii: "d"): self = .discard
    case UInt8(ascii: "r"): self = .reject
    case UInt8(ascii: "t"): self = .tempfail
    case UInt8(ascii: "s"): self = .skip
    case UInt8(ascii: "p"): self = .progress
    case UInt8(ascii: "4"), UInt8(ascii: "f"): self = .shutdown
    case UInt8(ascii: "y"):
      guard let text = MilterPacket.strings(in: data).first, let reply = Self.reply(text) else { return nil }
      self = .reply(reply)
    case UInt8(ascii: "h"):
      let texts = MilterPacket.strings(in: data)
      guard texts.count == 2 else { return nil }
      self = .addHeader(name: texts[0], value: texts[1])
    case UInt8(ascii: "i"), UInt8(ascii: "m"):
      let texts = MilterPacket.strings(in: data, from: 4)
      guard let index = MilterPacket.number(data, at: 0), texts.count == 2 else { return nil }
      let place = Int(clamping: index)
      self =
        packet.command == UInt8(ascii: "i")
        ? .insertHeader(index: place, name: texts[0], value: texts[1])
        : .changeHeader(index: place, name: texts[0], value: texts[1])
    case UInt8(ascii: "+"), UInt8(ascii: "2"), UInt8(ascii: "-"), UInt8(ascii: "e"):
      guard let text = MilterPacket.strings(in: data).first else { return nil }
      let path = String(decoding: text, as: UTF8.self)
      switch packet.command {
      case UInt8(ascii: "-"): self = .deleteRecipient(path)
      case UInt8(ascii: "e"): self = .changeSender(path)
      default: self = .addRecipient(path)
      }
    case UInt8(ascii: "b"): self = .replaceBody(data)
    case UInt8(ascii: "q"):
      self = .quarantine(String(decoding: MilterPacket.strings(in: data).first ?? [], as: UTF8.self))
    default: return nil
    }
  }

  /// `550 5.7.1 text`, one or several lines; the filter's text, so it is cleaned like any other.
  private static func reply(_ text: [UInt8]) -> SMTPReply? {
    var code = 0
    var enhanced: String?
    var lines: [String] = []
    for line in text.split(separator: 0x0a).prefix(32) {
      let digits = line.prefix(3)
      guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      code = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      var words = String(
        decoding: line.dropFirst(4).filter { $0 != 0x0d }.prefix(500).map { (0x20...0x7e).contains($0) ? $0 : 0x3f },
        as: UTF8.self)
      let first = words.prefix { $0 != " " }
      let parts = first.split(separator: ".", omittingEmptySubsequences: false)
      if parts.count == 3, parts.allSatisfy({ Int($0) != nil && $0.utf8.count <= 3 }), parts[0] == "\(code / 100)" {
        enhanced = String(first)
        words = String(words.dropFirst(first.count).drop { $0 == " " })
      }
      lines.append(words)
    }
    guard (400...599).contains(code), !lines.isEmpty else { return nil }
    return SMTPReply(code, enhanced ?? (code < 500 ? "4.7.1" : "5.7.1"), lines: lines)
  }
}
