/// Encoded words in header fields, RFC 2047 with the language suffix of RFC 2231 section 5.
package enum EncodedWord {
  /// Decodes a field's value as a reader sees it.
  ///
  /// Blanks between two encoded words vanish; words of one charset that follow each other are joined before they
  /// are decoded, since many senders cut in the middle of a character. What is no encoded word is read as UTF-8,
  /// or else as Windows-1252; line ends go.
  package static func decode(_ value: [UInt8]) -> String {
    // Most fields are plain ASCII: no word, nothing to convert, nothing to leave out.
    if value.allSatisfy({ (ASCII.space...ASCII.tilde).contains($0) && $0 != ASCII.equals }) {
      return String(decoding: value, as: UTF8.self)
    }
    var result = ""
    var plain: [UInt8] = []
    var held: [UInt8] = []
    var charset: String?
    var index = 0
    func flushWord() {
      if let name = charset { result += CharsetDecoder(name).decode(held) }
      charset = nil
      held = []
    }
    while index < value.count {
      let next = value.firstIndex(of: ASCII.equals, from: index) ?? value.count
      if next > index {
        plain += value[index..<next]
        index = next
        continue
      }
      guard let word = parseWord(value, at: index) else {
        plain.append(value[index])
        index += 1
        continue
      }
      let isGap = charset != nil && plain.allSatisfy(ASCII.isWhite)
      if !isGap || charset != word.charset { flushWord() }
      if !isGap { result += text(plain) }
      plain = []
      charset = word.charset
      held += word.octets
      index = word.end
    }
    flushWord()
    return result + text(plain)
  }

  private static func text(_ plain: [UInt8]) -> String {
    if plain.isEmpty { return "" }
    return CharsetDecoder("utf-8").decode(plain.filter { $0 != ASCII.cr && $0 != ASCII.lf && $0 != 0 })
  }

  /// `=?charset?B|Q?text?=` at an index; blanks inside Q text are tolerated.
  private static func parseWord(_ value: [UInt8], at start: Int) -> (charset: String, octets: [UInt8], end: Int)? {
    guard start + 1 < value.count, value[start + 1] == ASCII.question,
      let charsetEnd = value.firstIndex(of: ASCII.question, from: start + 2),
      (1...63).contains(charsetEnd - start - 2), charsetEnd + 2 < value.count, value[charsetEnd + 2] == ASCII.question
    else { return nil }
    let name = value[(start + 2)..<charsetEnd]
    guard name.allSatisfy({ ASCII.isToken($0) }),
      let textEnd = value.firstIndex(of: ASCII.question, from: charsetEnd + 3), textEnd + 1 < value.count,
      value[textEnd + 1] == ASCII.equals
    else { return nil }
    let encoded = value[(charsetEnd + 3)..<textEnd]
    let charset = ASCII.lowercased(String(decoding: name.prefix { $0 != ASCII.star }, as: UTF8.self))
    switch ASCII.lower(value[charsetEnd + 1]) {
    case 0x62: return (charset, TransferEncoding.decodeBase64(Array(encoded)), textEnd + 2)
    case 0x71: return (charset, decodeQ(encoded), textEnd + 2)
    default: return nil
    }
  }

  private static func decodeQ(_ encoded: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var index = encoded.startIndex
    while index < encoded.endIndex {
      let octet = encoded[index]
      if octet == ASCII.underscore {
        result.append(ASCII.space)
      } else if octet == ASCII.equals, index + 2 < encoded.endIndex, let high = ASCII.hexValue(encoded[index + 1]),
        let low = ASCII.hexValue(encoded[index + 2])
      {
        result.append(high << 4 | low)
        index += 2
      } else {
        result.append(octet)
      }
      index += 1
    }
    return result
  }

  /// Whether a text can stand in a header field as it is: printable ASCII that looks like no encoded word.
  package static func isPlain(_ text: String) -> Bool {
    text.utf8.allSatisfy { (ASCII.space...ASCII.tilde).contains($0) } && !text.contains("=?")
  }

  /// Encodes a text as UTF-8 encoded words of at most 60 octets each (RFC 2047 section 2 allows 75; a field name
  /// before the first must fit on its line), in B or Q, whichever is
  /// shorter; each can be decoded alone.
  package static func encodedWords(_ text: String) -> [String] {
    let octets = Array(text.utf8)
    let escaped = octets.lazy.filter { !isQText($0) && $0 != ASCII.space }.count
    let useQ = escaped * 3 < octets.count * 2 / 3 + 6
    var words: [String] = []
    var chunk: [UInt8] = []
    var length = 0
    func flush() {
      guard !chunk.isEmpty else { return }
      words.append(useQ ? "=?utf-8?Q?\(encodeQ(chunk))?=" : "=?utf-8?B?\(Base64.encode(chunk))?=")
      chunk = []
      length = 0
    }
    for scalar in text.unicodeScalars {
      let piece = UTF8.encode(scalar).map(Array.init) ?? []
      let cost = useQ ? piece.reduce(0) { $0 + (isQText($1) || $1 == ASCII.space ? 1 : 3) } : piece.count
      if length + cost > (useQ ? 48 : 36) { flush() }
      chunk += piece
      length += cost
    }
    flush()
    return words
  }

  /// A text fit for a header field: as it is when plain, else encoded words separated by blanks.
  package static func encode(_ text: String) -> String {
    isPlain(text) ? text : encodedWords(text).joined(separator: " ")
  }

  /// RFC 2047 section 5 rule 3, the narrowest set, fit for phrases.
  private static func isQText(_ octet: UInt8) -> Bool {
    ASCII.isLetter(octet) || ASCII.isDigit(octet) || octet == 0x21 || octet == ASCII.star || octet == ASCII.plus
      || octet == ASCII.hyphen || octet == ASCII.slash
  }

  private static func encodeQ(_ octets: [UInt8]) -> String {
    var result: [UInt8] = []
    for octet in octets {
      if octet == ASCII.space {
        result.append(ASCII.underscore)
      } else if isQText(octet) {
        result.append(octet)
      } else {
        result += [ASCII.equals, ASCII.hexDigit(octet >> 4), ASCII.hexDigit(octet)]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
