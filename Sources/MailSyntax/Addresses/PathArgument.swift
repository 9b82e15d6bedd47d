/// What follows `MAIL FROM:` or `RCPT TO:`, read as generously as row R77 asks.
///
/// A space after the colon, missing brackets, any case, blanks inside the brackets (R49) and a source route
/// (RFC 5321 appendix C: accepted and ignored) are taken. A `%` is part of the local part, never a route.
///
///     try PathArgument.parse(Array(" bob@example.com SIZE=100".utf8), allowUTF8: false)
package struct PathArgument: Hashable, Sendable {
  /// The address; `nil` for `<>` and for `<postmaster>`.
  package let address: EmailAddress?
  /// Whether it was `postmaster` without a domain (RFC 5321 section 4.5.1).
  package let isPostmaster: Bool
  /// The text inside the brackets as the client wrote it, controls shown as `?`.
  package let raw: String
  /// The parameters in their order.
  package let parameters: [ESMTPParameter]

  /// Most parameters of one command.
  package static let maximumParameters = 16

  /// Whether this is the null reverse path `<>`.
  package var isNull: Bool { address == nil && !isPostmaster }

  /// The value of a parameter by its upper-case keyword; `.some(nil)` when it stands without a value.
  package func parameter(_ keyword: String) -> String?? {
    parameters.first { $0.keyword == keyword }.map { $0.value }
  }

  /// Parses the octets behind the colon.
  ///
  /// - Parameters:
  ///   - bytes: the rest of the command line without its line end.
  ///   - allowUTF8: whether octets above 127 may stand in local part and domain.
  ///   - defaultDomain: added to a bare user name (R72); without it a bare name is an error.
  /// - Throws: `PathError`.
  package static func parse(
    _ bytes: [UInt8], allowUTF8: Bool, defaultDomain: MailDomain? = nil
  ) throws(PathError) -> PathArgument {
    var rest = bytes[...].drop(while: ASCII.isBlank)
    guard !rest.isEmpty else { throw .syntax }
    let path = try takePath(&rest)
    let parameters = try parseParameters(rest, allowUTF8: allowUTF8)
    let raw = String(decoding: path.map { ASCII.isControl($0) ? ASCII.question : $0 }, as: UTF8.self)
    let inner = trimBlanks(path)
    if inner.isEmpty {
      return PathArgument(address: nil, isPostmaster: false, raw: raw, parameters: parameters)
    }
    if inner.contains(where: { $0 >= 0x80 }) {
      guard allowUTF8 else { throw .needsSMTPUTF8 }
      guard String(validating: inner, as: UTF8.self) != nil else { throw .address(.controlCharacter) }
    }
    if ASCII.equalIgnoringCase(inner, "postmaster".utf8) {
      return PathArgument(address: nil, isPostmaster: true, raw: raw, parameters: parameters)
    }
    let address = try parseAddress(dropSourceRoute(inner), defaultDomain: defaultDomain)
    return PathArgument(address: address, isPostmaster: false, raw: raw, parameters: parameters)
  }

  /// Takes `<…>` or a bare word off the front, heeding quotes; the rest starts behind it.
  private static func takePath(_ rest: inout ArraySlice<UInt8>) throws(PathError) -> ArraySlice<UInt8> {
    let bracketed = rest.first == ASCII.less
    if bracketed { rest.removeFirst() }
    var end = rest.startIndex
    var quoted = false
    while end < rest.endIndex {
      let octet = rest[end]
      if quoted, octet == ASCII.backslash {
        end += 1
      } else if octet == ASCII.quote {
        quoted.toggle()
      } else if !quoted, bracketed ? octet == ASCII.greater : ASCII.isBlank(octet) {
        break
      }
      end += 1
    }
    guard end <= rest.endIndex, !quoted, !bracketed || end < rest.endIndex else { throw .syntax }
    let path = rest[rest.startIndex..<end]
    rest = rest[(bracketed ? end + 1 : end)...]
    if let next = rest.first, !ASCII.isBlank(next) { throw .syntax }
    if !bracketed, path.isEmpty { throw .syntax }
    return path
  }

  private static func trimBlanks(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var trimmed = bytes.drop(while: ASCII.isBlank)
    while let last = trimmed.last, ASCII.isBlank(last) { trimmed.removeLast() }
    return trimmed
  }

  private static func dropSourceRoute(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard path.first == ASCII.at, let colon = path.firstIndex(of: ASCII.colon) else { return path }
    return path[(colon + 1)...]
  }

  private static func parseAddress(
    _ path: ArraySlice<UInt8>, defaultDomain: MailDomain?
  ) throws(PathError) -> EmailAddress {
    do {
      if let defaultDomain {
        let (local, rest) = try EmailAddress.splitLocalPart(path)
        if rest.isEmpty {
          return try EmailAddress(localPart: String(decoding: local, as: UTF8.self), domain: defaultDomain)
        }
      }
      return try EmailAddress(String(decoding: path, as: UTF8.self))
    } catch {
      throw .address(error)
    }
  }

  private static func parseParameters(
    _ bytes: ArraySlice<UInt8>, allowUTF8: Bool
  ) throws(PathError) -> [ESMTPParameter] {
    var result: [ESMTPParameter] = []
    for word in bytes.split(whereSeparator: ASCII.isBlank) {
      let parts = word.split(separator: ASCII.equals, maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts.first ?? []
      let shown = String(decoding: name.prefix(32).map { ASCII.isToken($0) ? $0 : ASCII.question }, as: UTF8.self)
      guard let first = name.first, ASCII.isLetter(first) || ASCII.isDigit(first),
        name.allSatisfy({ ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.hyphen }),
        result.count < maximumParameters
      else { throw .parameter(shown) }
      var value: String?
      if parts.count == 2 {
        guard !parts[1].isEmpty, !parts[1].contains(where: { ASCII.isControl($0) || ($0 >= 0x80 && !allowUTF8) }),
          let text = String(validating: parts[1], as: UTF8.self)
        else { throw .parameter(shown) }
        value = text
      }
      let parameter = ESMTPParameter(keyword: String(decoding: name, as: UTF8.self), value: value)
      guard !result.contains(where: { $0.keyword == parameter.keyword }) else { throw .parameter(shown) }
      result.append(parameter)
    }
    return result
  }
}
