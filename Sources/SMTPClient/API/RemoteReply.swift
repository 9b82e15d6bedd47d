/// A reply as the other side sent it (RFC 5321 section 4.2), made safe to log and to quote.
package struct RemoteReply: Hashable, Sendable {
  /// The three digits, 200–599.
  package var code: Int
  /// The enhanced status code of the last line that has one, for instance `5.1.1` (RFC 2034).
  package var enhanced: String?
  /// The text of each line without the code, with control characters replaced by `?`.
  package var lines: [String]

  /// Makes a reply.
  package init(code: Int, enhanced: String? = nil, lines: [String] = []) {
    self.code = code
    self.enhanced = enhanced
    self.lines = lines
  }

  /// Whether the command succeeded (2xx).
  package var isPositive: Bool { code / 100 == 2 }
  /// Whether the command may succeed later (4xx).
  package var isTransient: Bool { code / 100 == 4 }
  /// Whether the command will never succeed (5xx).
  package var isPermanent: Bool { code / 100 == 5 }
}

extension RemoteReply: CustomStringConvertible {
  /// Code and text on one line, lines joined by a space: what bounces and logs quote.
  package var description: String {
    let text = lines.filter { !$0.isEmpty }.joined(separator: " ")
    return text.isEmpty ? "\(code)" : "\(code) \(text)"
  }
}
