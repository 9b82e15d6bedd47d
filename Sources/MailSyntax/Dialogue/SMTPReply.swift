/// One SMTP reply, ours to send or a remote server's (RFC 5321 section 4.2, RFC 2034).
///
///     SMTPReply(550, "5.1.1", "Sorry, no mailbox here by that name. vpopmail (#5.1.1)")
package struct SMTPReply: Hashable, Sendable {
  /// The three digits, 200–599.
  package let code: Int
  /// The enhanced status code of RFC 3463, for instance `5.7.1`.
  package let enhanced: String?
  /// The text of each line, without codes; never empty.
  package let lines: [String]

  /// Longest reply line in octets with its CRLF, RFC 5321 section 4.5.3.1.5.
  package static let maximumLineLength = 512

  /// Makes a reply; line ends inside a text start a new line, control characters become `?`.
  package init(_ code: Int, _ enhanced: String?, lines: [String]) {
    self.code = min(max(code, 200), 599)
    self.enhanced = enhanced
    let room = Self.maximumLineLength - 6 - (enhanced.map { $0.utf8.count + 1 } ?? 0)
    var clean: [String] = []
    for line in lines { Self.append(line, room: max(room, 64), to: &clean) }
    self.lines = clean.isEmpty ? [""] : clean
  }

  /// Makes a reply of one or more lines.
  package init(_ code: Int, _ enhanced: String?, _ text: String...) { self.init(code, enhanced, lines: text) }

  /// Whether the reply promises success (2xx).
  package var isPositive: Bool { code / 100 == 2 }
  /// Whether the reply asks for more (354, 334).
  package var isIntermediate: Bool { code / 100 == 3 }
  /// Whether the same command may work later (4xx).
  package var isTransient: Bool { code / 100 == 4 }
  /// Whether the command will not work (5xx).
  package var isPermanent: Bool { code / 100 == 5 }

  /// The octets to send: every line with the code, `-` or space, the enhanced code, and CRLF.
  package var wire: [UInt8] {
    var result: [UInt8] = []
    for (index, line) in lines.enumerated() {
      result += "\(code)".utf8
      result.append(index + 1 < lines.count ? ASCII.hyphen : ASCII.space)
      if let enhanced { result += "\(enhanced)\(line.isEmpty ? "" : " ")".utf8 }
      result += line.utf8
      result += [ASCII.cr, ASCII.lf]
    }
    return result
  }

  /// The reply on one line, as queue listings and bounces quote it.
  package var text: String {
    let body = lines.joined(separator: " ")
    guard let enhanced else { return "\(code) \(body)" }
    return "\(code) \(enhanced) \(body)"
  }

  private static func append(_ text: String, room: Int, to lines: inout [String]) {
    for part in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      var line: [UInt8] = []
      for scalar in part.unicodeScalars {
        let shown: Unicode.Scalar = scalar.value < 0x20 || scalar.value == 0x7f ? "?" : scalar
        let octets = UTF8.encode(shown).map(Array.init) ?? []
        if line.count + octets.count > room {
          // A blank near the start would leave a rest that is too long as well.
          let cut = line.lastIndex(of: ASCII.space).flatMap { $0 > room / 2 ? $0 : nil } ?? line.count
          lines.append(String(decoding: line[..<cut], as: UTF8.self))
          line = Array(line.dropFirst(cut + 1))
        }
        line += octets
      }
      lines.append(String(decoding: line, as: UTF8.self))
    }
  }
}

extension SMTPReply: CustomStringConvertible {
  /// The reply on one line.
  package var description: String { text }
}
