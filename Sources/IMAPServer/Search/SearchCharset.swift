import MailSyntax

/// Charsets of search strings.
enum SearchCharset {
  /// Turns octets of a charset into text; `nil` when nobody knows the charset.
  static func decoder(_ name: String) -> (([UInt8]) throws -> String)? {
    if name == "UTF-8" || name == "US-ASCII" || name.isEmpty {
      return { octets in
        guard let text = String(validating: octets, as: UTF8.self) else {
          throw Refusal.no(.badCharset, "Search text is not valid \(name)")
        }
        return text
      }
    }
    guard name.utf8.count <= 64 else { return nil }
    let decoder = CharsetDecoder(name)
    guard decoder.isKnown else { return nil }
    return { decoder.decode($0) }
  }
}
