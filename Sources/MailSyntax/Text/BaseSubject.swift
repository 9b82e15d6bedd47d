/// The base subject of RFC 5256 section 2.1: what is left of a subject without "Re:", "Fwd:" and list tags.
package struct BaseSubject: Hashable, Sendable {
  /// The base subject, blanks collapsed, its case kept.
  package let text: String
  /// Whether anything that marks a reply or a forward was taken off.
  package let isReplyOrForward: Bool

  /// Longest subject looked at, in characters' octets; repeated tags cost the square of it.
  package static let maximumOctets = 2048

  /// Extracts the base subject of a field's value, encoded words decoded first.
  package init(_ value: [UInt8]) {
    self.init(decoded: EncodedWord.decode(value.count > 16_384 ? Array(value.prefix(16_384)) : value))
  }

  /// Extracts the base subject of a decoded text.
  package init(decoded subject: String) {
    var rest = Self.collapseBlanks(Array(subject.utf8.prefix(Self.maximumOctets)))[...]
    var marked = false
    while true {
      while Self.dropTrailer(&rest) { marked = true }
      var moved = true
      while moved {
        moved = false
        while Self.dropLeader(&rest) {
          moved = true
          marked = true
        }
        Self.trim(&rest)
        if let tail = Self.afterBlob(rest), !tail.isEmpty {
          rest = tail
          moved = true
        }
      }
      guard Self.dropForwardBrackets(&rest) else { break }
      marked = true
    }
    text = String(decoding: rest, as: UTF8.self)
    isReplyOrForward = marked
  }

  private static func collapseBlanks(_ octets: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for octet in octets {
      if ASCII.isWhite(octet) {
        if result.last != ASCII.space { result.append(ASCII.space) }
      } else {
        result.append(octet)
      }
    }
    return result
  }

  private static func trim(_ rest: inout ArraySlice<UInt8>) {
    while rest.first == ASCII.space { rest.removeFirst() }
    while rest.last == ASCII.space { rest.removeLast() }
  }

  /// `subj-trailer`: "(fwd)" or blanks; tells whether it was "(fwd)".
  private static func dropTrailer(_ rest: inout ArraySlice<UInt8>) -> Bool {
    trim(&rest)
    guard rest.count >= 5, ASCII.equalIgnoringCase(rest.suffix(5), "(fwd)".utf8) else { return false }
    rest.removeLast(5)
    return true
  }

  /// `*subj-blob subj-refwd`.
  private static func dropLeader(_ rest: inout ArraySlice<UInt8>) -> Bool {
    trim(&rest)
    var tail = rest
    while let next = afterBlob(tail) { tail = next }
    if ASCII.equalIgnoringCase(tail.prefix(2), "re".utf8) {
      tail = tail.dropFirst(2)
    } else if ASCII.equalIgnoringCase(tail.prefix(3), "fwd".utf8) {
      tail = tail.dropFirst(3)
    } else if ASCII.equalIgnoringCase(tail.prefix(2), "fw".utf8) {
      tail = tail.dropFirst(2)
    } else {
      return false
    }
    tail = tail.drop { $0 == ASCII.space }
    if let next = afterBlob(tail) { tail = next }
    guard tail.first == ASCII.colon else { return false }
    rest = tail.dropFirst()
    return true
  }

  /// `"[" *BLOBCHAR "]" *WSP`.
  private static func afterBlob(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard text.first == ASCII.openBracket else { return nil }
    var tail = text.dropFirst()
    while let octet = tail.first, octet != ASCII.openBracket, octet != ASCII.closeBracket { tail.removeFirst() }
    guard tail.first == ASCII.closeBracket else { return nil }
    return tail.dropFirst().drop { $0 == ASCII.space }
  }

  /// `[fwd: … ]`.
  private static func dropForwardBrackets(_ rest: inout ArraySlice<UInt8>) -> Bool {
    trim(&rest)
    guard rest.count >= 6, ASCII.equalIgnoringCase(rest.prefix(5), "[fwd:".utf8), rest.last == ASCII.closeBracket
    else { return false }
    rest = rest.dropFirst(5).dropLast()
    return true
  }
}
