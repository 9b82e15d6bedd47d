import MailSyntax

/// A request as the pages of this host need it (RFC 9112).
package struct Request: Sendable {
  /// `GET`, `HEAD` and their kin.
  package let method: String
  /// The path without the query, percent-decoded.
  package let path: String
  /// The query's fields by lower-cased name; the first of a name counts.
  package private(set) var query: [String: String] = [:]
  /// The `Host` field without its port, lower-cased.
  package private(set) var host = ""
  /// The `Host` field with its port, lower-cased.
  package private(set) var authority = ""
  /// The `Origin` field (RFC 6454 section 7).
  package private(set) var origin: String?
  /// What came behind the header.
  package internal(set) var body: [UInt8] = []
  var contentLength: Int?

  /// Why a request is not answered with a page.
  package enum Refusal: Error {
    /// It cannot be understood.
    case bad
    /// None of those that are served here.
    case methodNotAllowed([String])
    /// A line, the header or the body is longer than it may be.
    case tooLarge
    /// A body comes without its length.
    case lengthRequired
  }

  /// Parses the request line (RFC 9112 section 3), origin and absolute form.
  init(line: [UInt8], methods: [String]) throws(Refusal) {
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[2].starts(with: "HTTP/1.".utf8) else { throw .bad }
    method = String(decoding: parts[0], as: UTF8.self)
    guard methods.contains(method) else { throw .methodNotAllowed(methods) }
    var target = parts[1]
    if !target.starts(with: "/".utf8) {
      let scheme = Array("://".utf8)
      guard let start = target.indices.first(where: { target[$0...].starts(with: scheme) }) else { throw .bad }
      let rest = target[start...].dropFirst(scheme.count)
      target = rest.firstIndex(of: UInt8(ascii: "/")).map { rest[$0...] } ?? ArraySlice("/".utf8)
    }
    let question = target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
    guard let decoded = Self.decode(target[..<question], plusIsSpace: false) else { throw .bad }
    path = decoded
    guard question < target.endIndex else { return }
    guard let fields = Self.fields(target[question...].dropFirst()) else { throw .bad }
    query = fields
  }

  /// The fields of a form in the body (`application/x-www-form-urlencoded`); `nil` when it is none.
  package var form: [String: String]? { Self.fields(body[...]) }

  /// Names, lower-cased, and values; the first of a name counts.
  private static func fields(_ octets: ArraySlice<UInt8>) -> [String: String]? {
    var fields: [String: String] = [:]
    for field in octets.split(separator: UInt8(ascii: "&")).prefix(20) {
      let equals = field.firstIndex(of: UInt8(ascii: "=")) ?? field.endIndex
      guard let name = decode(field[..<equals], plusIsSpace: true),
        let value = decode(field[equals...].dropFirst(), plusIsSpace: true)
      else { return nil }
      if fields[name.lowercased()] == nil { fields[name.lowercased()] = value }
    }
    return fields
  }

  /// Takes what matters of a header line (RFC 9112 section 5).
  mutating func take(header line: [UInt8]) throws(Refusal) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { throw .bad }
    let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
    let value = String(decoding: line[colon...].dropFirst(), as: UTF8.self).trimmed
    switch name {
    case "host":
      let bare = value.hasPrefix("[") ? value : String(value.prefix { $0 != ":" })
      host = bare.lowercased()
      authority = value.lowercased()
    case "origin": origin = value
    case "content-length":
      guard let length = Int(value), length >= 0, contentLength == nil || contentLength == length else { throw .bad }
      contentLength = length
    case "transfer-encoding": throw .lengthRequired
    default: break
    }
  }

  /// Undoes percent encoding (RFC 3986 section 2.1); `nil` for a broken escape, a control octet or invalid UTF-8.
  private static func decode(_ octets: ArraySlice<UInt8>, plusIsSpace: Bool) -> String? {
    var result: [UInt8] = []
    var index = octets.startIndex
    while index < octets.endIndex {
      var octet = octets[index]
      index += 1
      if octet == UInt8(ascii: "%") {
        guard index + 1 < octets.endIndex, let high = ASCII.hexValue(octets[index]),
          let low = ASCII.hexValue(octets[index + 1])
        else {
          return nil
        }
        octet = high << 4 | low
        index += 2
      } else if plusIsSpace, octet == UInt8(ascii: "+") {
        octet = 0x20
      }
      guard octet >= 0x20, octet != 0x7f else { return nil }
      result.append(octet)
    }
    return String(validating: result, as: UTF8.self)
  }
}
