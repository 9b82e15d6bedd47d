/// Rewrites a message so that a server without 8BITMIME, or one without BINARYMIME, can take it (RFC 6152 section 3,
/// RFC 3030 section 3): bodies change their transfer encoding, every octet of their content stays.
///
///     let bytes = try MessageConversion.convert(message, to: .sevenBit)
package enum MessageConversion {
  /// What the result may hold.
  package enum Goal: Sendable {
    /// Lines of octets below 128.
    case sevenBit
    /// Lines of any octets but NUL: what 8BITMIME carries and a mailbox keeps.
    case eightBit
    /// As it is, but for octets that no text holds: NUL anywhere, and lone CR or LF in parts that say they are binary.
    case withoutBinary
  }

  /// Why a message cannot be rewritten without breaking it.
  package struct Impossible: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason in words.
    package let description: String
    /// Makes the error.
    package init(_ reason: String) { description = reason }
  }

  /// Rewrites a message; bodies that fit already stay as they are.
  ///
  /// Header fields are kept but for Content-Transfer-Encoding (and, in a message that is no MIME yet, MIME-Version and
  /// Content-Type); octets above 127 in a header are nobody's to convert and stay.
  ///
  /// - Throws: ``Impossible`` where a signed or encrypted part, or a fragment of a message, would have to change.
  package static func convert(_ bytes: [UInt8], to goal: Goal) throws(Impossible) -> [UInt8] {
    var writer = ConversionWriter(bytes: bytes, goal: goal)
    try writer.write(MIMEPart.parse(bytes), isRoot: true)
    if goal == .withoutBinary, writer.output.contains(0) { throw Impossible("its header holds NUL") }
    return writer.output
  }
}

/// Writes one message anew, part by part.
private struct ConversionWriter {
  let bytes: [UInt8]
  let goal: MessageConversion.Goal
  var output: [UInt8] = []
  /// Within a signed or encrypted part that was found to fit.
  private var isWithinSealed = false

  /// Longest line that is text (RFC 5322 section 2.1.1), without its end.
  private static let longestLine = 998

  init(bytes: [UInt8], goal: MessageConversion.Goal) {
    self.bytes = bytes
    self.goal = goal
    output.reserveCapacity(bytes.count + bytes.count / 4)
  }

  mutating func write(_ part: MIMEPart, isRoot: Bool) throws(MessageConversion.Impossible) {
    switch part.content {
    case .leaf: try leaf(part, isRoot: isRoot)
    case .message:
      header(part, encoding: identity(part), isRoot: isRoot)
      for child in part.children { try write(child, isRoot: false) }
    case .multipart:
      let isSealed = part.subtype == "signed" || part.subtype == "encrypted"
      // One look at the outermost says it of all within.
      if isSealed, !isWithinSealed {
        guard !part.children.contains(where: needsChange) else {
          throw MessageConversion.Impossible("it has a part that is \(part.subtype) (multipart/\(part.subtype))")
        }
      }
      header(part, encoding: identity(part), isRoot: isRoot)
      let wasWithinSealed = isWithinSealed
      defer { isWithinSealed = wasWithinSealed }
      isWithinSealed = isWithinSealed || isSealed
      var position = part.bodyRange.lowerBound
      for child in part.children {
        text(position..<max(position, child.range.lowerBound))
        try write(child, isRoot: false)
        position = max(position, child.range.upperBound)
      }
      text(position..<max(position, part.bodyRange.upperBound))
    }
  }

  /// The label of a container: it holds what its parts hold.
  private func identity(_ part: MIMEPart) -> String? {
    guard goal != .withoutBinary, part.encoding == "8bit" || part.encoding == "binary" else { return nil }
    return goal == .sevenBit ? "7bit" : "8bit"
  }

