import NIOCore

/// Cuts replies (RFC 5321 section 4.2.1) out of a stream of octets that may be hostile.
///
/// Memory is bounded whatever arrives: the excess of a long line is dropped, and a reply that does not end is an error.
struct ReplyParser {
  enum Failure: Error, Equatable {
    /// More octets or lines than one reply may have.
    case endless
    /// A line that does not start with a code from 200 to 599; its beginning is kept for the log.
    case notSMTP(String)
  }

  private let lineLimit: Int
  private let sizeLimit: Int
  private let countLimit: Int
  private var line: [UInt8] = []
  private var texts: [String] = []
  private var enhanced: String?
  private var size = 0

  init(settings: SMTPClientSettings) {
    lineLimit = max(16, settings.replyLineLimit)
    sizeLimit = max(512, settings.replySizeLimit)
    countLimit = max(1, settings.replyLineCountLimit)
  }

  /// Takes octets until one reply is whole.
  ///
  /// - Returns: `nil` when the buffer is used up and the reply has not ended.
  mutating func next(from buffer: inout ByteBuffer) throws(Failure) -> RemoteReply? {
    while buffer.readableBytes > 0 {
      let view = buffer.readableBytesView
      let end = view.firstIndex(of: 0x0a)
      let piece = view[view.startIndex..<(end ?? view.endIndex)]
      let room = max(0, lineLimit - line.count)
      line.append(contentsOf: piece.prefix(room))
      size += piece.count + 1
      let isLineDone = end != nil
      buffer.moveReaderIndex(forwardBy: piece.count + (isLineDone ? 1 : 0))
      if size > sizeLimit { throw .endless }
      if isLineDone, let reply = try finishLine() { return reply }
    }
    return nil
  }

  private mutating func finishLine() throws(Failure) -> RemoteReply? {
    if line.last == 0x0d { line.removeLast() }
    defer { line.removeAll(keepingCapacity: true) }
    guard let code = Self.code(of: line) else { throw .notSMTP(Self.printable(line.prefix(200))) }
    let separator = line.count > 3 ? line[3] : 0x20
    guard separator == 0x20 || separator == 0x2d || separator == 0x09 else {
      throw .notSMTP(Self.printable(line.prefix(200)))
    }
    let text = Self.printable(line.dropFirst(4))
    if let status = Self.enhancedStatus(in: text, code: code) { enhanced = status }
    texts.append(text)
    if separator == 0x2d {
      if texts.count >= countLimit { throw .endless }
      return nil
    }
    // The last line's code counts: that is what Postfix, Exim and qmail obey when lines disagree.
    let reply = RemoteReply(code: code, enhanced: enhanced, lines: texts)
    texts = []
    enhanced = nil
    size = 0
    return reply
  }

  private static func code(of line: [UInt8]) -> Int? {
    guard line.count >= 3 else { return nil }
    let digits = line[0..<3]
    guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let code = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    return (200...599).contains(code) ? code : nil
  }

  /// The `class.subject.detail` at the start of a line, when its class agrees with the code (RFC 2034 section 4).
  static func enhancedStatus(in text: String, code: Int) -> String? {
    let word = text.prefix { $0 != " " }
    let parts = word.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "\(code / 100)" else { return nil }
    let isNumeric = parts.allSatisfy { part in
      (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
    return isNumeric ? String(word) : nil
  }

  private static func printable(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.map { $0 < 0x20 || $0 == 0x7f ? 0x3f : $0 }, as: UTF8.self)
  }
}
