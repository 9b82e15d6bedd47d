import MailStore
import MailSyntax

/// The items of FETCH that send octets of the message itself.
extension IMAPSession {
  /// Octets sent from memory at most; what is more goes from the file to the socket.
  private static let inMemory = 64 * 1024

  /// Writes one item: its name, and its octets as a literal.
  func writeContent(_ item: FetchItem, _ content: MessageContentReader) async throws {
    switch item {
    case .rfc822:
      out.text("RFC822 ")
      try await write(content, try await content.locate(MIMESection()), nil)
    case .rfc822Header:
      out.text("RFC822.HEADER ")
      try await write(content, try await content.locate(MIMESection(item: .header)), nil)
    case .rfc822Text:
      out.text("RFC822.TEXT ")
      try await write(content, try await content.locate(MIMESection(item: .text)), nil)
    case .section(let section, let partial, peek: _):
      writeName(section, partial)
      try await write(content, try await content.locate(section.mimeSection), partial)
    case .binary(let part, let partial, peek: _):
      writeBinaryName("BINARY[", part)
      if let partial { writeOrigin(partial) }
      out.space()
      writeBinary(try await content.binary(part), partial)
    case .binarySize(let part):
      writeBinaryName("BINARY.SIZE[", part)
      out.space()
      if case .bytes(let bytes) = try await content.binary(part) { out.number(bytes.count) } else { out.text("0") }
    default: break
    }
  }

  /// Whether every part asked for by BINARY can be decoded.
  func canDecode(_ items: [FetchItem], _ content: MessageContentReader) async throws -> Bool {
    for item in items {
      switch item {
      case .binary(let part, _, peek: _), .binarySize(let part):
        guard try await content.isDecodable(part) else { return false }
      default: break
      }
    }
    return true
  }

  private func writeBinaryName(_ word: StaticString, _ part: [UInt32]) {
    out.text(word)
    writePart(part)
    out.octet(UInt8(ascii: "]"))
  }

  /// A decoded part: as a binary literal when it holds NUL (RFC 3516 section 4.2).
  private func writeBinary(_ content: MessageContentReader.Binary, _ partial: PartialArgument?) {
    guard case .bytes(let bytes) = content else { return out.text("NIL") }
    let range = (0..<bytes.count).clipped(partial)
    let octets = bytes[bytes.startIndex + range.lowerBound..<bytes.startIndex + range.upperBound]
    if octets.contains(0) { out.octet(UInt8(ascii: "~")) }
    out.literal(count: octets.count)
    out.raw(octets)
  }

  private func writePart(_ part: [UInt32]) {
    for (index, number) in part.enumerated() {
      if index > 0 { out.octet(UInt8(ascii: ".")) }
      out.number(number)
    }
  }

  private func writeOrigin(_ partial: PartialArgument) {
    out.octet(UInt8(ascii: "<"))
    out.number(partial.origin)
    out.octet(UInt8(ascii: ">"))
  }

  /// `BODY[…]<origin> `.
  private func writeName(_ section: SectionArgument, _ partial: PartialArgument?) {
    out.text("BODY[")
    writePart(section.part)
    if !section.part.isEmpty, section.text != nil { out.octet(UInt8(ascii: ".")) }
    switch section.text {
    case nil: break
    case .header: out.text("HEADER")
    case .text: out.text("TEXT")
    case .mime: out.text("MIME")
    case .headerFields(let names, let not):
      out.text(not ? "HEADER.FIELDS.NOT (" : "HEADER.FIELDS (")
      for (index, name) in names.enumerated() {
        if index > 0 { out.space() }
        out.aString(name)
      }
      out.octet(UInt8(ascii: ")"))
    }
    out.octet(UInt8(ascii: "]"))
    if let partial { writeOrigin(partial) }
    out.space()
  }

  private func write(
    _ content: MessageContentReader, _ place: MessageContentReader.Place, _ partial: PartialArgument?
  ) async throws {
    switch place {
    case .missing: out.text("NIL")
    case .bytes(let bytes):
      let range = (0..<bytes.count).clipped(partial)
      out.literal(count: range.count)
      out.raw(bytes[range])
    case .range(let whole):
      let range = whole.clipped(partial)
      out.literal(count: range.count)
      if range.count <= Self.inMemory {
        let octets = try await content.read(range)
        // Not by way of `out`, which would copy them once more.
        send()
        connection.write(octets)
      } else {
        try await stream(content, range)
      }
    }
  }

  /// Sends a long range without holding it in memory.
  private func stream(_ content: MessageContentReader, _ range: Range<Int>) async throws {
    send()
    if let file = content.file, file.isCRLF {
      return try await connection.writeFile(
        descriptor: file.descriptor, offset: range.lowerBound, length: range.count)
    }
    var start = range.lowerBound
    while start < range.upperBound {
      let chunk = try await content.read(start..<min(range.upperBound, start + 256 * 1024))
      connection.write(chunk)
      try await connection.flush()
      start += chunk.count
    }
  }
}

extension SectionArgument {
  /// The same section as the MIME tree names it.
  var mimeSection: MIMESection {
    let item: MIMESection.Item =
      switch text {
      case nil: .all
      case .header: .header
      case .text: .text
      case .mime: .mime
      case .headerFields(let names, let not):
        not
          ? .headerFieldsNot(names.map { String(decoding: $0, as: UTF8.self) })
          : .headerFields(names.map { String(decoding: $0, as: UTF8.self) })
      }
    return MIMESection(path: part.map { Int($0) }, item: item)
  }
}
