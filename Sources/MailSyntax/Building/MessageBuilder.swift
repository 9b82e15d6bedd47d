import Basics

/// Writes a message of our own: welcome letters, warnings, bounces.
///
/// Lines end with CRLF, header fields are folded and encoded, bodies are 7-bit clean unless an octet part is given
/// as it is.
///
///     var message = MessageBuilder()
///     message.addresses("From", [NamedAddress(postmaster, name: "Mail host")])
///     message.text("Subject", "Willkommen, Jörg")
///     message.date(time.now)
///     let bytes = message.build(.text("Hello"))
package struct MessageBuilder: Sendable {
  /// A body or a part of one.
  package indirect enum Body: Sendable {
    /// Text as UTF-8, sent as 7bit when it is ASCII and quoted-printable otherwise.
    case text(String, subtype: String = "plain")
    /// Octets with a Content-Type of the caller's; they are sent as they are, LF turned to CRLF.
    ///
    /// With `base64` they are encoded instead, and every octet kept.
    case octets([UInt8], type: String, base64: Bool = false)
    /// Parts; `parameters` go into Content-Type beside the boundary.
    case multipart(subtype: String, parameters: [(name: String, value: String)] = [], [Body])
    /// A part with further header fields, for instance Content-Description.
    case described(fields: [(name: String, value: String)], Body)
  }

  private var header = HeaderWriter()
  private let boundarySeed: UInt64

  /// Starts a message without fields.
  ///
  /// - Parameter boundarySeed: what boundaries are made from; a fixed one makes tests repeatable.
  package init(boundarySeed: UInt64 = .random(in: .min ... .max)) { self.boundarySeed = boundarySeed }

  /// Adds a field of free text, encoded when it must be.
  package mutating func text(_ name: String, _ value: String) { header.text(name, value) }

  /// Adds a field whose words are kept as they are; for structured values such as `Auto-Submitted`.
  package mutating func structured(_ name: String, _ value: String) {
    header.field(name, words: value.split(separator: " ").map(String.init))
  }

  /// Adds a field of addresses; nothing when there are none.
  package mutating func addresses(_ name: String, _ list: [NamedAddress]) {
    if !list.isEmpty { header.addresses(name, list) }
  }

  /// Adds the Date field.
  package mutating func date(_ time: Timestamp, zoneMinutes: Int = 0) {
    structured("Date", MessageDate.format(time, zoneMinutes: zoneMinutes))
  }

  /// Adds the Message-ID field from an identifier without brackets.
  package mutating func messageID(_ identifier: String) { structured("Message-ID", "<\(identifier)>") }

  /// The message: the fields so far, MIME-Version, and the body.
  package func build(_ body: Body) -> [UInt8] {
    var writer = header
    writer.field("MIME-Version", words: ["1.0"])
    var result = writer.bytes
    var counter = boundarySeed
    Self.write(body, counter: &counter, to: &result)
    return result
  }

  private static func write(_ body: Body, counter: inout UInt64, to result: inout [UInt8]) {
    var writer = HeaderWriter()
    var content = body
    while case .described(let fields, let inner) = content {
      for field in fields { writer.text(field.name, field.value) }
      content = inner
    }
    var octets: [UInt8] = []
    switch content {
    case .text(let text, let subtype):
      let lines = WireForm.convert(Array(text.utf8))
      let is7bit = isSevenBit(lines)
      writer.field("Content-Type", words: ["text/\(subtype);", is7bit ? "charset=us-ascii" : "charset=utf-8"])
      writer.field("Content-Transfer-Encoding", words: [is7bit ? "7bit" : "quoted-printable"])
      octets = is7bit ? lines : TransferEncoding.encodeQuotedPrintable(lines)
    case .octets(let bytes, let type, let base64):
      writer.field("Content-Type", words: type.split(separator: " ").map(String.init))
      octets = base64 ? TransferEncoding.encodeBase64Lines(bytes) : WireForm.convert(bytes)
      let eightBit = octets.contains { $0 >= 0x80 }
      writer.field("Content-Transfer-Encoding", words: [base64 ? "base64" : eightBit ? "8bit" : "7bit"])
    case .multipart(let subtype, let parameters, let parts):
      // "=_" can stand in neither quoted-printable nor base64.
      counter = counter &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let boundary = "=_martinet_" + String(counter, radix: 16)
      var words = ["multipart/\(subtype);"]
      words += parameters.map { "\($0.name)=\(quoted($0.value));" }
      writer.field("Content-Type", words: words + ["boundary=\"\(boundary)\""])
      for part in parts {
        octets += "--\(boundary)\r\n".utf8
        write(part, counter: &counter, to: &octets)
        if octets.suffix(2) != [ASCII.cr, ASCII.lf] { octets += [ASCII.cr, ASCII.lf] }
        octets += [ASCII.cr, ASCII.lf]
      }
      octets += "--\(boundary)--\r\n".utf8
    case .described:
      break
    }
    result += writer.bytes
    result += [ASCII.cr, ASCII.lf]
    result += octets
  }

  private static func isSevenBit(_ bytes: [UInt8]) -> Bool {
    bytes.allSatisfy { $0 < 0x80 && $0 != 0 } && bytes.split(separator: ASCII.lf).allSatisfy { $0.count <= 990 }
  }

  private static func quoted(_ value: String) -> String {
    if !value.isEmpty, value.utf8.allSatisfy(ASCII.isToken) { return value }
    let clean = value.utf8.filter { !ASCII.isControl($0) && $0 != ASCII.quote && $0 != ASCII.backslash }
    return "\"\(String(decoding: clean, as: UTF8.self))\""
  }
}