  private mutating func leaf(_ part: MIMEPart, isRoot: Bool) throws(MessageConversion.Impossible) {
    guard isUnfit(part) else {
      header(part, encoding: identity(part), isRoot: isRoot)
      output += bytes[part.bodyRange]
      return
    }
    if part.encoding == "base64" || part.encoding == "quoted-printable" {
      throw MessageConversion.Impossible("it has a part that is not the \(part.encoding) it says it is")
    }
    if part.type == "message" && !part.subtype.hasPrefix("global") || goal == .withoutBinary && part.type == "multipart"
    {
      throw MessageConversion.Impossible("it has a part of type \(part.type)/\(part.subtype)")
    }
    let body = Array(bytes[part.bodyRange])
    if part.type == "text", isMostlyText(body) {
      header(part, encoding: "quoted-printable", isRoot: isRoot)
      output += TransferEncoding.encodeQuotedPrintable(body)
    } else {
      header(part, encoding: "base64", isRoot: isRoot)
      output += TransferEncoding.encodeBase64Lines(body)
    }
  }

  /// Octets between parts: nobody reads them, but they must travel.
  private mutating func text(_ range: Range<Int>) {
    guard goal == .withoutBinary ? bytes[range].contains(0) : isUnfit(range) else {
      output += bytes[range]
      return
    }
    let limit: UInt8 = goal == .sevenBit ? 0x7f : 0xff
    output += WireForm.convert(bytes[range].filter { $0 != 0 }.map { $0 > limit ? 0x3f : $0 })
  }

  /// Writes a header with another transfer encoding; `nil` leaves it as it is.
  private mutating func header(_ part: MIMEPart, encoding: String?, isRoot: Bool) {
    guard let encoding else {
      output += bytes[part.headerRange]
      return
    }
    let section = HeaderSection(Array(bytes[part.headerRange]))
    var position = 0
    var names: Set<String> = []
    for field in section.fields {
      let name = section.name(of: field)
      names.insert(name)
      guard name == "content-transfer-encoding" else { continue }
      output += section.bytes[position..<max(position, field.range.lowerBound)]
      position = max(position, field.range.upperBound)
    }
    let blank = section.hasBlankLine ? (section.bytes.suffix(2) == [ASCII.cr, ASCII.lf] ? 2 : 1) : 0
    output += section.bytes[position..<max(position, section.bytes.count - blank)]
    if let last = output.last, last != ASCII.lf { output += [ASCII.cr, ASCII.lf] }
    if isRoot, !names.contains("mime-version") { output += "MIME-Version: 1.0\r\n".utf8 }
    if isRoot, !names.contains("content-type") {
      output += "Content-Type: text/plain; charset=unknown-8bit\r\n".utf8
    }
    output += "Content-Transfer-Encoding: \(encoding)\r\n\r\n".utf8
  }

  // MARK: What fits

  private func needsChange(_ part: MIMEPart) -> Bool {
    switch part.content {
    case .leaf: isUnfit(part)
    case .message, .multipart:
      goal == .withoutBinary ? part.children.contains(where: needsChange) : isUnfit(part.bodyRange)
    }
  }

  private func isUnfit(_ part: MIMEPart) -> Bool {
    guard goal == .withoutBinary else { return isUnfit(part.bodyRange) }
    return bytes[part.bodyRange].contains(0) || part.encoding == "binary" && hasLoneLineEnd(part.bodyRange)
  }

  private func hasLoneLineEnd(_ range: Range<Int>) -> Bool {
    var previous: UInt8 = 0
    for octet in bytes[range] {
      if (octet == ASCII.lf) != (previous == ASCII.cr) { return true }
      previous = octet
    }
    return previous == ASCII.cr
  }

  /// Whether a range holds what the goal forbids.
  private func isUnfit(_ range: Range<Int>) -> Bool {
    var column = 0
    var previous: UInt8 = 0
    for octet in bytes[range] {
      if octet == 0 || (octet >= 0x80 && goal == .sevenBit) { return true }
      if previous == ASCII.cr, octet != ASCII.lf { return true }
      if octet == ASCII.lf {
        if previous != ASCII.cr { return true }
        column = 0
      } else if octet != ASCII.cr {
        column += 1
        if column > Self.longestLine { return true }
      }
      previous = octet
    }
    return previous == ASCII.cr
  }

  /// Whether quoted-printable is the shorter and more readable way.
  private func isMostlyText(_ body: [UInt8]) -> Bool {
    var odd = 0
    for octet in body where octet >= 0x80 || octet == 0 { odd += 1 }
    return odd <= body.count / 4
  }
}
