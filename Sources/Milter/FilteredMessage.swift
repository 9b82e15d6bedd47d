import Basics
import MailSyntax

#if canImport(Glibc)
  import Glibc
#endif

/// A message as filters see it and change it: its header fields, and where its body is.
package struct FilteredMessage: Sendable {
  /// One header field.
  struct Field: Sendable, Equatable {
    /// The octets before the colon; empty for a line that is no field, which filters are not shown.
    var name: [UInt8]
    /// The octets behind the colon, or the whole line; folds as CRLF, without the last line end.
    var value: [UInt8]
  }

  /// The octets that came in.
  let content: MessageContent
  private(set) var fields: [Field]
  /// Where the body starts in `content`.
  let bodyOffset: Int
  /// The body that stands in its place.
  private(set) var replacement: [UInt8]?
  /// Whether any header field was changed.
  private(set) var isHeaderChanged = false

  /// Reads a message.
  ///
  /// - Parameters:
  ///   - head: its first octets.
  ///   - headerEnd: where its header ends in `head`, the blank line included.
  ///   - added: whole header lines that the host puts before what came in, and that filters see and may change like it;
  ///     they are part of ``header``.
  package init(_ content: MessageContent, head: [UInt8], headerEnd: Int, added: [UInt8] = []) {
    self.content = content
    bodyOffset = headerEnd
    fields = Self.fields(added) + Self.fields(Array(head.prefix(headerEnd)))
  }

  private static func fields(_ octets: [UInt8]) -> [Field] {
    let section = HeaderSection(octets, limits: limits)
    return section.fields.map { field in
      field.name.isEmpty
        ? Field(name: [], value: Array(section.bytes[field.value]))
        : Field(name: Array(section.bytes[field.name]), value: Array(section.bytes[field.value]))
    }
  }

  private static var limits: HeaderSection.Limits {
    var limits = HeaderSection.Limits()
    limits.fields = 100_000
    return limits
  }

  // MARK: Changes

  /// Changes the header as a filter asks.
  ///
  /// - Parameter keepsSpace: whether the filter brings the blank behind the colon itself.
  mutating func change(_ answer: MilterAnswer, keepsSpace: Bool) {
    switch answer {
    case .addHeader(let name, let value):
      fields.append(Self.field(name, value, keepsSpace))
    case .insertHeader(let index, let name, let value):
      // Place 0 is above our own Received:, which filters count as the first field; it stays on top all the same.
      fields.insert(Self.field(name, value, keepsSpace), at: min(max(index - 1, 0), fields.count))
    case .changeHeader(let index, let name, let value):
      let places = fields.indices.filter { ASCIIText.isSame(fields[$0].name, name) }
      let place = index >= 1 && index <= places.count ? places[index - 1] : nil
      if let place {
        if value.isEmpty { fields.remove(at: place) } else { fields[place] = Self.field(name, value, keepsSpace) }
      } else if !value.isEmpty {
        fields.append(Self.field(name, value, keepsSpace))
      } else {
        return
      }
    default: return
    }
    isHeaderChanged = true
  }

  mutating func replaceBody(_ bytes: [UInt8]) { replacement = bytes }

  /// A field that cannot break out of its place: a name of token octets, and every line after the first a fold.
  private static func field(_ name: [UInt8], _ value: [UInt8], _ keepsSpace: Bool) -> Field {
    let clean = name.filter { $0 > 0x20 && $0 < 0x7f && $0 != 0x3a }
    var octets: [UInt8] = keepsSpace || value.first == 0x20 || value.first == 0x09 ? [] : [0x20]
    var lines = value.filter { $0 != 0x0d && $0 != 0 }.split(separator: 0x0a, omittingEmptySubsequences: false)
    while lines.count > 1, lines.last?.isEmpty == true { lines.removeLast() }
    for (index, line) in lines.enumerated() {
      if index > 0 { octets += [0x0d, 0x0a] + (line.first == 0x20 || line.first == 0x09 ? [] : [0x09]) }
      octets += line
    }
    return Field(name: clean.isEmpty ? Array("X-Filter".utf8) : clean, value: octets)
  }

  // MARK: Results

  /// Whether anything but the envelope differs from what came in.
  package var isChanged: Bool { isHeaderChanged || replacement != nil }

  /// The header as it is now, with its blank line.
  package var header: [UInt8] {
    var octets: [UInt8] = []
    for field in fields {
      if !field.name.isEmpty { octets += field.name + [0x3a] }
      octets += field.value + [0x0d, 0x0a]
    }
    return octets + [0x0d, 0x0a]
  }

  /// A block of the body; empty at the end, `nil` when the file cannot be read.
  ///
  /// Blocks.
  package func body(at offset: Int, limit: Int) -> [UInt8]? {
    if let replacement { return Array(replacement.dropFirst(offset).prefix(limit)) }
    let start = bodyOffset + offset
    switch content {
    case .bytes(let bytes): return Array(bytes.dropFirst(start).prefix(limit))
    case .file(let path, let size):
      guard start < size else { return [] }
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      defer { close(descriptor) }
      var block = [UInt8](repeating: 0, count: min(limit, size - start))
      var done = 0
      while done < block.count {
        let wanted = block.count - done
        let got = block.withUnsafeMutableBytes { buffer in
          pread(descriptor, buffer.baseAddress.map { $0 + done }, wanted, off_t(start + done))
        }
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { return nil }
        done += got
      }
      return block
    }
  }
}

/// Comparison of header names.
enum ASCIIText {
  static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { lower($0) == lower($1) }
  }

  private static func lower(_ octet: UInt8) -> UInt8 { (0x41...0x5a).contains(octet) ? octet | 0x20 : octet }
}
