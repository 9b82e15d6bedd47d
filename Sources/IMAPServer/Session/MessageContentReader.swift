import MailStore
import MailSyntax
import NIOPosix

/// Finds sections in one open message, reading no more of it than they need.
final class MessageContentReader {
  /// Where a section's octets are.
  enum Place {
    /// There is no such section.
    case missing
    /// Octets on the wire.
    case range(Range<Int>)
    /// Octets picked together.
    case bytes([UInt8])
  }

  /// A part without its transfer encoding.
  enum Binary {
    case missing
    /// The encoding is unknown.
    case undecodable
    case bytes(ArraySlice<UInt8>)
  }

  /// `nil` when the message is in memory.
  let file: MessageFile?
  /// Octets on the wire.
  let size: Int
  private var whole: [UInt8]?
  private var tree: MIMEPart?
  private var header: [UInt8]?
  /// Parts without their encoding; only leaves have one, so that all of them are no longer than the message.
  private var decoded: [[UInt32]: [UInt8]] = [:]

  /// Messages up to this size are read at once; of larger ones, only the header when that is enough.
  private static let small = 64 * 1024

  init(_ file: MessageFile) {
    self.file = file
    size = file.size
  }

  init(_ bytes: [UInt8]) {
    file = nil
    size = bytes.count
    whole = bytes
  }

  func locate(_ section: MIMESection) async throws -> Place {
    guard section.path.isEmpty else { return try await locateInTree(section) }
    switch section.item {
    case .all: return .range(0..<size)
    case .header: return .range(0..<(try await headerOctets().count))
    case .text: return .range(min(try await headerOctets().count, size)..<size)
    case .headerFields(let names): return .bytes(try await select(names, excluding: false))
    case .headerFieldsNot(let names): return .bytes(try await select(names, excluding: true))
    case .mime: return .missing
    }
  }

  /// Octets of a range, from memory when they are there.
  func read(_ range: Range<Int>) async throws -> [UInt8] {
    if range.isEmpty { return [] }
    if let header, range.upperBound <= header.count { return Array(header[range]) }
    if whole == nil, size <= Self.small { whole = try await file?.bytes() }
    let bytes: [UInt8]
    if let whole {
      if range == 0..<whole.count { return whole }
      bytes = range.upperBound <= whole.count ? Array(whole[range]) : []
    } else {
      bytes = try await file?.read(at: range.lowerBound, count: range.count) ?? []
    }
    guard bytes.count == range.count else { throw StoreError(.temporary, "message became shorter") }
    return bytes
  }

  /// A part's content, decoded; the whole message, which has no encoding of its own, for no part number.
  ///
  /// One command may ask for the same part a thousand times, piece by piece: it is decoded once.
  func binary(_ part: [UInt32]) async throws -> Binary {
    let bytes = try await wholeOctets()
    guard !part.isEmpty else { return .bytes(bytes[...]) }
    if let known = decoded[part] { return .bytes(known[...]) }
    guard let found = try await parsed().part(part.map { Int($0) }) else { return .missing }
    guard let encoding = Self.encoding(of: found) else { return .undecodable }
    let range = found.bodyRange.clamped(to: 0..<bytes.count)
    guard encoding != .identity else { return .bytes(bytes[range]) }
    let content = try await Self.work(on: range.count) { encoding.decode(bytes.span, range: range) }
    decoded[part] = content
    return .bytes(content[...])
  }

  /// Whether a part can be had without its transfer encoding; one that is not there can.
  func isDecodable(_ part: [UInt32]) async throws -> Bool {
    guard !part.isEmpty, let found = try await parsed().part(part.map { Int($0) }) else { return true }
    return Self.encoding(of: found) != nil
  }

  /// `nil` when the encoding is unknown, or is on what holds other parts (RFC 3516 section 4.2).
  private static func encoding(of part: MIMEPart) -> TransferEncoding? {
    let encoding = TransferEncoding(part.encoding)
    return encoding == .unknown || part.content != .leaf && encoding != .identity ? nil : encoding
  }

  /// More octets than this are worked on by another thread, so that other sessions need not wait.
  private static let dear = 256 * 1024

  private static func work<Result: Sendable>(
    on count: Int, _ body: @escaping @Sendable () -> Result
  ) async throws -> Result {
    guard count > dear else { return body() }
    return try await NIOThreadPool.singleton.runIfActive(body)
  }

  private func select(_ names: [String], excluding: Bool) async throws -> [UInt8] {
    let header = try await headerOctets()
    return try await Self.work(on: header.count) {
      HeaderSection.select(names, excluding: excluding, from: header.span, range: 0..<header.count)
    }
  }

  /// The message's parts.
  private func parsed() async throws -> MIMEPart {
    if let tree { return tree }
    let bytes = try await wholeOctets()
    let parsed = try await Self.work(on: bytes.count) { MIMEPart.parse(bytes) }
    tree = parsed
    return parsed
  }

  private func locateInTree(_ section: MIMESection) async throws -> Place {
    let bytes = try await wholeOctets()
    let tree = try await parsed()
    switch section.item {
    case .headerFields, .headerFieldsNot:
      let content = try await Self.work(on: bytes.count) { tree.content(of: section, in: bytes.span) }
      return content.map { .bytes($0) } ?? .missing
    default:
      guard let slice = tree.slice(of: section) else { return .missing }
      // The octets are in wire form already, so that ranges in them are ranges on the wire; but a lone LF, if the
      // store left one, makes the two differ.
      guard slice.wireSize == slice.range.count else {
        return .bytes(tree.content(of: section, in: bytes.span) ?? [])
      }
      return .range(slice.range)
    }
  }

  private func wholeOctets() async throws -> [UInt8] {
    if let whole { return whole }
    let bytes = try await file?.bytes() ?? []
    whole = bytes
    return bytes
  }

  /// The header section with its blank line; the whole message when there is none.
  private func headerOctets() async throws -> [UInt8] {
    if let header { return header }
    if whole == nil, size <= Self.small { whole = try await file?.bytes() }
    if let whole {
      let octets = Array(whole[..<Self.headerEnd(whole)])
      header = octets
      return octets
    }
    var count = Self.small
    while true {
      let octets = try await file?.read(at: 0, count: min(count, size)) ?? []
      let end = Self.headerEnd(octets)
      if end < octets.count || count >= size {
        header = Array(octets[..<end])
        return Array(octets[..<end])
      }
      count = min(size, count * 4)
    }
  }

  /// Octets up to and with the first empty line.
  private static func headerEnd(_ octets: [UInt8]) -> Int {
    var lineStart = 0
    while lineStart < octets.count {
      guard let end = octets[lineStart...].firstIndex(of: 0x0a) else { return octets.count }
      let isEmpty = end == lineStart || (end == lineStart + 1 && octets[lineStart] == 0x0d)
      if isEmpty { return end + 1 }
      lineStart = end + 1
    }
    return octets.count
  }
}
